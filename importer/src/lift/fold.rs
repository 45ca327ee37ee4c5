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
use crate::constants::{self, Budget, Fault, Operator, Problem};
use crate::diagnostic::{Code, Diagnostic};
use exactum_qonnx::{DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Node};

/// The results of the node, if all operands are known and the operator is one that is computed here.
pub(super) fn evaluate(context: &Context<'_>, budget: &Budget) -> Result<Option<Vec<Tensor>>, Diagnostic> {
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
    let known = Known { context, operands, budget };
    let read = known.operands.iter().flatten().map(|tensor| tensor.len()).sum();
    // Where nothing is left, nothing more is computed.
    let left = budget.steps(&[read]).and_then(|()| budget.elems(0));
    left.map_err(|problem| known.refused(problem))?;
    let moved = match context.node.operator() {
        Some(schema) => known.structure(schema.op_type)?,
        None => None,
    };
    // Codes that stand for numbers stay codes.
    let codes = context.node.op_type == "DequantizeLinear"
        && known.optional(0).is_some_and(|codes| codes.as_ints().is_some());
    let results = match (moved, operator(context.node).filter(|_| !codes)) {
        (Some(results), _) => Some(results),
        (None, Some(operator)) => Some(known.computed(operator)?),
        (None, None) => None,
    };
    for result in results.iter().flatten() {
        context.rank(&result.shape)?;
        budget.elems(result.len()).map_err(|problem| known.refused(problem))?;
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
    budget: &'c Budget,
}

impl Known<'_, '_> {
    fn computed(&self, operator: &Operator) -> Result<Vec<Tensor>, Diagnostic> {
        let operands: Vec<Option<&Tensor>> = self.operands.iter().map(Option::as_deref).collect();
        let results = operator.evaluate(self.context.node, self.context.version, &operands, self.budget);
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
}
