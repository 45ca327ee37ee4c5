//! What can be wrong with the bytes of a model. Each error names the place in the file, what was found and what is
//! needed.

use crate::kind::FileKind;

/// Why bytes were refused as a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes are no protobuf message of an ONNX model.
    #[error("not an ONNX model: {reason}")]
    Protobuf {
        /// The decoder's words.
        reason: String,
    },
    /// The message holds no graph; an empty file is one such.
    #[error("not an ONNX model: there is no graph in it")]
    NoGraph,
    /// Another kind of file, in place of a model.
    #[error("not an ONNX model: {}", kind.name())]
    OtherKind {
        /// What it is.
        kind: FileKind,
    },
    /// The message ends before the operator sets, which come after the graph: the file is cut.
    #[error("not a complete ONNX model: there are no operator sets in it")]
    NoOperatorSets,
    /// A call of a function that the model itself defines, which cannot be replaced by the function's nodes.
    #[error("node \"{node}\": the model's own function {function} {found}")]
    LocalFunction {
        /// The calling node.
        node: String,
        /// Domain and name of the function.
        function: String,
        /// What is wrong, as a predicate of the function.
        found: String,
    },
    /// A sparse initializer.
    #[error("graph \"{graph}\" has sparse initializers; only dense ones are supported")]
    SparseInitializer {
        /// Name of the graph.
        graph: String,
    },
    /// A tensor whose data lies in another file, in a model that was read without its folder.
    #[error(
        "{place}: the data is in the side file \"{location}\", and only the model's bytes are here; read the model beside that file"
    )]
    ExternalData {
        /// The tensor.
        place: String,
        /// Where the file says the data is.
        location: String,
    },
    /// A tensor whose data cannot be read from a side file.
    #[error("{place}: the side file \"{location}\" with its data {found}")]
    SideFile {
        /// The tensor.
        place: String,
        /// Where the file says the data is.
        location: String,
        /// What is wrong, as a predicate of the side file.
        found: String,
    },
    /// A tensor split over segments.
    #[error("{place}: the data is split into segments, which is not supported")]
    Segmented {
        /// The tensor.
        place: String,
    },
    /// A negative dimension, or more elements than can be addressed.
    #[error("{place}: {dims:?} is not a shape")]
    Shape {
        /// The tensor.
        place: String,
        /// Dimensions in the file.
        dims: Vec<i64>,
    },
    /// More or fewer elements than the shape says.
    #[error("{place}: shape {shape:?} needs {needed} {unit}, found {found}")]
    DataLength {
        /// The tensor.
        place: String,
        /// Dimensions in the file.
        shape: Vec<usize>,
        /// What the shape needs.
        needed: usize,
        /// What the file holds.
        found: usize,
        /// What is counted: bytes or elements.
        unit: &'static str,
    },
    /// A number that does not fit the element type.
    #[error("{place}: element {index} is {value}, which does not fit {elem}")]
    ElementRange {
        /// The tensor.
        place: String,
        /// Index in row-major order.
        index: usize,
        /// Value in the file.
        value: String,
        /// Element type of the tensor.
        elem: &'static str,
    },
    /// An element type this reader does not know.
    #[error("{place}: unknown element type {code}")]
    ElemType {
        /// The tensor or value.
        place: String,
        /// ONNX number of the type.
        code: i32,
    },
    /// A value that is no tensor.
    #[error("value \"{value}\" is a {found}; only tensors are supported")]
    NotTensor {
        /// Name of the value.
        value: String,
        /// What it is.
        found: &'static str,
    },
    /// An attribute of an unsupported kind.
    #[error("node \"{node}\": attribute \"{attribute}\" is {found}, which is not supported")]
    AttributeKind {
        /// The node.
        node: String,
        /// The attribute.
        attribute: String,
        /// Its kind.
        found: String,
    },
    /// An attribute said to be text that is not UTF-8.
    #[error("node \"{node}\": attribute \"{attribute}\" is not valid UTF-8")]
    AttributeText {
        /// The node.
        node: String,
        /// The attribute.
        attribute: String,
    },
}
