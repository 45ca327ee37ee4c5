//! Operator schemas as data: one declaration per operator and signature, grouped by family.
//!
//! The table drives recognition ([`Node::operator`]), checks ([`check_node`](crate::check_node)), attribute defaults
//! ([`Node::int`] and its like), the domain of nodes made by [`Node::new`], and the support table in the docs.
//! A schema says what a node may look like, not that the importer lowers it.

mod attribute;
mod constant;
mod elementwise;
mod linear;
mod normalization;
mod pool;
mod quant;
mod shape;
mod table;

pub use attribute::{AttributeDefault, AttributeKind, AttributeSchema};
pub use table::support_table;

use crate::model::{AttributeValue, CHANNELS_LAST_DOMAIN, DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Node, Tensor};

/// One signature of an operator. An operator whose signature changed has several, told apart by what a node has.
#[derive(Debug, PartialEq)]
pub struct OpSchema {
    /// Operator name.
    pub op_type: &'static str,
    /// Other names with the same meaning.
    pub aliases: &'static [&'static str],
    /// Domains the operator is found in; new nodes get the first.
    pub domains: &'static [&'static str],
    /// First version of the operator set with this signature.
    pub since: i64,
    /// What it computes, in a few words.
    pub summary: &'static str,
    /// Inputs in order.
    pub inputs: &'static [Formal],
    /// Outputs in order.
    pub outputs: &'static [Formal],
    /// Attributes, by name.
    pub attributes: &'static [AttributeSchema],
}

/// A formal input or output.
#[derive(Debug, PartialEq, Eq)]
pub struct Formal {
    /// Name in the operator's specification.
    pub name: &'static str,
    /// Whether it may be left out or repeated.
    pub presence: Presence,
}

/// Whether an input or output may be left out or repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There, once.
    Required,
    /// May be left out: absent at the end, or named by the empty string.
    Optional,
    /// Last in its list; there at least once.
    Variadic,
}

const fn required(name: &'static str) -> Formal {
    Formal { name, presence: Presence::Required }
}

const fn optional(name: &'static str) -> Formal {
    Formal { name, presence: Presence::Optional }
}

const fn variadic(name: &'static str) -> Formal {
    Formal { name, presence: Presence::Variadic }
}

/// Domains of standard operators.
const STANDARD: &[&str] = &[DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME];

/// Domain of the operators that ONNX Runtime's quantizer adds to the standard ones.
const MICROSOFT: &[&str] = &["com.microsoft"];

/// Domain of operators whose channels come last.
const CHANNELS_LAST: &[&str] = &[CHANNELS_LAST_DOMAIN];

/// A standard operator with one output; families fill in the rest.
const STANDARD_OP: OpSchema = OpSchema {
    op_type: "",
    aliases: &[],
    domains: STANDARD,
    since: 1,
    summary: "",
    inputs: &[required("X")],
    outputs: &[required("Y")],
    attributes: &[],
};

/// Every schema, in the order of the support table. Later signatures of an operator follow earlier ones.
pub fn schemas() -> impl DoubleEndedIterator<Item = &'static OpSchema> {
    [
        quant::SCHEMAS,
        linear::SCHEMAS,
        elementwise::SCHEMAS,
        normalization::SCHEMAS,
        pool::SCHEMAS,
        shape::SCHEMAS,
        constant::SCHEMAS,
    ]
    .into_iter()
    .flatten()
}

/// The domain new nodes of `op_type` belong to: standard if no schema knows it.
pub(crate) fn home_domain(op_type: &str) -> &'static str {
    schemas().find(|schema| schema.is_called(op_type)).map_or(DEFAULT_DOMAIN, |schema| schema.domains[0])
}

/// The schema `node` means under operator set version `opset`: the newest signature the node fits, else the newest.
pub(crate) fn select(node: &Node, opset: Option<i64>) -> Option<&'static OpSchema> {
    let candidates = || schemas().rev().filter(|schema| schema.names(node));
    let known = |schema: &&OpSchema| opset.is_none_or(|version| schema.since <= version);
    let fits = |schema: &&OpSchema| schema.problems(node).is_empty();
    candidates()
        .filter(known)
        .find(fits)
        .or_else(|| candidates().find(fits))
        .or_else(|| candidates().find(known))
        .or_else(|| candidates().next())
}

impl OpSchema {
    /// Whether `op_type` is this operator's name or an alias.
    pub fn is_called(&self, op_type: &str) -> bool {
        self.op_type == op_type || self.aliases.contains(&op_type)
    }

    /// Whether `node` names this operator.
    pub(crate) fn names(&self, node: &Node) -> bool {
        self.is_called(&node.op_type) && self.domains.contains(&node.domain.as_str())
    }

    /// The attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&'static AttributeSchema> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// Position of the input called `name`.
    pub fn input_index(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|formal| formal.name == name)
    }
}

impl Node {
    /// A node without name and attributes, in the domain where the operator schemas have `op_type`; standard if they
    /// do not know it.
    pub fn new<I, O>(op_type: impl Into<String>, inputs: I, outputs: O) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
        O: IntoIterator<Item: Into<String>>,
    {
        let op_type = op_type.into();
        Self {
            domain: home_domain(&op_type).to_owned(),
            op_type,
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
            ..<Self as Default>::default()
        }
    }

    /// The operator meant, with aliases of names and domains resolved, or `None` if no schema knows it.
    ///
    /// Of several signatures it is the newest one the node fits, so `Trunc` with five inputs is version 1.
    pub fn operator(&self) -> Option<&'static OpSchema> {
        select(self, None)
    }

    /// The name of the input that the operator's specification calls `name`.
    pub fn input_named(&self, name: &str) -> Option<&str> {
        self.operator().and_then(|schema| schema.input_index(name)).and_then(|index| self.input(index))
    }

    /// The integer attribute `name`, else its default. `None` if it has neither or is of another kind, which
    /// [`check_node`](crate::check_node) reports.
    pub fn int(&self, name: &str) -> Option<i64> {
        match (self.attribute(name), self.default(name)) {
            (Some(AttributeValue::Int(value)), _) => Some(*value),
            (None, Some(AttributeDefault::Int(value))) => Some(*value),
            _ => None,
        }
    }

    /// The float attribute `name`, else its default; `None` as for [`int`](Self::int).
    pub fn float(&self, name: &str) -> Option<f32> {
        match (self.attribute(name), self.default(name)) {
            (Some(AttributeValue::Float(value)), _) => Some(*value),
            (None, Some(AttributeDefault::Float(value))) => Some(*value),
            _ => None,
        }
    }

    /// The text attribute `name`, else its default; `None` as for [`int`](Self::int).
    pub fn string(&self, name: &str) -> Option<&str> {
        match (self.attribute(name), self.default(name)) {
            (Some(AttributeValue::String(value)), _) => Some(value),
            (None, Some(AttributeDefault::String(value))) => Some(value),
            _ => None,
        }
    }

    /// The attribute `name` if it is given as a list of integers. Such lists have no fixed default in ONNX: it
    /// depends on the input's rank.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(AttributeValue::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// The attribute `name` if it is given as a list of numbers.
    pub fn floats(&self, name: &str) -> Option<&[f32]> {
        match self.attribute(name) {
            Some(AttributeValue::Floats(values)) => Some(values),
            _ => None,
        }
    }

    /// The attribute `name` if it is given as a tensor.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        match self.attribute(name) {
            Some(AttributeValue::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    fn default(&self, name: &str) -> Option<&'static AttributeDefault> {
        self.operator().and_then(|schema| schema.attribute(name)).map(|attribute| &attribute.default)
    }
}
