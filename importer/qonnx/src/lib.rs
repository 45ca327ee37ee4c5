//! QONNX models as plain Rust values: reading, writing, operator schemas and a readable text form.
//!
//! The only crate that knows ONNX protobuf. The importer reads with it, training writes with it; neither sees the
//! wire format. Reading is faithful: names, order and operator domains stay as the file has them, and operators
//! are recognised by [`Node::operator`], not by rewriting.

mod error;
mod model;
mod read;
mod wire;
mod write;

pub use error::ReadError;
pub use model::{
    Annotation, Attribute, AttributeValue, DEFAULT_DOMAIN, Dim, ElemType, Graph, Model, Node, Opset,
    QONNX_DOMAIN, Tensor, TensorData, ValueInfo,
};
pub use read::read;
pub use write::write;
