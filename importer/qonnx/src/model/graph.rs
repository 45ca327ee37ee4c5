//! Graphs and the values that flow through them.

use std::collections::BTreeSet;

use super::{ElemType, Node, Tensor};

/// Nodes in file order with the constants and values they name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Name of the graph.
    pub name: String,
    /// Nodes; ONNX requires topological order.
    pub nodes: Vec<Node>,
    /// Constant tensors, found by name.
    pub initializers: Vec<Tensor>,
    /// Graph inputs. Many exporters list initializers here too; see [`Graph::real_inputs`].
    pub inputs: Vec<ValueInfo>,
    /// Graph outputs.
    pub outputs: Vec<ValueInfo>,
    /// Types of values between nodes, where the exporter knew them.
    pub value_info: Vec<ValueInfo>,
    /// Quantization annotations, by which FINN and qonnx store datatypes of values.
    pub annotations: Vec<Annotation>,
}

/// Type and shape of a named value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueInfo {
    /// Name of the value.
    pub name: String,
    /// Element type, [`ElemType::Undefined`] if the file does not say.
    pub elem: ElemType,
    /// Dimensions, `None` if not even the rank is known.
    pub shape: Option<Vec<Dim>>,
}

/// One dimension of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A fixed number of elements.
    Known(usize),
    /// A named free size such as `batch`; never the empty string after reading.
    Symbol(String),
    /// A free size without a name.
    Unknown,
}

/// Facts attached to a value, as key-value pairs such as `finn_datatype` = `INT4`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Name of the annotated value.
    pub value: String,
    /// Facts in file order.
    pub entries: Vec<(String, String)>,
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The initializer called `name`.
    pub fn initializer(&self, name: &str) -> Option<&Tensor> {
        self.initializers.iter().find(|tensor| tensor.name == name)
    }

    /// Inputs a caller must supply: graph inputs that are not initializers, in file order.
    pub fn real_inputs(&self) -> Vec<&ValueInfo> {
        let constants: BTreeSet<&str> = self.initializers.iter().map(|tensor| tensor.name.as_str()).collect();
        self.inputs.iter().filter(|input| !constants.contains(input.name.as_str())).collect()
    }

    /// The declared type of value `name`: a graph input, graph output or annotated intermediate value.
    pub fn value(&self, name: &str) -> Option<&ValueInfo> {
        [&self.inputs, &self.outputs, &self.value_info].into_iter().flatten().find(|value| value.name == name)
    }

    /// The annotation `key` of value `name`, such as its `finn_datatype`.
    pub fn annotation(&self, name: &str, key: &str) -> Option<&str> {
        let entries = self.annotations.iter().filter(|annotation| annotation.value == name);
        entries.flat_map(|annotation| &annotation.entries).find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

impl ValueInfo {
    /// A value of fixed shape.
    pub fn new(name: impl Into<String>, elem: ElemType, shape: &[usize]) -> Self {
        Self::with_dims(name, elem, shape.iter().copied().map(Dim::Known).collect())
    }

    /// A value some of whose dimensions may be free.
    pub fn with_dims(name: impl Into<String>, elem: ElemType, dims: Vec<Dim>) -> Self {
        Self { name: name.into(), elem, shape: Some(dims) }
    }
}
