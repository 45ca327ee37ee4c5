//! `Resize` and `Upsample` with the nearest neighbour: repetitions of elements, or regular parts.
//!
//! Which element each result takes is computed as the operator defines it and compared with both, so every combination of
//! modes is right or refused.

use super::repeat::repeat;
use super::{Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Op, shape};

/// Most elements along one axis of a result.
const MAX_SIZE: usize = 1 << 16;

/// Index of the input, as a real number, for each index of the output along one axis.
fn source(mode: &str, index: f64, from: f64, to: f64, scale: f64) -> Option<f64> {
    Some(match mode {
        "half_pixel" => (index + 0.5) / scale - 0.5,
        "half_pixel_symmetric" => {
            let adjustment = to / (scale * from);
            let center = from / 2.0;
            center * (1.0 - adjustment) + (index + 0.5) / scale - 0.5
        }
        "pytorch_half_pixel" if to > 1.0 => (index + 0.5) / scale - 0.5,
        "pytorch_half_pixel" => 0.0,
        "align_corners" if to > 1.0 => index * (from - 1.0) / (to - 1.0),
        "align_corners" => 0.0,
        "asymmetric" => index / scale,
        "tf_half_pixel_for_nn" => (index + 0.5) / scale,
        _ => return None,
    })
}

fn nearest(mode: &str, x: f64) -> Option<f64> {
    Some(match mode {
        "round_prefer_floor" => (x - 0.5).ceil(),
        "round_prefer_ceil" => (x + 0.5).floor(),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        _ => return None,
    })
}

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
    let mut scale = vec![1.0; rank];
    let mut to = from.clone();
    for (i, axis) in axes.iter().enumerate() {
        let size = from[*axis] as f64;
        (to[*axis], scale[*axis]) = match (&sizes, &scales) {
            (Some(sizes), _) if sizes.len() == axes.len() => {
                // The batch is one sample here.
                let wanted = sizes[i];
                let wanted = if *axis == 0 && wanted == lifter.batch as i64 { 1 } else { wanted };
                (usize::try_from(wanted).unwrap_or(0), wanted as f64 / size)
            }
            (None, Some(scales)) if scales.len() == axes.len() => {
                ((size * scales[i]).floor() as usize, scales[i])
            }
            _ => {
                return Err(context.shapes(
                    "sizes or scales for other axes",
                    format!("one for each of {} axes", axes.len()),
                ));
            }
        };
    }
    if shape::elems(&to).is_none_or(|elems| elems == 0)
        || scale.iter().any(|scale| !(scale.is_finite() && *scale > 0.0))
    {
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
    if node.string("keep_aspect_ratio_policy").is_some_and(|policy| policy != "stretch") {
        return Err(context.attribute("keep_aspect_ratio_policy", "another policy", "\"stretch\""));
    }
    let mut factors = vec![1; rank];
    let (mut starts, mut steps) = (vec![0; rank], vec![1isize; rank]);
    for axis in 0..rank {
        let (size, outputs) = (from[axis], to[axis]);
        let index = |i: usize| {
            let x = source(coordinates, i as f64, size as f64, outputs as f64, scale[axis])?;
            Some(nearest(rounding, x)?.clamp(0.0, (size - 1) as f64) as usize)
        };
        let Some(indices) = (0..outputs).map(index).collect::<Option<Vec<usize>>>() else {
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
