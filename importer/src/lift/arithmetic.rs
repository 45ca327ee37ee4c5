//! Arithmetic of two operands, of integers of 32 bits too. That with constants becomes affine functions in a pass, when weights are codes.

use exactum_runtime::num::{IntType, Rounding};

use super::activation::limited;
use super::{Coding, Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Activation, Op, ValueId};

/// `Add`, `Sub`, `Mul`, `Div` and `Pow`.
pub(super) fn binary(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (operands, coding) = operands(lifter, context, 2)?;
    let op = match context.node.op_type.as_str() {
        "Sub" => Op::Sub,
        "Mul" => Op::Mul,
        "Div" => Op::Div,
        "Pow" => Op::Pow,
        _ => Op::Add,
    };
    let divides = op == Op::Div;
    let mut id = lifter.emit(context, op, operands, None)?;
    if divides && coding.is_some() {
        // Integers are divided towards zero.
        let op = Op::Activation(Activation::Round { rounding: Rounding::Toward });
        id = lifter.emit(context, op, vec![id], None)?;
    }
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `Sum`: one after the other.
pub(super) fn sum(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (operands, coding) = operands(lifter, context, context.operands.len().max(1))?;
    let mut id = operands[0];
    for other in &operands[1..] {
        id = lifter.emit(context, Op::Add, vec![id, *other], None)?;
    }
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// The first `count` operands as numbers, and the coding of the result if they are integers of 32 bits.
fn operands(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    count: usize,
) -> Result<(Vec<ValueId>, Option<Coding>), Diagnostic> {
    let wide = |operand: &Operand| operand.coding.as_ref().is_some_and(|coding| coding.int == IntType::INT32);
    let coded = (0..count).find_map(|index| context.value(index).filter(|operand| wide(operand)));
    let elem = coded.and_then(|operand| operand.coding.as_ref()).map(|coding| coding.elem);
    let mut numbers = vec![];
    for index in 0..count {
        let operand = match context.value(index) {
            Some(operand) if wide(operand) => operand.clone(),
            _ => {
                numbers.push(lifter.real(context, index)?);
                continue;
            }
        };
        if let Some(coding) = &operand.coding {
            numbers.push(lifter.as_numbers(context, index, coding, operand.id)?);
        }
    }
    Ok((numbers, elem.map(|elem| Coding::plain(IntType::INT32, elem))))
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
