//! Computes nodes whose operands are all known: the arithmetic that exporters leave on shapes and scales.
//!
//! What shares its reading with nodes of computed values is here; all other operators are in [`constants`], which limits
//! the elements of results, so no file makes this allocate without bound.

mod structure;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use super::tensor::Tensor;
use super::{Context, Item};
use crate::constants::{self, Fault, Operator, Problem};
use crate::diagnostic::{Code, Diagnostic};
use exactum_qonnx::{DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Node};

/// The results of the node, if all operands are known and the operator is one that is computed here.
pub(super) fn evaluate(context: &Context<'_>) -> Result<Option<Vec<Tensor>>, Diagnostic> {
    let operands: Option<Vec<Option<Rc<Tensor>>>> = context
        .operands
        .iter()
        .map(|operand| match operand {
            Some(Item::Constant(tensor)) => Some(Some(Rc::clone(tensor))),
            Some(Item::Value(_)) => None,
            None => Some(None),
        })
        .collect();
    let Some(operands) = operands else { return Ok(None) };
    let known = Known { context, operands };
    let moved = match context.node.operator() {
        Some(schema) => known.structure(schema.op_type)?,
        None => None,
    };
    let results = match (moved, operator(context.node)) {
        (Some(results), _) => Some(results),
        (None, Some(operator)) => Some(known.computed(operator)?),
        (None, None) => None,
    };
    for result in results.iter().flatten() {
        context.rank(&result.shape)?;
    }
    Ok(results)
}

/// The operator of `node`, if it is one of those that constants are computed with.
pub(super) fn operator(node: &Node) -> Option<&'static Operator> {
    let standard = [DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME].contains(&node.domain.as_str());
    constants::operator(&node.op_type).filter(|_| standard)
}

/// A node whose operands are known.
struct Known<'c, 'a> {
    context: &'c Context<'a>,
    operands: Vec<Option<Rc<Tensor>>>,
}

impl Known<'_, '_> {
    fn computed(&self, operator: &Operator) -> Result<Vec<Tensor>, Diagnostic> {
        let operands: Vec<Option<&Tensor>> = self.operands.iter().map(Option::as_deref).collect();
        let results = operator.evaluate(self.context.node, self.context.version, &operands);
        results.map_err(|problem| self.refused(problem))
    }

    fn refused(&self, problem: Problem) -> Diagnostic {
        let code = match problem.fault {
            Fault::Schema => Code::BadSchema,
            Fault::Shapes => Code::ShapeMismatch,
            Fault::Elements => Code::BadTensor,
            Fault::Form => Code::UnsupportedForm,
            Fault::Size => Code::TooLarge,
        };
        self.context.problem(code, "", problem.found, problem.needed)
    }

    /// Operand `index`, if it is there.
    fn optional(&self, index: usize) -> Option<&Tensor> {
        self.operands.get(index).and_then(Option::as_deref)
    }

    /// Operand `index`.
    fn operand(&self, index: usize) -> Result<&Tensor, Diagnostic> {
        self.optional(index).ok_or_else(|| {
            let found = format!("{} operands", self.operands.len());
            self.context.problem(Code::BadSchema, "", found, format!("operand {index}"))
        })
    }

    /// `shape`, if results may be so large.
    fn sized(&self, shape: Vec<usize>) -> Result<Vec<usize>, Diagnostic> {
        let operands = self.operands.iter().map(Option::as_deref);
        constants::sized(shape, operands).map_err(|problem| self.refused(problem))
    }

    /// The shape to which `tensors` are broadcast, and for each of them the element at each index of it.
    fn broadcast(&self, tensors: &[&Tensor]) -> Result<(Vec<usize>, Vec<Vec<usize>>), Diagnostic> {
        let rank = tensors.iter().map(|tensor| tensor.shape.len()).max().unwrap_or(0);
        let size = |tensor: &Tensor, axis: usize| {
            (axis + tensor.shape.len()).checked_sub(rank).map_or(1, |axis| tensor.shape[axis])
        };
        let mut shape = vec![];
        for axis in 0..rank {
            let sizes = tensors.iter().map(|tensor| size(tensor, axis)).filter(|size| *size != 1);
            let result = sizes.clone().next().unwrap_or(1);
            if sizes.into_iter().any(|size| size != result) {
                let shapes: Vec<&[usize]> = tensors.iter().map(|tensor| tensor.shape.as_slice()).collect();
                return Err(self.context.shapes(format!("{shapes:?}"), "shapes that broadcast"));
            }
            shape.push(result);
        }
        let shape = self.sized(shape)?;
        let indices = tensors.iter().map(|tensor| {
            let axes = (0..rank).map(|axis| {
                let inner = (axis + 1..rank).map(|inner| size(tensor, inner)).product::<usize>();
                (shape[axis], if size(tensor, axis) == 1 { 0 } else { inner })
            });
            strided(axes)
        });
        let indices = indices.collect();
        Ok((shape, indices))
    }
}

/// The offsets of all elements in a view whose axes have sizes and strides, row-major.
fn strided(axes: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut offsets = vec![0];
    for (size, stride) in axes {
        offsets = offsets.iter().flat_map(|base| (0..size).map(move |index| base + index * stride)).collect();
    }
    offsets
}
