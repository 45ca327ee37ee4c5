//! Operators of ONNX on constants, as their definitions say: what exporters leave to be computed of shapes, scales and
//! weights.
//!
//! Called by `lift`. One file for each family, each with a table of its operators. Floats are computed in doubles, sums
//! with a compensation, and rounded once to the element type; integers wrap as ONNX says. What a result may be large and
//! all of them together may take is in [`Budget`].

mod activation;
mod budget;
mod cast;
mod einsum;
mod elementwise;
mod index;
mod linear;
mod logic;
mod loss;
mod normalize;
mod number;
mod pool;
mod quantize;
mod reduce;
mod refused;
mod reorder;
mod resize;
mod tensor;

use exactum_host::elements::spread;
use exactum_qonnx::{AttributeMisfit, AttributeValue, Node, shape};

pub(crate) use budget::{Budget, sized};
pub(crate) use refused::page;
pub(crate) use resize::axes as resized_axes;
pub(crate) use tensor::{Numbers, Tensor};

/// Why a node has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Missing operands, or attributes of the wrong kind.
    Schema,
    /// Shapes that contradict each other.
    Shapes,
    /// Elements of a type or value that the operator does not take.
    Elements,
    /// A form that is not computed.
    Form,
    /// A result that is too large.
    Size,
}

/// A problem with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) fault: Fault,
    pub(crate) found: String,
    pub(crate) needed: String,
}

impl Problem {
    fn new(fault: Fault, found: impl Into<String>, needed: impl Into<String>) -> Self {
        Self { fault, found: found.into(), needed: needed.into() }
    }
}

type Result<T = Vec<Tensor>> = std::result::Result<T, Problem>;

/// An operator that is computed.
#[derive(Debug)]
pub(crate) struct Operator {
    pub(crate) name: &'static str,
    /// Least and largest number of operands.
    inputs: (usize, usize),
    attributes: &'static [&'static str],
    compute: fn(&Call<'_>) -> Result,
}

/// Declares a family: name, operands, attributes, function.
macro_rules! family {
    ($($name:literal $least:literal..=$most:tt [$($attribute:literal)*] $compute:expr;)*) => {
        pub(super) const OPERATORS: &[super::Operator] = &[$(super::Operator {
            name: $name,
            inputs: ($least, $most),
            attributes: &[$($attribute),*],
            compute: $compute,
        },)*];
    };
}
use family;

/// Every operator that is computed here.
pub(crate) fn operators() -> impl Iterator<Item = &'static Operator> {
    [
        elementwise::OPERATORS,
        activation::OPERATORS,
        logic::OPERATORS,
        cast::OPERATORS,
        reduce::OPERATORS,
        normalize::OPERATORS,
        index::OPERATORS,
        reorder::OPERATORS,
        linear::OPERATORS,
        einsum::OPERATORS,
        pool::OPERATORS,
        quantize::OPERATORS,
        resize::OPERATORS,
        loss::OPERATORS,
    ]
    .into_iter()
    .flatten()
}

/// The operator called `name`.
pub(crate) fn operator(name: &str) -> Option<&'static Operator> {
    operators().find(|operator| operator.name == name)
}

/// Whether constants are refused in some form of the operator `name`.
#[cfg(test)]
pub(crate) fn is_refused(name: &str) -> bool {
    refused::OPERATORS.iter().chain(refused::FORMS).any(|(names, _)| names.contains(&name))
}

/// The shape to which `shapes` are broadcast.
pub(crate) fn broadcast_shape(shapes: &[&[usize]]) -> Result<Vec<usize>> {
    shape::broadcast(shapes)
        .ok_or_else(|| Problem::new(Fault::Shapes, format!("{shapes:?}"), "shapes that broadcast"))
}

impl Operator {
    /// The results of `node`, under `version` of the operator set.
    pub(crate) fn evaluate(
        &self,
        node: &Node,
        version: i64,
        operands: &[Option<&Tensor>],
        budget: &Budget,
    ) -> Result {
        let call = Call { node, version, operands, budget };
        let (least, most) = self.inputs;
        if !(least..=most).contains(&operands.len()) {
            let found = format!("{} operands", operands.len());
            return Err(Problem::new(Fault::Schema, found, format!("{least} to {most}")));
        }
        let unknown = node.attributes.iter().find(|found| !self.attributes.contains(&found.name.as_str()));
        if let Some(attribute) = unknown {
            let found = format!("attribute {:?}", attribute.name);
            return Err(Problem::new(Fault::Schema, found, format!("one of {:?}", self.attributes)));
        }
        (self.compute)(&call)
    }
}

/// A node and its operands.
struct Call<'a> {
    node: &'a Node,
    version: i64,
    operands: &'a [Option<&'a Tensor>],
    budget: &'a Budget,
}

