//! The same numbers in another shape or order, joined or in parts.

use exactum_qonnx::AttributeValue;

use super::applied::Applied;
use super::exact::{broadcast, index, position, reader};
use super::int::Int;
use super::{Exact, Result, Value};

/// The operators of this file with one output.
pub(super) const OPERATORS: [&str; 11] = [
    "Concat",
    "Expand",
    "Flatten",
    "Gather",
    "Pad",
    "Reshape",
    "Slice",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
];

pub(super) fn operator(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    match applied.node.op_type.as_str() {
        "Concat" => {
            let parts: Vec<&Exact> =
                (0..applied.operands.len()).map(|index| applied.real(index)).collect::<Result<_>>()?;
            concat(applied, &parts)
        }
        "Expand" => {
            let target = sizes(applied, &applied.whole(1)?)?;
            let shape = broadcast(&x.shape, &target)?;
            let source = reader(&shape, &x.shape);
            Ok(x.pick(shape.clone(), source))
        }
        "Flatten" => {
            let axis = applied.int("axis", 1)?;
            let axis = if axis == x.shape.len() as i64 {
                x.shape.len()
            } else {
                applied.axis(axis, x.shape.len())?
            };
            let shape = vec![x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
            Ok(x.clone().shaped(shape))
        }
        "Gather" => gather(applied),
        "Pad" => pad(applied),
        "Reshape" => reshape(applied),
        "Slice" => slice(applied),
        "Squeeze" => {
            let rank = x.shape.len();
            let axes = match applied.listed("axes", 1)? {
                Some(axes) => {
                    axes.iter().map(|axis| applied.axis(*axis, rank)).collect::<Result<Vec<_>>>()?
                }
                None => (0..rank).filter(|axis| x.shape[*axis] == 1).collect(),
            };
            if axes.iter().any(|axis| x.shape[*axis] != 1) {
                return applied.fail(format!("axes {axes:?} of shape {:?}", x.shape));
            }
            let kept = (0..rank).filter(|axis| !axes.contains(axis));
            Ok(x.clone().shaped(kept.map(|axis| x.shape[axis]).collect()))
        }
        "Tile" => {
            let repeats = sizes(applied, &applied.whole(1)?)?;
            if repeats.len() != x.shape.len() {
                return applied.fail(format!("{repeats:?} repeats of shape {:?}", x.shape));
            }
            let shape: Vec<usize> =
                x.shape.iter().zip(&repeats).map(|(size, repeat)| size * repeat).collect();
            Ok(x.pick(shape.clone(), |at| {
                let place = position(&shape, at);
                let place: Vec<usize> = place.iter().zip(&x.shape).map(|(at, size)| at % size).collect();
                index(&x.shape, &place)
            }))
        }
        "Transpose" => {
            let perm = match applied.ints("perm")? {
                Some(perm) => sizes(applied, &perm)?,
                None => (0..x.shape.len()).rev().collect(),
            };
            transpose(applied, x, &perm)
        }
        _ => {
            let Some(axes) = applied.listed("axes", 1)? else { return applied.fail("no axes") };
            let rank = x.shape.len() + axes.len();
            let axes: Vec<usize> =
                axes.iter().map(|axis| applied.axis(*axis, rank)).collect::<Result<_>>()?;
            let mut old = x.shape.iter();
            let shape: Vec<usize> = (0..rank)
                .map(|axis| if axes.contains(&axis) { 1 } else { old.next().copied().unwrap_or(1) })
                .collect();
            Ok(x.clone().shaped(shape))
        }
    }
}

fn sizes(applied: &Applied<'_>, values: &[i64]) -> Result<Vec<usize>> {
    let sizes: Option<Vec<usize>> = values.iter().map(|value| usize::try_from(*value).ok()).collect();
    match sizes {
        Some(sizes) => Ok(sizes),
        None => applied.fail(format!("sizes {values:?}")),
    }
}

/// `-1` is what is left, `0` the size before. The file's shape may hold the batch it was exported with; here it is
/// one sample.
fn reshape(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let listed = match applied.ints("shape")? {
        Some(shape) => shape,
        None => applied.whole(1)?,
    };
    let mut target = listed.clone();
    let batch = applied.batch.and_then(|batch| i64::try_from(batch).ok());
    if let Some(first) = target.first_mut()
        && !applied.constant
        && Some(*first) == batch
    {
        *first = 1;
    }
    let keep_zero = applied.int("allowzero", 0)? == 0;
    let (mut shape, mut free) = (vec![], None);
    for (axis, size) in target.iter().enumerate() {
        shape.push(match size {
            -1 => {
                free = Some(axis);
                1
            }
            0 if keep_zero => x.shape.get(axis).copied().unwrap_or(0),
            size => usize::try_from(*size).unwrap_or(0),
        });
    }
    let known: usize = shape.iter().product();
    if let (Some(axis), 1..) = (free, known) {
        shape[axis] = x.len() / known;
    }
    if shape.iter().product::<usize>() != x.len() {
        return applied.fail(format!("{listed:?} for {} elements", x.len()));
    }
    Ok(x.clone().shaped(shape))
}

fn transpose(applied: &Applied<'_>, x: &Exact, perm: &[usize]) -> Result<Exact> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.shape.len()) {
        return applied.fail(format!("perm {perm:?}"));
    }
    Ok(permuted(x, perm))
}

