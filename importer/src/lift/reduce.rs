//! Reductions over axes: pools whose one window covers what is reduced.

use super::activation::negation;
use super::pool::Kind;
use super::{Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Affine, Op, ValueId};

/// `ReduceMean`, `ReduceSum`, `ReduceMax` and `ReduceMin`.
pub(super) fn reduce(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let op = context.node.op_type.as_str();
    let (x, coding) = match op {
        "ReduceMax" => lifter.moved(context)?,
        _ => (lifter.real(context, 0)?, None),
    };
    let shape = lifter.shape(x);
    let rank = shape.len();
    let axes = match context.ints_of("axes", 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => context.axes(&axes, rank)?,
        None if context.flag("noop_with_empty_axes") => {
            let id = lifter.emit(context, Op::Identity, vec![x], None)?;
            lifter.finish(context, 0, Operand { id, coding });
            return Ok(());
        }
        None => (0..rank).collect(),
    };
    if axes.contains(&0) {
        let problem =
            context.form("axes", format!("{axes:?} with axis 0, the batch"), "axes after the batch");
        return Err(problem.with_hint("reduce over the axes of one sample only"));
    }
    let id = match op {
        "ReduceMax" => pool(lifter, context, x, &axes, Kind::Max)?,
        "ReduceMin" => {
            let flipped = lifter.emit(context, negation(), vec![x], None)?;
            let largest = pool(lifter, context, flipped, &axes, Kind::Max)?;
            lifter.emit(context, negation(), vec![largest], None)?
        }
        "ReduceSum" => {
            let mean = pool(lifter, context, x, &axes, Kind::Average)?;
            let count: usize = axes.iter().map(|axis| shape[*axis]).product();
            let affine = Affine { multiply: vec![count as f64], divide: vec![1.0], add: vec![0.0], axis: 1 };
            lifter.emit(context, Op::Affine(affine), vec![mean], None)?
        }
        _ => pool(lifter, context, x, &axes, Kind::Average)?,
    };
    let keep = context.node.int("keepdims").unwrap_or(1) != 0;
    let result = kept(&shape, &axes, keep);
    let id = lifter.reshape(context, id, &result)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// The mean of `x` over the axes that attributes name.
pub(super) fn mean_of(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let axes = context.axes(context.node.ints("axes").unwrap_or_default(), shape.len())?;
    if axes.is_empty() || axes.contains(&0) {
        let found = format!("axes {axes:?}, or all with the batch");
        return Err(context.attribute("axes", found, "axes after the batch"));
    }
    let id = pool(lifter, context, x, &axes, Kind::Average)?;
    let keep = context.node.int("keepdims").unwrap_or(1) != 0;
    lifter.reshape(context, id, &kept(&shape, &axes, keep))
}

/// `shape` without `axes`, or with these of size 1.
fn kept(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    (0..shape.len())
        .filter(|axis| keep || !axes.contains(axis))
        .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
        .collect()
}

/// The pool over `axes`, none of which is the batch, with those that are kept as channels: `[1, kept, 1, 1]`.
fn pool(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axes: &[usize],
    kind: Kind,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let perm: Vec<usize> = kept.iter().chain(axes).copied().collect();
    let sizes: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let (width, rows) = sizes.split_last().map_or((1, 1), |(width, rows)| (*width, rows.iter().product()));
    let channels = kept.iter().map(|axis| shape[*axis]).product();
    let turned = lifter.transpose(context, x, perm)?;
    let image = lifter.reshape(context, turned, &[1, channels, rows, width])?;
    lifter.emit(context, kind.whole([rows, width]), vec![image], None)
}
