//! Arithmetic of two operands. That with constants becomes affine functions in a pass, when weights are codes.

use super::activation::limited;
use super::{Context, Lifter};
use crate::diagnostic::Diagnostic;
use crate::graph::Op;

/// `Add`, `Sub`, `Mul`, `Div` and `Pow`.
pub(super) fn binary(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operands = vec![lifter.real(context, 0)?, lifter.real(context, 1)?];
    let op = match context.node.op_type.as_str() {
        "Sub" => Op::Sub,
        "Mul" => Op::Mul,
        "Div" => Op::Div,
        "Pow" => Op::Pow,
        _ => Op::Add,
    };
    let id = lifter.emit(context, op, operands, None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Sum`: one after the other.
pub(super) fn sum(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut id = lifter.real(context, 0)?;
    for index in 1..context.operands.len() {
        let operands = vec![id, lifter.real(context, index)?];
        id = lifter.emit(context, Op::Add, operands, None)?;
    }
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Min` and `Max` of one computed value and constants.
pub(super) fn bound(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let computed: Vec<usize> =
        (0..context.operands.len()).filter(|index| context.value(*index).is_some()).collect();
    let &[index] = computed.as_slice() else {
        let found = format!("{} computed operands", computed.len());
        return Err(context.form("inputs", found, "one, and constants"));
    };
    let x = lifter.real(context, index)?;
    let smallest = context.node.op_type == "Min";
    let mut limit: Option<f64> = None;
    for other in (0..context.operands.len()).filter(|other| *other != index) {
        let tensor = context.tensor(other)?;
        let values = tensor.numbers.reals();
        let equal = values.first().filter(|first| values.iter().all(|value| value == *first));
        let Some(value) = equal.filter(|_| tensor.shape.len() <= lifter.shape(x).len()) else {
            let found = format!("a constant of shape {:?}", tensor.shape);
            return Err(context.form(format!("input {other}"), found, "one number for all elements"));
        };
        limit = Some(match limit {
            Some(limit) if smallest => limit.min(*value),
            Some(limit) => limit.max(*value),
            None => *value,
        });
    }
    let limit = limit.filter(|limit| limit.is_finite());
    let (lo, hi) = if smallest { (None, limit) } else { (limit, None) };
    let id = limited(lifter, context, x, lo, hi)?;
    lifter.finish(context, 0, id);
    Ok(())
}