fn permuted(x: &Exact, perm: &[usize]) -> Exact {
    let shape: Vec<usize> = perm.iter().map(|axis| x.shape[*axis]).collect();
    x.pick(shape.clone(), |at| {
        let mut place = vec![0; perm.len()];
        for (here, axis) in position(&shape, at).into_iter().zip(perm) {
            place[*axis] = here;
        }
        index(&x.shape, &place)
    })
}

/// The last axis as the second.
pub(super) fn channels_first(x: &Exact) -> Result<Exact> {
    let rank = x.shape.len();
    let perm: Vec<usize> = match rank {
        2.. => [0, rank - 1].into_iter().chain(1..rank - 1).collect(),
        _ => return super::fail("channels", format!("shape {:?}", x.shape)),
    };
    Ok(permuted(x, &perm))
}

/// The second axis as the last.
pub(super) fn channels_last(x: &Exact) -> Result<Exact> {
    let rank = x.shape.len();
    let perm: Vec<usize> = match rank {
        2.. => [0].into_iter().chain(2..rank).chain([1]).collect(),
        _ => return super::fail("channels", format!("shape {:?}", x.shape)),
    };
    Ok(permuted(x, &perm))
}

/// The parts one after the other along the axis that is an attribute.
pub(super) fn concat(applied: &Applied<'_>, parts: &[&Exact]) -> Result<Exact> {
    let [first, others @ ..] = parts else { return applied.fail("nothing to join") };
    let rank = first.shape.len();
    let axis = applied.axis(applied.int("axis", 1)?, rank)?;
    let mut shape = first.shape.clone();
    // For each place along the axis the part it is in, that part's first element, and the place there.
    let (mut places, mut start) =
        ((0..shape[axis]).map(|at| (*first, 0, at)).collect::<Vec<_>>(), first.len());
    for part in others {
        let fits = part.shape.len() == rank && (0..rank).all(|at| at == axis || part.shape[at] == shape[at]);
        if !fits {
            return applied.fail(format!("shapes {shape:?} and {:?}", part.shape));
        }
        places.extend((0..part.shape[axis]).map(|at| (*part, start, at)));
        shape[axis] += part.shape[axis];
        start += part.len();
    }
    Ok(Exact::chain(parts).pick(shape.clone(), |at| {
        let mut place = position(&shape, at);
        let (part, start, here) = places[place[axis]];
        place[axis] = here;
        start + index(&part.shape, &place)
    }))
}

/// The places `start, start + step, ...` along `axis`, as many as `count`.
fn part(x: &Exact, axis: usize, start: i64, step: i64, count: usize) -> Exact {
    let mut shape = x.shape.clone();
    shape[axis] = count;
    x.pick(shape.clone(), |at| {
        let mut place = position(&shape, at);
        place[axis] = (start + place[axis] as i64 * step) as usize;
        index(&x.shape, &place)
    })
}

pub(super) fn split(applied: &Applied<'_>) -> Result<Vec<Value>> {
    let x = applied.real(0)?;
    let axis = applied.axis(applied.int("axis", 0)?, x.shape.len())?;
    let size = x.shape[axis];
    let parts = match applied.listed("split", 1)? {
        Some(parts) => sizes(applied, &parts)?,
        None => {
            // As even as possible; the last is smaller where it does not come out.
            let count = applied.node.outputs.len();
            let largest = size.div_ceil(count.max(1));
            (0..count).map(|part| size.saturating_sub(part * largest).min(largest)).collect()
        }
    };
    if parts.iter().sum::<usize>() != size || parts.len() != applied.node.outputs.len() {
        return applied.fail(format!("parts {parts:?} of {size}"));
    }
    let elem = applied.elem(0)?;
    let mut start = 0;
    let value = |count: usize| {
        let value = part(x, axis, start, 1, count);
        start += count as i64;
        Value::Real(value, elem)
    };
    Ok(parts.into_iter().map(value).collect())
}

