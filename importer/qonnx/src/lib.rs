//! QONNX models as plain Rust values: reading, writing, operator schemas and a readable text form.
//!
//! The only crate that knows ONNX protobuf. The importer reads with it, training writes with it; neither sees the
//! wire format. Reading is faithful: names, order and operator domains stay as the file has them, and operators
//! are recognised by [`Node::operator`], not by rewriting.

mod check;
mod datatype;
mod error;
mod model;
pub mod ops;
mod read;
mod text;
mod wire;
mod write;

pub use check::{SchemaError, SchemaProblem, check_node};
pub use datatype::{DataType, UnknownDataType};
pub use error::ReadError;
pub use model::{
    Annotation, Attribute, AttributeValue, DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Dim, ElemType, Graph, Model,
    Node, Opset, QONNX_DOMAIN, Tensor, TensorData, ValueInfo,
};
pub use ops::{OpSchema, support_table};
pub use read::read;
pub use write::write;
