//! QONNX models as plain Rust values: reading, writing, operator schemas and a readable text form.
//!
//! The only crate that knows ONNX protobuf. The importer reads with it, training writes with it; neither sees the
//! wire format. Reading is faithful: names, order and operator domains stay as the file has them, and operators
//! are recognised by [`Node::operator`], not by rewriting.
//!
//! ```
//! use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo, read, write};
//!
//! let mut graph = Graph::new("net");
//! graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &[1, 4])];
//! graph.outputs = vec![ValueInfo::new("y", ElemType::F32, &[1, 4])];
//! graph.initializers =
//!     vec![Tensor::scalar("scale", 0.25), Tensor::scalar("zero", 0.0), Tensor::scalar("bits", 4.0)];
//! graph.nodes =
//!     vec![Node::new("Quant", ["x", "scale", "zero", "bits"], ["y"]).attr("signed", 1).attr("narrow", 0)];
//! let model = Model::new(graph);
//! assert!(model.check().is_empty());
//! assert_eq!(read(&write(&model))?, model);
//! assert!(model.to_string().contains("y: float32[1, 4] = Quant(x, 0.25, 0.0, 4.0)"));
//! # Ok::<(), exactum_qonnx::ReadError>(())
//! ```

mod check;
mod datatype;
mod error;
mod kind;
mod model;
pub mod ops;
mod read;
pub mod shape;
mod side_files;
mod text;
mod window;
mod wire;
mod write;

pub use check::{SchemaError, SchemaProblem, check_node};
pub use datatype::{DataType, UnknownDataType};
pub use error::ReadError;
pub use kind::FileKind;
pub use model::{
    Annotation, Attribute, AttributeValue, CHANNELS_LAST_DOMAIN, DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Dim,
    ElemType, Graph, Model, Node, Opset, QONNX_DOMAIN, Tensor, TensorData, ValueInfo,
};
pub use ops::{OpSchema, support_table};
pub use read::{read, read_beside};
pub use side_files::Folder;
pub use window::{AttributeMisfit, PoolWindow, TransposedWindow, Window};
pub use write::write;
