//! Operators that take parts: `Slice`, `Split` and `Gather`.

use super::repeat::MAX_PIECES;
use super::{Context, Item, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Op, ValueId};

/// A regular part of a tensor: for each axis where it starts, its steps, and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) starts: Vec<usize>,
    pub(super) steps: Vec<isize>,
    pub(super) sizes: Vec<usize>,
}

impl Part {
    /// All of `shape`.
    fn whole(shape: &[usize]) -> Self {
        Self { starts: vec![0; shape.len()], steps: vec![1; shape.len()], sizes: shape.to_vec() }
    }

    fn op(self) -> Op {
        Op::Slice { starts: self.starts, steps: self.steps, sizes: self.sizes }
    }
}

/// The part that a `Slice` takes of `shape`.
pub(super) fn part(context: &Context<'_>, shape: &[usize]) -> Result<Part, Diagnostic> {
    let starts = context.ints_of("starts", 1)?.unwrap_or_default();
    let ends = context.ints_of("ends", 2)?.unwrap_or_default();
    let axes = match context.ints_of("axes", 3)? {
        Some(axes) => {
            axes.iter().map(|axis| context.axis(*axis, shape.len())).collect::<Result<Vec<_>, _>>()?
        }
        None => (0..starts.len().min(shape.len())).collect(),
    };
    let steps = if context.optional(4).is_some() { context.ints(4)? } else { vec![1; starts.len()] };
    if [ends.len(), axes.len(), steps.len()].iter().any(|count| *count != starts.len()) {
        let found = format!(
            "{} starts, {} ends, {} axes, {} steps",
            starts.len(),
            ends.len(),
            axes.len(),
            steps.len()
        );
        return Err(context.shapes(found, "as many of each"));
    }
    let mut part = Part::whole(shape);
    for (i, axis) in axes.into_iter().enumerate() {
        let (size, step) = (shape[axis] as i64, steps[i]);
        if step == 0 || step.unsigned_abs() > 1 << 30 {
            return Err(context.form("steps", step.to_string(), "steps other than 0, within 2^30"));
        }
        let from_start = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
        let (lo, hi) = if step > 0 { (0, size) } else { (-1, size - 1) };
        // A slice that goes backwards begins inside.
        let start = from_start(starts[i]).clamp(lo.max(0), hi.max(0));
        let end = from_start(ends[i]).clamp(lo, hi);
        let distance = if step > 0 { end - start } else { start - end };
        let count = if size == 0 { 0 } else { distance.max(0).unsigned_abs().div_ceil(step.unsigned_abs()) };
        part.starts[axis] = usize::try_from(start).unwrap_or(0);
        part.steps[axis] = step as isize;
        part.sizes[axis] = count as usize;
    }
    Ok(part)
}

/// The parts that a `Split` makes of `shape`.
pub(super) fn parts(context: &Context<'_>, shape: &[usize]) -> Result<Vec<Part>, Diagnostic> {
    let axis = context.axis(context.node.int("axis").unwrap_or(0), shape.len())?;
    let size = shape[axis];
    let count = context.node.outputs.len().max(1);
    let sizes = match context.ints_of("split", 1)? {
        Some(sizes) => sizes.iter().map(|size| usize::try_from(*size).unwrap_or(usize::MAX)).collect(),
        None => {
            // The last part is smaller where the size does not divide.
            let each = size.div_ceil(count);
            (0..count).map(|i| size.saturating_sub(i * each).min(each)).collect::<Vec<_>>()
        }
    };
    let total = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size));
    if total != Some(size) || sizes.len() != count {
        let found = format!("parts of {sizes:?} for {count} outputs");
        return Err(context.shapes(found, format!("sizes that add up to {size}, one for each output")));
    }
    let mut start = 0;
    Ok(sizes
        .into_iter()
        .map(|size| {
            let mut part = Part::whole(shape);
            (part.starts[axis], part.sizes[axis]) = (start, size);
            start += size;
            part
        })
        .collect())
}

