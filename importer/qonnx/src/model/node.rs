//! Nodes and their attributes.

use super::{Graph, Tensor};

/// One application of an operator.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Name of the node; may be empty. [`Node::label`] always says something.
    pub name: String,
    /// Operator name as the file has it, such as `Conv` or `IntQuant`.
    pub op_type: String,
    /// Operator domain as the file has it; see [`Node::operator`] for the operator meant.
    pub domain: String,
    /// Names of the input values; the empty string is an optional input left out.
    pub inputs: Vec<String>,
    /// Names of the output values; the empty string is an optional output left out.
    pub outputs: Vec<String>,
    /// Attributes in file order.
    pub attributes: Vec<Attribute>,
    /// Documentation of the node.
    pub doc: String,
    /// Free key-value pairs, in file order.
    pub metadata: Vec<(String, String)>,
}

/// A named constant parameter of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Name of the attribute.
    pub name: String,
    /// Its value.
    pub value: AttributeValue,
}

/// The value of an attribute. Other ONNX kinds (sparse tensors, types, lists of tensors or graphs) are refused by
/// the reader.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// An integer; also booleans, as 0 and 1.
    Int(i64),
    /// A number.
    Float(f32),
    /// Text.
    String(String),
    /// A constant tensor.
    Tensor(Tensor),
    /// A subgraph.
    Graph(Box<Graph>),
    /// Integers.
    Ints(Vec<i64>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Texts.
    Strings(Vec<String>),
}

impl AttributeValue {
    /// The kind in words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "string",
            Self::Tensor(_) => "tensor",
            Self::Graph(_) => "graph",
            Self::Ints(_) => "ints",
            Self::Floats(_) => "floats",
            Self::Strings(_) => "strings",
        }
    }
}

macro_rules! from_values {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for AttributeValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

from_values! {
    i64 => Int, i32 => Int, bool => Int, f32 => Float, &str => String, String => String, Tensor => Tensor,
    Graph => Graph, Vec<i64> => Ints, &[i64] => Ints, Vec<f32> => Floats, &[f32] => Floats,
}

impl<const N: usize> From<[i64; N]> for AttributeValue {
    fn from(values: [i64; N]) -> Self {
        Self::Ints(values.into())
    }
}

impl Node {
    /// Sets the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the operator domain.
    #[must_use]
    pub fn in_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = domain.into();
        self
    }

    /// Sets attribute `name`, replacing an earlier value.
    #[must_use]
    pub fn attr(mut self, name: &str, value: impl Into<AttributeValue>) -> Self {
        let value = value.into();
        match self.attributes.iter_mut().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.value = value,
            None => self.attributes.push(Attribute { name: name.to_owned(), value }),
        }
        self
    }

    /// The name, or if the node has none, its operator and first output: `Conv of y`.
    pub fn label(&self) -> String {
        match self.outputs.iter().find(|output| !output.is_empty()) {
            _ if !self.name.is_empty() => self.name.clone(),
            Some(output) => format!("{} of {output}", self.op_type),
            None => format!("{} without outputs", self.op_type),
        }
    }

    /// The name of input `index`, or `None` if it is absent or left out.
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of output `index`, or `None` if it is absent or left out.
    pub fn output(&self, index: usize) -> Option<&str> {
        self.outputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The value the file gives attribute `name`.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.iter().find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }
}
