//! `Max`, `Min` and `Where`: of computed values, and of one with constants for all elements, for channels or for each.

use exactum_host::elements;
use exactum_qonnx::shape;

use super::activation::{apply, limited};
use super::repeat::repeat;
use super::tensor::Tensor;
use super::{Context, Item, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Activation, Affine, Op, ValueId};

/// Most elements with a constant of their own.
const MAX_CONSTANTS: usize = 1 << 16;

/// `multiply * x + add` with constants for each element of a shape.
struct Line {
    multiply: Vec<f64>,
    add: Vec<f64>,
}

/// `Min` and `Max`.
pub(super) fn bound(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let smallest = context.node.op_type == "Min";
    let shape = result_shape(lifter, context)?;
    let mut computed = vec![];
    let mut limits: Vec<Vec<f64>> = vec![];
    for index in 0..context.operands.len() {
        match context.operand(index)? {
            Item::Value(_) => {
                let x = lifter.real(context, index)?;
                computed.push(broadcast(lifter, context, x, &shape)?);
            }
            Item::Constant(tensor) => limits.push(spread(context, index, tensor, &shape)?),
        }
    }
    let mut id = match computed.as_slice() {
        [] => return Err(context.form("inputs", "no computed operand", "one computed operand")),
        [one] => *one,
        _ => lifter.emit(context, if smallest { Op::Min } else { Op::Max }, computed, None)?,
    };
    let limit = limits.into_iter().reduce(|a, b| {
        a.into_iter().zip(b).map(|(a, b)| if smallest { a.min(b) } else { a.max(b) }).collect()
    });
    if let Some(limit) = limit {
        let only = Some(limit[0]).filter(|bound| bound.is_finite());
        let (lo, hi) = if smallest { (None, only) } else { (only, None) };
        let nan = limit.iter().any(|value| value.is_nan());
        if nan
            || (limit.iter().any(|value| value.is_infinite()) && limit.iter().any(|value| value.is_finite()))
        {
            return Err(context.problem(Code::BadTensor, "", "NaN, or infinities among numbers", "numbers"));
        }
        id = if limit.iter().all(|value| *value == limit[0]) {
            limited(lifter, context, id, lo, hi)?
        } else {
            let ones = vec![1.0; limit.len()];
            id = in_row(lifter, context, id, &[&limit])?;
            let below = Line { multiply: ones.clone(), add: limit.iter().map(|value| -value).collect() };
            let more = affine(lifter, context, id, &below)?;
            let (lo, hi) = if smallest { (None, Some(0.0)) } else { (Some(0.0), None) };
            let more = apply(lifter, context, more, Activation::Clip { lo, hi })?;
            let extreme = affine(lifter, context, more, &Line { multiply: ones, add: limit })?;
            lifter.reshape(context, extreme, &shape)?
        };
    }
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Where`.
pub(super) fn choose(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let shape = result_shape(lifter, context)?;
    let id = match context.operand(0)? {
        Item::Constant(mask) => {
            let mask = spread(context, 0, mask, &shape)?;
            masked(lifter, context, &mask, &shape)?
        }
        Item::Value(_) => {
            let condition = lifter.real(context, 0)?;
            let condition = broadcast(lifter, context, condition, &shape)?;
            let choices = [choice(lifter, context, 1, &shape)?, choice(lifter, context, 2, &shape)?];
            chosen(lifter, context, condition, choices)?
        }
    };
    lifter.finish(context, 0, id);
    Ok(())
}

/// What a condition chooses.
enum Choice {
    Computed(ValueId),
    Constants(Vec<f64>),
}

fn choice(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    index: usize,
    shape: &[usize],
) -> Result<Choice, Diagnostic> {
    match context.operand(index)? {
        Item::Value(_) => {
            let x = lifter.real(context, index)?;
            broadcast(lifter, context, x, shape).map(Choice::Computed)
        }
        Item::Constant(tensor) => {
            finite(context, index, spread(context, index, tensor, shape)?).map(Choice::Constants)
        }
    }
}

/// `Where` with a computed condition. Constants of elements or channels are taken out of the choice:
/// `where(c, x, k) = where(c, x - k, 0) + k`, and `where(c, k, l) = (k - l) * where(c, 1, 0) + l`.
fn chosen(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    condition: ValueId,
    choices: [Choice; 2],
) -> Result<ValueId, Diagnostic> {
    // One number is a function of the condition that does not look at it.
    let number = |lifter: &mut Lifter<'_>, value: f64| {
        let line = Line { multiply: vec![0.0], add: vec![value] };
        affine(lifter, context, condition, &line)
    };
    let choose = |lifter: &mut Lifter<'_>, [yes, no]: [ValueId; 2]| {
        lifter.emit(context, Op::Where, vec![condition, yes, no], None)
    };
    let plus = |lifter: &mut Lifter<'_>, x: ValueId, add: Vec<f64>| {
        affine(lifter, context, x, &Line { multiply: vec![1.0; add.len()], add })
    };
    let first = matches!(choices[0], Choice::Computed(_));
    match choices {
        [Choice::Computed(yes), Choice::Computed(no)] => choose(lifter, [yes, no]),
        [Choice::Computed(x), Choice::Constants(constants)]
        | [Choice::Constants(constants), Choice::Computed(x)] => {
            let in_order = |x: ValueId, other: ValueId| if first { [x, other] } else { [other, x] };
            if let Some(value) = one(&constants) {
                let other = number(lifter, value)?;
                return choose(lifter, in_order(x, other));
            }
            let more = plus(lifter, x, constants.iter().map(|value| -value).collect())?;
            let nothing = number(lifter, 0.0)?;
            let rest = choose(lifter, in_order(more, nothing))?;
            plus(lifter, rest, constants)
        }
        [Choice::Constants(yes), Choice::Constants(no)] => {
            let (one, zero) = (number(lifter, 1.0)?, number(lifter, 0.0)?);
            let mask = choose(lifter, [one, zero])?;
            let multiply = yes.iter().zip(&no).map(|(yes, no)| yes - no).collect();
            affine(lifter, context, mask, &Line { multiply, add: no })
        }
    }
}

/// The number that all of `values` are.
fn one(values: &[f64]) -> Option<f64> {
    values.first().copied().filter(|first| values.iter().all(|value| value == first))
}

/// `Where` with a constant condition: each element of one operand or of the other.
fn masked(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    mask: &[f64],
    shape: &[usize],
) -> Result<ValueId, Diagnostic> {
    let chosen = |first: bool| mask.iter().map(move |holds| f64::from((*holds != 0.0) == first));
    let mut lines = vec![];
    let mut add = vec![0.0; mask.len()];
    for (index, first) in [(1, true), (2, false)] {
        match context.operand(index)? {
            Item::Value(_) => {
                let x = lifter.real(context, index)?;
                let x = broadcast(lifter, context, x, shape)?;
                lines.push((x, chosen(first).collect::<Vec<f64>>()));
            }
            Item::Constant(tensor) => {
                let values = spread(context, index, tensor, shape)?;
                // What is not chosen does not count, infinite or not.
                let values = values.iter().zip(chosen(first));
                let values = values.map(|(value, chosen)| if chosen == 0.0 { 0.0 } else { *value }).collect();
                let values = finite(context, index, values)?;
                add.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
    }
    let zeros = vec![0.0; mask.len()];
    let all: Vec<Vec<f64>> =
        lines.iter().map(|(_, multiply)| multiply.clone()).chain([add.clone()]).collect();
    let all: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
    let mut parts = vec![];
    for (part, (x, multiply)) in lines.into_iter().enumerate() {
        let add = if part == 0 { add.clone() } else { zeros.clone() };
        let x = in_row(lifter, context, x, &all)?;
        parts.push(affine(lifter, context, x, &Line { multiply, add })?);
    }
    let chosen = match parts.as_slice() {
        [one] => *one,
        [_, _] => lifter.emit(context, Op::Add, parts, None)?,
        _ => return Err(context.form("inputs", "constants only", "a computed operand")),
    };
    lifter.reshape(context, chosen, shape)
}

/// `x` as one row of elements if the constants of `lists` vary along several axes, so that each element is a channel.
fn in_row(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    lists: &[&[f64]],
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let axes = lists.iter().map(|values| varying_axis(&shape, shape.len(), values, |a, b| a == b));
    let axes: Result<Vec<Option<usize>>, Vec<usize>> = axes.collect();
    let mut axes: Vec<usize> = match axes {
        Ok(axes) => axes.into_iter().flatten().collect(),
        Err(several) => several,
    };
    axes.sort_unstable();
    axes.dedup();
    let elems = shape.iter().product();
    if axes.len() < 2 {
        return Ok(x);
    }
    if elems > MAX_CONSTANTS {
        let found = format!("a constant for each of {elems} elements");
        return Err(context.problem(Code::TooLarge, "", found, format!("at most {MAX_CONSTANTS}")));
    }
    lifter.reshape(context, x, &[1, elems])
}

/// `x` with the constants of `line`: along an axis if they vary along one, else each element by itself.
fn affine(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    line: &Line,
) -> Result<ValueId, Diagnostic> {
    let whole = lifter.shape(x);
    let row = in_row(lifter, context, x, &[&line.multiply, &line.add])?;
    let shape = lifter.shape(row);
    let mut axis = 1;
    let mut list = |values: &[f64]| {
        let own = varying_axis(&shape, shape.len(), values, |a, b| a == b).unwrap_or(None);
        axis = own.unwrap_or(axis);
        along(&shape, shape.len(), values, own)
    };
    let (multiply, add) = (list(&line.multiply), list(&line.add));
    let op = Op::Affine(Affine { multiply, divide: vec![1.0], add, axis });
    let id = lifter.emit(context, op, vec![row], None)?;
    lifter.reshape(context, id, &whole)
}

/// The shape that all operands are broadcast to.
fn result_shape(lifter: &Lifter<'_>, context: &Context<'_>) -> Result<Vec<usize>, Diagnostic> {
    let shapes = (0..context.operands.len()).map(|index| {
        Ok(match context.operand(index)? {
            Item::Value(operand) => lifter.shape(operand.id),
            Item::Constant(tensor) => tensor.shape.clone(),
        })
    });
    let shapes = shapes.collect::<Result<Vec<_>, Diagnostic>>()?;
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let shape = shape::broadcast(&shapes)
        .ok_or_else(|| context.shapes(format!("{shapes:?}"), "shapes that broadcast"))?;
    context.rank(&shape)?;
    match crate::graph::shape::elems(&shape) {
        Some(1..) => Ok(shape),
        _ => Err(context.shapes(format!("{shape:?}"), "one element at least, and no more than fit")),
    }
}

/// `x` in `shape`: axes of size 1 are repeated.
fn broadcast(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    shape: &[usize],
) -> Result<ValueId, Diagnostic> {
    let from = lifter.shape(x);
    let aligned = [vec![1; shape.len() - from.len()], from].concat();
    let x = lifter.reshape(context, x, &aligned)?;
    let factors = aligned.iter().zip(shape).map(|(from, to)| to / (*from).max(1)).collect();
    repeat(lifter, context, x, factors)
}

/// The numbers of a constant operand, one for each element of `shape`.
fn spread(
    context: &Context<'_>,
    index: usize,
    tensor: &Tensor,
    shape: &[usize],
) -> Result<Vec<f64>, Diagnostic> {
    let values = tensor.numbers.reals();
    if values.is_empty() {
        let found = format!("shape {:?}", tensor.shape);
        return Err(context.problem(
            Code::ShapeMismatch,
            format!("input {index}"),
            found,
            "one element at least",
        ));
    }
    Ok(elements::spread(&tensor.shape, shape).into_iter().map(|place| values[place]).collect())
}

fn finite(context: &Context<'_>, index: usize, values: Vec<f64>) -> Result<Vec<f64>, Diagnostic> {
    match values.iter().find(|value| !value.is_finite()) {
        None => Ok(values),
        Some(bad) => {
            let found = format!("{bad:?}");
            Err(context.problem(Code::BadTensor, format!("input {index}"), found, "finite numbers"))
        }
    }
}