/// What a `Gather` takes.
pub(super) struct Gather {
    pub(super) axis: usize,
    /// Indices along the axis, all inside.
    pub(super) indices: Vec<usize>,
    /// Shape of the indices, which replaces the axis.
    of: Vec<usize>,
}

impl Gather {
    /// Reads the axis and the constant indices for an operand of `shape`.
    pub(super) fn read(context: &Context<'_>, shape: &[usize]) -> Result<Self, Diagnostic> {
        let axis = context.axis(context.node.int("axis").unwrap_or(0), shape.len())?;
        let of = context.tensor(1)?.shape.clone();
        let indices = context.ints(1)?;
        let size = shape[axis] as i64;
        let inside = |index: i64| {
            let index = if index < 0 { index.checked_add(size)? } else { index };
            (0..size).contains(&index).then_some(index as usize)
        };
        match indices.iter().map(|index| inside(*index)).collect() {
            Some(indices) => Ok(Self { axis, indices, of }),
            None => {
                let found = format!("indices beyond axis {axis} of {shape:?}");
                Err(context.problem(Code::ShapeMismatch, "input 1", found, format!("indices below {size}")))
            }
        }
    }

    /// The shape of the result.
    pub(super) fn shape(&self, from: &[usize]) -> Vec<usize> {
        [&from[..self.axis], &self.of, &from[self.axis + 1..]].concat()
    }

    /// The indices as runs at equal distances: first index, step, count.
    fn runs(&self) -> Vec<(usize, isize, usize)> {
        let mut runs: Vec<(usize, isize, usize)> = vec![];
        for index in self.indices.iter().copied() {
            match runs.last_mut() {
                Some(run) if run.2 == 1 && index != run.0 => {
                    *run = (run.0, index as isize - run.0 as isize, 2);
                }
                Some(run) if run.2 > 1 && index as isize == run.0 as isize + run.1 * run.2 as isize => {
                    run.2 += 1
                }
                _ => runs.push((index, 1, 1)),
            }
        }
        runs
    }
}

/// `Slice`.
pub(super) fn slice(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    let part = part(context, &lifter.shape(x))?;
    let id = take(lifter, context, x, part)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// The part of `x`; an identity if it is all.
fn take(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    part: Part,
) -> Result<ValueId, Diagnostic> {
    let op = if part == Part::whole(&lifter.shape(x)) { Op::Identity } else { part.op() };
    lifter.emit(context, op, vec![x], None)
}

/// `Split`: a slice for each output.
pub(super) fn split(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, coding) = lifter.moved(context)?;
    for (index, part) in parts(context, &lifter.shape(x))?.into_iter().enumerate() {
        if context.node.output(index).is_some() {
            let id = take(lifter, context, x, part)?;
            lifter.finish(context, index, Operand { id, coding: coding.clone() });
        }
    }
    Ok(())
}

/// `Gather` with constant indices: a slice, or several joined.
pub(super) fn gather(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    if matches!(context.operand(1)?, Item::Value(_)) {
        let problem = context.computed(1, "constant indices");
        return Err(problem.with_hint(
            "an embedding of computed indices has no integer program: feed the network what the embedding gives",
        ));
    }
    let (x, coding) = lifter.moved(context)?;
    let from = lifter.shape(x);
    let gather = Gather::read(context, &from)?;
    let runs = gather.runs();
    if runs.is_empty() || runs.len() > MAX_PIECES {
        let found = format!("{} indices in {} regular runs", gather.indices.len(), runs.len());
        return Err(context.form(
            "input 1",
            found,
            format!("1 to {MAX_PIECES} runs of indices at equal distances"),
        ));
    }
    let axis = gather.axis;
    let mut pieces = vec![];
    for (first, step, count) in runs {
        let mut part = Part::whole(&from);
        (part.starts[axis], part.steps[axis], part.sizes[axis]) = (first, step, count);
        pieces.push(take(lifter, context, x, part)?);
    }
    let joined = match pieces.as_slice() {
        [piece] => *piece,
        _ => lifter.emit(context, Op::Concat { axis }, pieces, None)?,
    };
    let id = lifter.reshape(context, joined, &gather.shape(&from))?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}