impl Call<'_> {
    fn optional(&self, index: usize) -> Option<&Tensor> {
        self.operands.get(index).copied().flatten()
    }

    fn operand(&self, index: usize) -> Result<&Tensor> {
        self.optional(index).ok_or_else(|| {
            let found = format!("{} operands", self.operands.len());
            Problem::new(Fault::Schema, found, format!("operand {index}"))
        })
    }

    /// The floats of operand `index`.
    fn reals(&self, index: usize) -> Result<&[f64]> {
        let tensor = self.operand(index)?;
        tensor.as_reals().ok_or_else(|| of_type(tensor, "floats"))
    }

    /// The integers of operand `index`.
    fn whole(&self, index: usize) -> Result<&[i64]> {
        let tensor = self.operand(index)?;
        tensor.as_ints().ok_or_else(|| of_type(tensor, "integers"))
    }

    /// The sizes, axes or the like in operand `index`, or in attribute `name`.
    fn ints_of(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>> {
        match self.ints(name)? {
            Some(values) => Ok(Some(values)),
            None if self.optional(index).is_some() => self.whole(index).map(|values| Some(values.to_vec())),
            None => Ok(None),
        }
    }

    /// The one number of operand `index`.
    fn scalar(&self, index: usize) -> Result<f64> {
        let tensor = self.operand(index)?;
        tensor.scalar().ok_or_else(|| {
            Problem::new(Fault::Shapes, format!("operand {index} of shape {:?}", tensor.shape), "one number")
        })
    }

    /// The one integer of operand `index`.
    fn integer(&self, index: usize) -> Result<i64> {
        match self.whole(index)? {
            [value] => Ok(*value),
            values => Err(Problem::new(Fault::Shapes, format!("{} numbers", values.len()), "one integer")),
        }
    }

    fn kind(&self, name: &str, value: &AttributeValue) -> Problem {
        Problem::new(Fault::Schema, format!("attribute {name:?} of kind {}", value.kind()), "its own kind")
    }

    fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Int(value)) => Ok(*value),
            Some(other) => Err(self.kind(name, other)),
        }
    }

    fn float(&self, name: &str, default: f64) -> Result<f64> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Float(value)) => Ok(f64::from(*value)),
            Some(other) => Err(self.kind(name, other)),
        }
    }

    fn text<'s>(&'s self, name: &str, default: &'s str) -> Result<&'s str> {
        match self.node.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::String(value)) => Ok(value),
            Some(other) => Err(self.kind(name, other)),
        }
    }

    fn ints(&self, name: &str) -> Result<Option<Vec<i64>>> {
        match self.node.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Ints(values)) => Ok(Some(values.clone())),
            Some(other) => Err(self.kind(name, other)),
        }
    }

    /// The axis that `axis` names among `rank`.
    fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        shape::axis(axis, rank)
            .ok_or_else(|| Problem::new(Fault::Form, format!("axis {axis}"), format!("one of {rank} axes")))
    }

    /// `shape`, if results may be so large.
    fn sized(&self, shape: Vec<usize>) -> Result<Vec<usize>> {
        sized(shape, self.operands.iter().copied())
    }

    /// Refuses what would take too long.
    fn steps(&self, factors: &[usize]) -> Result<()> {
        self.budget.steps(factors)
    }

    /// The shape to which `shapes` are broadcast, if results may be so large.
    fn broadcast_shape(&self, shapes: &[&[usize]]) -> Result<Vec<usize>> {
        self.sized(broadcast_shape(shapes)?)
    }

    /// The shape to which `tensors` are broadcast, and for each of them the element at each index of it.
    fn broadcast(&self, tensors: &[&Tensor]) -> Result<(Vec<usize>, Vec<Vec<usize>>)> {
        let shapes: Vec<&[usize]> = tensors.iter().map(|tensor| tensor.shape.as_slice()).collect();
        let shape = self.broadcast_shape(&shapes)?;
        let indices = shapes.iter().map(|from| spread(from, &shape)).collect();
        Ok((shape, indices))
    }

    fn no_form(&self, found: impl Into<String>, needed: impl Into<String>) -> Problem {
        Problem::new(Fault::Form, found, needed)
    }

    fn shapes(&self, found: impl Into<String>, needed: impl Into<String>) -> Problem {
        Problem::new(Fault::Shapes, found, needed)
    }
}

impl From<AttributeMisfit> for Problem {
    fn from(misfit: AttributeMisfit) -> Self {
        Self::new(Fault::Form, format!("{} {}", misfit.attribute, misfit.found), misfit.needed)
    }
}

fn of_type(tensor: &Tensor, needed: &str) -> Problem {
    Problem::new(Fault::Elements, format!("elements of type {}", tensor.elem), needed)
}

fn one(tensor: Tensor) -> Result {
    Ok(vec![tensor])
}

/// Elements of a shape that is small enough.
fn elems(shape: &[usize]) -> usize {
    if shape.contains(&0) { 0 } else { shape.iter().product() }
}
