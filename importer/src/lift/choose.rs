//! Operators at the end of classifiers: `TopK`, `ArgMax`, `ArgMin` and `Softmax`.

use exactum_qonnx::ElemType;
use exactum_runtime::num::IntType;

use super::{Coding, Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Op, ValueId};

/// What `op` gives of the best elements of `x` along `axis`.
fn top(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axis: usize,
    op: Op,
) -> Result<ValueId, Diagnostic> {
    if axis == 0 {
        return Err(context.form("axis", "0, the batch", "an axis after the batch"));
    }
    let rank = lifter.shape(x).len();
    // Exchanging two axes is its own opposite.
    let perm: Vec<usize> = (0..rank)
        .map(|i| match i {
            i if i == axis => rank - 1,
            i if i == rank - 1 => axis,
            i => i,
        })
        .collect();
    let turned = lifter.transpose(context, x, perm.clone())?;
    let best = lifter.emit(context, op, vec![turned], None)?;
    lifter.transpose(context, best, perm)
}

/// Indices, which are integers that stand for themselves.
fn indices(id: ValueId) -> Operand {
    Operand { id, coding: Some(Coding::plain(IntType::INT32, ElemType::I64)) }
}

/// `TopK`: two operators, one of which gives the elements and the other their indices, where they are read.
pub(super) fn top_k(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let shape = lifter.shape(x);
    let axis = context.axis(context.node.int("axis").unwrap_or(-1), shape.len())?;
    let k = match context.node.int("k") {
        Some(k) => k as f64,
        None => context.scalar(1)?,
    };
    if !(1.0..=shape[axis] as f64).contains(&k) {
        let found = format!("{k} of {} elements", shape[axis]);
        return Err(context.shapes(found, "1 or more, and no more than there are"));
    }
    let largest = context.node.int("largest").unwrap_or(1) != 0;
    let op = |values| Op::TopK { k: k as usize, largest, values, multipliers: vec![], offsets: vec![] };
    if lifter.is_read(context, 0) {
        let id = top(lifter, context, x, axis, op(true))?;
        lifter.finish(context, 0, Operand { id, coding });
    }
    if lifter.is_read(context, 1) {
        let id = top(lifter, context, x, axis, op(false))?;
        lifter.finish(context, 1, indices(id));
    }
    Ok(())
}

/// `ArgMax` and `ArgMin`.
pub(super) fn arg(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    if context.flag("select_last_index") {
        let problem = context.attribute("select_last_index", "1", "0");
        return Err(problem.with_hint("of equal elements the one with the smallest index is chosen"));
    }
    let x = lifter.value(context, 0)?.id;
    let mut shape = lifter.shape(x);
    let axis = context.axis(context.node.int("axis").unwrap_or(0), shape.len())?;
    let largest = context.node.op_type == "ArgMax";
    let op = Op::TopK { k: 1, largest, values: false, multipliers: vec![], offsets: vec![] };
    let mut id = top(lifter, context, x, axis, op)?;
    if context.node.int("keepdims").unwrap_or(1) == 0 {
        shape.remove(axis);
        id = lifter.reshape(context, id, &shape)?;
    }
    lifter.finish(context, 0, indices(id));
    Ok(())
}

/// `Softmax`.
pub(super) fn softmax(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let id = softmax_of(lifter, context, x)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// The softmax of `x`. Before version 13 the axes from the named one on were one.
pub(super) fn softmax_of(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let rank = shape.len();
    let version = match context.node.int("opset") {
        Some(version) => version,
        None => context.version,
    };
    let default = if version >= 13 { -1 } else { 1 };
    let axis = context.axis(context.node.int("axis").unwrap_or(default), rank)?;
    if axis == 0 && rank > 1 {
        return Err(context.attribute("axis", "0, the batch", "an axis after the batch"));
    }
    let merged: usize = shape[axis + 1..].iter().product();
    if version >= 13 || merged == 1 {
        return lifter.emit(context, Op::Softmax { axis }, vec![x], None);
    }
    let flat = [&shape[..axis], &[shape[axis] * merged]].concat();
    let flat = lifter.reshape(context, x, &flat)?;
    let id = lifter.emit(context, Op::Softmax { axis }, vec![flat], None)?;
    lifter.reshape(context, id, &shape)
}
