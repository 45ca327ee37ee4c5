//! `Resize` and `Upsample` with the nearest neighbour: repetitions of elements, or regular parts.
//!
//! Which element each result takes is computed as the operator defines it and compared with both, so every combination of
//! modes is right or refused.

use super::repeat::repeat;
use super::{Context, Lifter, Operand};
use crate::constants::resized_axes;
use crate::diagnostic::Diagnostic;
use crate::graph::{Op, shape};

/// Most elements along one axis of a result.
const MAX_SIZE: usize = 1 << 16;

/// `Resize` and `Upsample`.
pub(super) fn resize(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let from = lifter.shape(x);
    let rank = from.len();
    let node = context.node;
    // Before version 11 there was one way only.
    let modern = node.op_type == "Resize" && context.version >= 11;
    let mode = node.string("mode").unwrap_or("nearest");
    let coordinates = if modern { node.string("coordinate_transformation_mode") } else { Some("asymmetric") };
    let rounding = if modern { node.string("nearest_mode") } else { Some("floor") };
    let (coordinates, rounding) =
        (coordinates.unwrap_or("half_pixel"), rounding.unwrap_or("round_prefer_floor"));
    let axes = match node.ints("axes") {
        Some(axes) => axes.iter().map(|axis| context.axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let (scales, sizes) = (scales(context, modern)?, sizes(context, modern)?);
    let sizes = sizes.map(|mut sizes| {
        // The batch is one sample here.
        for (size, axis) in sizes.iter_mut().zip(&axes) {
            if *axis == 0 && *size == lifter.batch as i64 {
                *size = 1;
            }
        }
        sizes
    });
    let policy = node.string("keep_aspect_ratio_policy").unwrap_or("stretch");
    let Some(all) = resized_axes(&from, &axes, scales.as_deref(), sizes.as_deref(), policy) else {
        let needed = format!("one above 0 for each of {} axes", axes.len());
        return Err(context.shapes("sizes or scales for other axes", needed));
    };
    let to: Vec<usize> = all.iter().map(|axis| axis.to).collect();
    if shape::elems(&to).is_none_or(|elems| elems == 0) {
        return Err(context.shapes(format!("{from:?} to {to:?}"), "sizes of 1 or more"));
    }
    if to.iter().zip(&from).any(|(to, from)| to != from && *to > MAX_SIZE) {
        return Err(context.form(
            "scales",
            format!("shape {to:?}"),
            format!("at most {MAX_SIZE} along an axis"),
        ));
    }
    if to == from {
        let id = lifter.emit(context, Op::Identity, vec![x], None)?;
        lifter.finish(context, 0, Operand { id, coding });
        return Ok(());
    }
    if mode != "nearest" {
        let problem = context.attribute("mode", format!("{mode:?}"), "\"nearest\"");
        return Err(
            problem.with_hint("use torch.nn.Upsample with mode=\"nearest\", or a transposed convolution")
        );
    }
    if let Some(axis) = all.iter().find(|axis| axis.is_ambiguous(coordinates)) {
        let found = format!("{} elements scaled by {} with align_corners", axis.from, axis.scale);
        return Err(context.form("scales", found, "scales that leave whole elements, or sizes"));
    }
    let mut factors = vec![1; rank];
    let (mut starts, mut steps) = (vec![0; rank], vec![1isize; rank]);
    for axis in 0..rank {
        let (size, outputs) = (from[axis], to[axis]);
        let Some(indices) = all[axis].nearest(coordinates, rounding) else {
            let found = format!("{coordinates:?} with {rounding:?}");
            return Err(context.attribute(
                "coordinate_transformation_mode",
                found,
                "modes of nearest neighbours",
            ));
        };
        let factor = outputs / size;
        let step = indices.get(1).map_or(1, |second| *second as isize - indices[0] as isize);
        let repeated =
            outputs % size == 0 && indices.iter().enumerate().all(|(i, index)| *index == i / factor);
        let regular = step > 0
            && indices
                .iter()
                .enumerate()
                .all(|(i, index)| *index as isize == indices[0] as isize + step * i as isize);
        if repeated {
            factors[axis] = factor;
        } else if regular {
            (starts[axis], steps[axis]) = (indices[0], step);
        } else {
            let found =
                format!("{size} to {outputs} elements along axis {axis} by {coordinates:?}, {rounding:?}");
            let problem =
                context.form("scales", found, "each element repeated equally often, or a regular part");
            return Err(problem.with_hint("scale by an integer factor, with nearest neighbours"));
        }
    }
    let sizes: Vec<usize> = (0..rank).map(|axis| to[axis] / factors[axis]).collect();
    let id = if sizes == from {
        x
    } else {
        lifter.emit(context, Op::Slice { starts, steps, sizes }, vec![x], None)?
    };
    let id = repeat(lifter, context, id, factors)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

fn scales(context: &Context<'_>, modern: bool) -> Result<Option<Vec<f64>>, Diagnostic> {
    if let Some(scales) = context.node.floats("scales") {
        return Ok(Some(scales.iter().map(|scale| f64::from(*scale)).collect()));
    }
    let tensor = context.optional_tensor(if modern { 2 } else { 1 })?;
    // Files that give sizes have an empty list of scales.
    Ok(tensor.filter(|tensor| tensor.len() > 0).map(|tensor| tensor.numbers.reals()))
}

fn sizes(context: &Context<'_>, modern: bool) -> Result<Option<Vec<i64>>, Diagnostic> {
    if modern && context.optional(3).is_some() {
        let sizes = context.ints(3)?;
        return Ok((!sizes.is_empty()).then_some(sizes));
    }
    Ok(None)
}
