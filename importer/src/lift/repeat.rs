//! Operators that repeat elements or reorder blocks of them: `Expand`, `Tile`, `DepthToSpace`, `SpaceToDepth`.

use super::{Context, Lifter, Operand};
use crate::diagnostic::Diagnostic;
use crate::graph::{Op, ValueId};

/// Most operands of a join that stands for one operator of the file.
pub(super) const MAX_PIECES: usize = 64;

/// How often `Tile` repeats each of `rank` axes.
pub(super) fn repeats(context: &Context<'_>, rank: usize) -> Result<Vec<usize>, Diagnostic> {
    let repeats = context.ints(1)?;
    let counts: Option<Vec<usize>> = repeats.iter().map(|count| usize::try_from(*count).ok()).collect();
    match counts {
        Some(counts) if counts.len() == rank => Ok(counts),
        _ => Err(context.shapes(format!("repeats {repeats:?}"), format!("{rank} numbers of 0 or more"))),
    }
}

/// `Expand`: axes of size 1 are repeated.
pub(super) fn expand(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let shape = lifter.shape(x);
    let dims = context.ints(1)?;
    let mut wanted: Vec<usize> = vec![];
    for dim in &dims {
        match usize::try_from(*dim) {
            Ok(size) if size > 0 => wanted.push(size),
            _ => return Err(context.shapes(format!("{dims:?}"), "sizes of 1 or more")),
        }
    }
    if wanted.len() >= shape.len() && wanted.first() == Some(&lifter.batch) && !lifter.is_fixed(x) {
        wanted[0] = 1;
    }
    let rank = shape.len().max(wanted.len());
    let align = |sizes: &[usize]| [vec![1; rank - sizes.len()], sizes.to_vec()].concat();
    let (from, to) = (align(&shape), align(&wanted));
    let mut factors = vec![];
    for (from, to) in from.iter().zip(&to) {
        match (from, to) {
            (from, to) if from == to || *to == 1 => factors.push(1),
            (1, to) => factors.push(*to),
            _ => return Err(context.shapes(format!("{shape:?} to {dims:?}"), "shapes that broadcast")),
        }
    }
    let id = lifter.reshape(context, x, &from)?;
    let id = repeat(lifter, context, id, factors)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `x` with each element repeated along each axis.
pub(super) fn repeat(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    factors: Vec<usize>,
) -> Result<ValueId, Diagnostic> {
    if factors.iter().all(|factor| *factor == 1) {
        return Ok(x);
    }
    lifter.emit(context, Op::Repeat { factors }, vec![x], None)
}

/// `Tile`: axes of size 1 are repeated, others joined to themselves.
pub(super) fn tile(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let shape = lifter.shape(x);
    let counts = repeats(context, shape.len())?;
    let mut id = x;
    let single = |axis: usize| if shape[axis] == 1 { counts[axis] } else { 1 };
    for axis in (0..shape.len()).filter(|axis| shape[*axis] > 1 && counts[*axis] != 1) {
        if !(1..=MAX_PIECES).contains(&counts[axis]) {
            let needed = format!("1 to {MAX_PIECES} for an axis of several elements");
            return Err(context.form("input 1", counts[axis].to_string(), needed));
        }
        id = lifter.emit(context, Op::Concat { axis }, vec![id; counts[axis]], None)?;
    }
    let id = repeat(lifter, context, id, (0..shape.len()).map(single).collect())?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// `DepthToSpace` and `SpaceToDepth`: a reshape, a transpose and a reshape.
pub(super) fn blocks(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let [n, c, h, w] = lifter.shape(x)[..] else {
        return Err(context.form(
            "input 0",
            format!("shape {:?}", lifter.shape(x)),
            "batch, channels, height, width",
        ));
    };
    let size = context.node.int("blocksize").unwrap_or(0);
    let block = usize::try_from(size).ok().filter(|block| (1..=c.max(h).max(w)).contains(block));
    let Some(b) = block else {
        return Err(context.attribute(
            "blocksize",
            size.to_string(),
            "1 or more, and no more than the input has",
        ));
    };
    let crd = match context.node.string("mode").unwrap_or("DCR") {
        "DCR" => false,
        "CRD" => true,
        mode => return Err(context.attribute("mode", format!("{mode:?}"), "\"DCR\" or \"CRD\"")),
    };
    let to_space = context.node.op_type == "DepthToSpace";
    let divides = if to_space { c % (b * b) == 0 } else { h % b == 0 && w % b == 0 };
    if !divides {
        let found = format!("blocks of {b} of shape {:?}", [n, c, h, w]);
        return Err(context.shapes(found, "sizes that the blocks divide"));
    }
    let (split, perm, shape) = match (to_space, crd) {
        (true, false) => {
            let channels = c / (b * b);
            (vec![n, b, b, channels, h, w], vec![0, 3, 4, 1, 5, 2], vec![n, channels, h * b, w * b])
        }
        (true, true) => {
            let channels = c / (b * b);
            (vec![n, channels, b, b, h, w], vec![0, 1, 4, 2, 5, 3], vec![n, channels, h * b, w * b])
        }
        (false, crd) => {
            let perm = if crd { vec![0, 1, 3, 5, 2, 4] } else { vec![0, 3, 5, 1, 2, 4] };
            (vec![n, c, h / b, b, w / b, b], perm, vec![n, c * b * b, h / b, w / b])
        }
    };
    let id = lifter.emit(context, Op::Reshape, vec![x], Some(&split))?;
    let id = lifter.emit(context, Op::Transpose { perm }, vec![id], None)?;
    let id = lifter.emit(context, Op::Reshape, vec![id], Some(&shape))?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}
