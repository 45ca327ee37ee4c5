//! What can be wrong with the bytes of a model. Each error names the place in the file, what was found and what is
//! needed.

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
    /// A node calls a function that the model itself defines.
    #[error(
        "node \"{node}\" calls the model's own function {domain}:{function}; export the model with functions inlined"
    )]
    LocalFunction {
        /// The calling node.
        node: String,
        /// Domain of the function.
        domain: String,
        /// Name of the function.
        function: String,
    },
    /// A sparse initializer.
    #[error("graph \"{graph}\" has sparse initializers; only dense ones are supported")]
    SparseInitializer {
        /// Name of the graph.
        graph: String,
    },
    /// A tensor whose data lies in another file.
    #[error("{place}: the data is in another file ({location}); save the model with its data inside")]
    ExternalData {
        /// The tensor.
        place: String,
        /// Where the file says the data is.
        location: String,
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
