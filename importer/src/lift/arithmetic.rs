//! Arithmetic of two operands, of integers of 32 bits too. That with constants becomes affine functions in a pass, when weights are codes.

use exactum_runtime::num::{IntType, Rounding};

use super::{Coding, Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Activation, Affine, Op, ValueId};

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

/// `Sum` and `Mean`: one after the other.
pub(super) fn sum(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (operands, coding) = operands(lifter, context, context.operands.len().max(1))?;
    let mut id = operands[0];
    for other in &operands[1..] {
        id = lifter.emit(context, Op::Add, vec![id, *other], None)?;
    }
    if context.node.op_type == "Mean" {
        let count = context.operands.len() as f64;
        let mean = Affine { multiply: vec![1.0], divide: vec![count], add: vec![0.0], axis: 1 };
        id = lifter.emit(context, Op::Affine(mean), vec![id], None)?;
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
