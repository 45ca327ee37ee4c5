//! One node of the file while it is lifted: its operands, and how problems with it are told.

use std::rc::Rc;

use exactum_qonnx::{AttributeMisfit, Node, shape};

use super::tensor::Tensor;
use super::{Item, Operand};
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::FileNodeId;

/// Most axes of a value.
pub(super) const MAX_RANK: usize = 32;

/// A node and what its operands are.
pub(super) struct Context<'a> {
    pub(super) at: Location,
    pub(super) node: &'a Node,
    pub(super) id: FileNodeId,
    /// Operands in the file's order; `None` where one is left out.
    pub(super) operands: Vec<Option<Item>>,
    /// Version of the operator's set, the newest if the file does not say.
    pub(super) version: i64,
    /// Name in the graph.
    pub(super) name: String,
    /// Nodes that the graph had before this one.
    pub(super) first: usize,
}

impl Context<'_> {
    /// A problem with `part` of the node.
    pub(super) fn problem(
        &self,
        code: Code,
        part: impl Into<String>,
        found: impl Into<String>,
        needed: impl Into<String>,
    ) -> Diagnostic {
        let part = part.into();
        let at = if part.is_empty() { self.at.clone() } else { self.at.clone().at_part(part) };
        Diagnostic::new(code, at, found, needed)
    }

    /// A form of the operator that has no place in the graph.
    pub(super) fn form(
        &self,
        part: impl Into<String>,
        found: impl Into<String>,
        needed: impl Into<String>,
    ) -> Diagnostic {
        self.problem(Code::UnsupportedForm, part, found, needed)
    }

    /// As [`form`](Self::form), for an attribute.
    pub(super) fn attribute(
        &self,
        name: &str,
        found: impl Into<String>,
        needed: impl Into<String>,
    ) -> Diagnostic {
        self.form(format!("attribute {name:?}"), found, needed)
    }

    /// As [`attribute`](Self::attribute), for one that was read elsewhere.
    pub(super) fn misfit(&self, misfit: AttributeMisfit) -> Diagnostic {
        self.attribute(&misfit.attribute, misfit.found, misfit.needed)
    }

    /// Shapes that contradict each other.
    pub(super) fn shapes(&self, found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
        self.problem(Code::ShapeMismatch, "", found, needed)
    }

    /// Refuses shapes of absurd rank, for which some checks would take long.
    pub(super) fn rank(&self, shape: &[usize]) -> Result<(), Diagnostic> {
        if shape.len() <= MAX_RANK {
            return Ok(());
        }
        let found = format!("a value of {} axes", shape.len());
        Err(self.problem(Code::TooLarge, "", found, format!("at most {MAX_RANK}")))
    }

    /// Operand `index`, if the node has it.
    pub(super) fn optional(&self, index: usize) -> Option<&Item> {
        self.operands.get(index).and_then(Option::as_ref)
    }

    /// Operand `index`.
    pub(super) fn operand(&self, index: usize) -> Result<&Item, Diagnostic> {
        self.optional(index).ok_or_else(|| {
            let found = format!("{} operands", self.operands.len());
            self.problem(Code::BadSchema, "", found, format!("operand {index}"))
        })
    }

    /// Operand `index`, which has to be known.
    pub(super) fn tensor(&self, index: usize) -> Result<Rc<Tensor>, Diagnostic> {
        match self.operand(index)? {
            Item::Constant(tensor) => Ok(Rc::clone(tensor)),
            Item::Value(_) => Err(self.computed(index, "an initializer, or what is computed from such")),
        }
    }

    /// Operand `index`, which has to be known if the node has it.
    pub(super) fn optional_tensor(&self, index: usize) -> Result<Option<Rc<Tensor>>, Diagnostic> {
        self.optional(index).map(|_| self.tensor(index)).transpose()
    }

    /// The integers of operand `index`.
    pub(super) fn ints(&self, index: usize) -> Result<Vec<i64>, Diagnostic> {
        let tensor = self.tensor(index)?;
        match tensor.as_ints() {
            Some(values) => Ok(values.to_vec()),
            None => {
                let found = format!("elements of type {}", tensor.elem);
                Err(self.problem(Code::BadTensor, format!("input {index}"), found, "integers"))
            }
        }
    }

    /// The integers of operand `index`, or of attribute `name`; early versions of operators have the one, later the other.
    pub(super) fn ints_of(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>, Diagnostic> {
        match (self.node.ints(name), self.optional(index)) {
            (Some(values), _) => Ok(Some(values.to_vec())),
            (None, Some(_)) => self.ints(index).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The one number of operand `index`.
    pub(super) fn scalar(&self, index: usize) -> Result<f64, Diagnostic> {
        let tensor = self.tensor(index)?;
        tensor.scalar().ok_or_else(|| {
            self.form(format!("input {index}"), format!("shape {:?}", tensor.shape), "one number")
        })
    }

    /// An operand that is computed and should be known.
    pub(super) fn computed(&self, index: usize, needed: &str) -> Diagnostic {
        let name = self.node.input(index).unwrap_or_default();
        let found = format!("`{name}`, which is computed");
        self.problem(Code::NotConstant, format!("input {index}"), found, needed)
    }

    /// Whether attribute `name` is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.node.int(name).unwrap_or(0) != 0
    }

    /// The axis that `axis`, which counts from the end if negative, names among `rank`.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, Diagnostic> {
        shape::axis(axis, rank)
            .ok_or_else(|| self.form("axis", axis.to_string(), format!("one of {rank} axes")))
    }

    /// The distinct axes that `axes` name among `rank`, ascending.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, Diagnostic> {
        let mut found = axes.iter().map(|axis| self.axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable();
        let count = found.len();
        found.dedup();
        if found.len() < count {
            return Err(self.form("axes", format!("{axes:?}"), "each axis once"));
        }
        Ok(found)
    }

    /// Operand `index` as a value, if it is one already.
    pub(super) fn value(&self, index: usize) -> Option<&Operand> {
        match self.optional(index) {
            Some(Item::Value(operand)) => Some(operand),
            _ => None,
        }
    }
}
