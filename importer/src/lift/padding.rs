//! `Pad`: with a constant, or with elements of the operand itself.

use super::repeat::repeat;
use super::{Coding, Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Op, ValueId};

/// `Pad`. Negative padding takes elements away.
pub(super) fn pad(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mode = context.node.string("mode").unwrap_or("constant");
    let (x, coding) = lifter.moved(context)?;
    let shape = lifter.shape(x);
    let rank = shape.len();
    let pads = context.ints_of("pads", 1)?.unwrap_or_default();
    let axes = match context.optional(3) {
        Some(_) => {
            context.ints(3)?.iter().map(|axis| context.axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(
            context.shapes(format!("{} pads", pads.len()), format!("two for each of {} axes", axes.len()))
        );
    }
    let value = match context.optional_tensor(2)? {
        Some(tensor) => tensor.scalar().ok_or_else(|| context.form("input 2", "several numbers", "one"))?,
        None => f64::from(context.node.float("value").unwrap_or(0.0)),
    };
    let value = match coding.as_ref().and_then(Coding::single) {
        None => value,
        // A code of the file, as the real number that it stands for.
        Some((scale, zero_point)) => {
            let real = (value - zero_point as f64) * f64::from(scale);
            if f64::from(real as f32) != real {
                let needed = "the zero point of the codes, or a code whose real number is a float32";
                return Err(context.form("input 2", value.to_string(), needed));
            }
            real
        }
    };
    if !value.is_finite() {
        return Err(context.form("input 2", value.to_string(), "a finite number"));
    }
    let (mut before, mut after) = (vec![0usize; rank], vec![0usize; rank]);
    let (mut starts, mut sizes) = (vec![0usize; rank], shape.clone());
    for (i, axis) in axes.iter().enumerate() {
        let (first, last) = (pads[i], pads[axes.len() + i]);
        let amount = |pad: i64| usize::try_from(pad.unsigned_abs()).unwrap_or(usize::MAX);
        let (cut, rest) = (amount(first.min(0)), amount(last.min(0)));
        starts[*axis] = cut;
        sizes[*axis] = shape[*axis].saturating_sub(cut).saturating_sub(rest);
        (before[*axis], after[*axis]) = (amount(first.max(0)), amount(last.max(0)));
    }
    if before.first() != Some(&0) || after.first() != Some(&0) || sizes.first() != shape.first() {
        return Err(context.form("pads", format!("{pads:?}"), "no padding of the batch"));
    }
    let mut id = x;
    if sizes != shape {
        id = lifter.emit(context, Op::Slice { starts, steps: vec![1; rank], sizes }, vec![id], None)?;
    }
    let padded = before.iter().chain(&after).any(|pad| *pad > 0);
    if mode != "constant" {
        for axis in (0..rank).filter(|axis| before[*axis] + after[*axis] > 0) {
            id = continued(lifter, context, id, mode, axis, [before[axis], after[axis]])?;
        }
    } else if padded || id == x {
        id = lifter.emit(context, Op::Pad { before, after, value: value as f32 }, vec![id], None)?;
    }
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `x` with elements of its own before and after those along `axis`: the mirrored ones, the last one, or from the start.
fn continued(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    mode: &str,
    axis: usize,
    [before, after]: [usize; 2],
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let size = shape[axis];
    let most = match mode {
        "reflect" => size - 1,
        "wrap" => size,
        _ => usize::MAX,
    };
    if before > most || after > most {
        let found = format!("{before} and {after} elements around {size}");
        return Err(context.form("pads", found, format!("at most {most} for mode {mode:?}")));
    }
    let mut piece = |start: usize, step: isize, count: usize| {
        let mut starts = vec![0; shape.len()];
        let mut steps = vec![1; shape.len()];
        let mut sizes = shape.clone();
        (starts[axis], steps[axis], sizes[axis]) = (start, step, count);
        lifter.emit(context, Op::Slice { starts, steps, sizes }, vec![x], None)
    };
    let (first, last) = match mode {
        "reflect" => {
            ((before > 0).then(|| piece(before, -1, before)), (after > 0).then(|| piece(size - 2, -1, after)))
        }
        "wrap" => {
            ((before > 0).then(|| piece(size - before, 1, before)), (after > 0).then(|| piece(0, 1, after)))
        }
        "edge" => ((before > 0).then(|| piece(0, 1, 1)), (after > 0).then(|| piece(size - 1, 1, 1))),
        _ => {
            let needed = "\"constant\", \"reflect\", \"edge\" or \"wrap\"";
            return Err(context.attribute("mode", format!("{mode:?}"), needed));
        }
    };
    let (mut first, mut last) = (first.transpose()?, last.transpose()?);
    if mode == "edge" {
        for (end, count) in [(&mut first, before), (&mut last, after)] {
            if let Some(id) = end {
                let factors = (0..shape.len()).map(|i| if i == axis { count } else { 1 }).collect();
                *id = repeat(lifter, context, *id, factors)?;
            }
        }
    }
    let pieces = first.into_iter().chain([x]).chain(last).collect();
    lifter.emit(context, Op::Concat { axis }, pieces, None)
}