fn slice(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let (Some(starts), Some(ends)) = (applied.listed("starts", 1)?, applied.listed("ends", 2)?) else {
        return applied.fail("no starts and ends");
    };
    let axes = applied.listed("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = applied.listed("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|count| *count != starts.len()) {
        return applied.fail("lists of different lengths");
    }
    let mut result = x.clone();
    for (at, axis) in axes.iter().enumerate() {
        let axis = applied.axis(*axis, x.shape.len())?;
        let (size, step) = (result.shape[axis] as i64, steps[at]);
        let from_start = |place: i64| if place < 0 { place.saturating_add(size) } else { place };
        let (start, end) = (from_start(starts[at]), from_start(ends[at]));
        let (start, count) = match step {
            1.. => {
                let (start, end) = (start.clamp(0, size), end.clamp(0, size));
                (start, (end - start).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
            }
            0 => return applied.fail("a step of 0"),
            _ => {
                let (start, end) = (start.clamp(0, size - 1), end.clamp(-1, size - 1));
                (start, (start - end).max(0).unsigned_abs().div_ceil(step.unsigned_abs()))
            }
        };
        result = part(&result, axis, start, step, count as usize);
    }
    Ok(result)
}

fn gather(applied: &Applied<'_>) -> Result<Exact> {
    let (x, indices) = (applied.real(0)?, applied.whole(1)?);
    let axis = applied.axis(applied.int("axis", 0)?, x.shape.len())?;
    let places: Vec<usize> =
        indices.iter().map(|place| applied.axis(*place, x.shape[axis])).collect::<Result<_>>()?;
    let inner = &applied.real(1)?.shape;
    let shape = [&x.shape[..axis], inner, &x.shape[axis + 1..]].concat();
    Ok(x.pick(shape.clone(), |at| {
        let place = position(&shape, at);
        let chosen = places[index(inner, &place[axis..axis + inner.len()])];
        let place = [&place[..axis], &[chosen], &place[axis + inner.len()..]].concat();
        index(&x.shape, &place)
    }))
}

/// Elements around the tensor: a constant, the nearest, or mirrored ones. Negative pads cut off.
fn pad(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let rank = x.shape.len();
    let Some(listed) = applied.listed("pads", 1)? else { return applied.fail("no pads") };
    let axes: Vec<usize> = if applied.has(3) {
        applied.whole(3)?.iter().map(|axis| applied.axis(*axis, rank)).collect::<Result<_>>()?
    } else {
        (0..rank).collect()
    };
    if listed.len() != 2 * axes.len() {
        return applied.fail(format!("{} pads for {} axes", listed.len(), axes.len()));
    }
    let (mut before, mut shape) = (vec![0; rank], vec![]);
    let mut extents: Vec<i64> = x.shape.iter().map(|size| *size as i64).collect();
    for (at, axis) in axes.iter().enumerate() {
        before[*axis] = listed[at];
        extents[*axis] += listed[at] + listed[at + axes.len()];
    }
    for extent in extents {
        shape.push(usize::try_from(extent).unwrap_or(0));
    }
    let mode = applied.string("mode", "constant")?;
    let value = match applied.node.attribute("value") {
        Some(AttributeValue::Float(_)) => Exact::scalar(&applied.number("value", 0.0)?),
        _ if applied.has(2) => Exact::scalar(&applied.scalar(2)?),
        _ => Exact::whole(vec![], vec![Int::ZERO]),
    };
    let source = |place: i64, size: i64| -> Option<i64> {
        match mode.as_ref() {
            _ if (0..size).contains(&place) => Some(place),
            "edge" => Some(place.clamp(0, size - 1)),
            "wrap" => Some(place.rem_euclid(size)),
            // Back and forth without repeating the ends.
            "reflect" if size > 1 => {
                let at = place.rem_euclid(2 * (size - 1));
                Some(at.min(2 * (size - 1) - at))
            }
            _ => None,
        }
    };
    if !["constant", "edge", "wrap", "reflect"].contains(&mode.as_ref()) {
        return applied.fail(format!("mode {mode}"));
    }
    let mut sources = vec![];
    for at in 0..shape.iter().product() {
        let from: Option<Vec<usize>> = position(&shape, at)
            .iter()
            .enumerate()
            .map(|(axis, here)| {
                source(*here as i64 - before[axis], x.shape[axis] as i64).map(|at| at as usize)
            })
            .collect();
        sources.push(from.map(|place| index(&x.shape, &place)));
    }
    // The value comes after the elements.
    Ok(Exact::chain(&[x, &value]).pick(shape, |at| sources[at].unwrap_or(x.len())))
}
