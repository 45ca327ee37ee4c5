//! `Einsum`: sums of products over named axes.

use std::collections::BTreeMap;

use super::number::Sum;
use super::{Call, Result, Tensor, elems, family, one};
use exactum_host::elements::{position, strides};

family! {
    "Einsum" 1..=16 ["equation"] einsum;
}

/// An axis: a letter, or an axis of the dots, counted from the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Dots(usize),
    Letter(char),
}

/// The axes of a term of `rank` axes; the dots stand for those that have no letter.
fn axes(call: &Call<'_>, term: &str, rank: usize) -> Result<Vec<Axis>> {
    let letters = term.replace("...", "");
    if letters.chars().any(|letter| !letter.is_ascii_alphabetic()) || term.matches("...").count() > 1 {
        return Err(call.no_form(format!("term {term:?}"), "letters and at most one ..."));
    }
    let dots = rank.checked_sub(letters.len()).filter(|dots| term.contains("...") || *dots == 0);
    let Some(dots) = dots else {
        return Err(call.shapes(format!("{rank} axes for {term:?}"), "a letter for each"));
    };
    let (head, tail) = term.split_once("...").unwrap_or((term, ""));
    let first = head.chars().map(Axis::Letter);
    Ok(first.chain((0..dots).rev().map(Axis::Dots)).chain(tail.chars().map(Axis::Letter)).collect())
}

fn einsum(call: &Call<'_>) -> Result {
    let equation: String = call.text("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (equation.as_str(), None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != call.operands.len() {
        return Err(call.shapes(format!("{} terms", terms.len()), "one for each operand"));
    }
    let mut named: Vec<Vec<Axis>> = vec![];
    let mut sizes: BTreeMap<Axis, usize> = BTreeMap::new();
    for (index, term) in terms.iter().enumerate() {
        let tensor = call.operand(index)?;
        let axes = axes(call, term, tensor.shape.len())?;
        for (axis, size) in axes.iter().zip(&tensor.shape) {
            let known = sizes.entry(*axis).or_insert(*size);
            match (*known, *size) {
                (1, size) => *known = size,
                (known, size) if size == known || size == 1 => {}
                _ => return Err(call.shapes(format!("{axis:?} of size {size}"), format!("{known}"))),
            }
        }
        named.push(axes);
    }
    let dots = sizes.keys().filter(|axis| matches!(axis, Axis::Dots(_))).count();
    let result: Vec<Axis> = match output {
        Some(output) => {
            let letters = output.replace("...", "").len();
            let dots = if output.contains("...") { dots } else { 0 };
            axes(call, output, letters + dots)?
        }
        None => {
            let once = |axis: &&Axis| match axis {
                Axis::Dots(_) => true,
                Axis::Letter(_) => named.iter().flatten().filter(|other| other == axis).count() == 1,
            };
            let mut kept: Vec<Axis> = sizes.keys().filter(once).copied().collect();
            kept.sort_by_key(|axis| match axis {
                Axis::Dots(from_last) => (0, usize::MAX - from_last, ' '),
                Axis::Letter(letter) => (1, 0, *letter),
            });
            kept
        }
    };
    let Some(shape) = result.iter().map(|axis| sizes.get(axis).copied()).collect::<Option<Vec<usize>>>()
    else {
        return Err(call.no_form(format!("equation {equation:?}"), "letters of the operands in the result"));
    };
    let summed: Vec<Axis> = sizes.keys().filter(|axis| !result.contains(axis)).copied().collect();
    let inner: Vec<usize> = summed.iter().map(|axis| sizes[axis]).collect();
    let shape = call.sized(shape)?;
    call.sized(inner.clone())?;
    call.steps(&[elems(&shape), elems(&inner), terms.len()])?;
    // For each operand how far a step along each axis goes.
    let step = |axis: &Axis, operand: usize| -> Result<usize> {
        let tensor = call.operand(operand)?;
        let steps = strides(&tensor.shape);
        let own =
            named[operand].iter().enumerate().filter(|(i, named)| *named == axis && tensor.shape[*i] != 1);
        Ok(own.map(|(i, _)| steps[i]).sum())
    };
    let count = terms.len();
    let steps = |axes: &[Axis]| -> Result<Vec<Vec<usize>>> {
        (0..count).map(|operand| axes.iter().map(|axis| step(axis, operand)).collect()).collect()
    };
    let (outer_steps, inner_steps) = (steps(&result)?, steps(&summed)?);
    let offset =
        |index: &[usize], steps: &[usize]| index.iter().zip(steps).map(|(i, step)| i * step).sum::<usize>();
    let inner_offsets: Vec<Vec<usize>> = (0..elems(&inner))
        .map(|at| {
            let index = position(&inner, at);
            inner_steps.iter().map(|steps| offset(&index, steps)).collect()
        })
        .collect();
    let first = call.operand(0)?;
    let bases = |at: usize| {
        let index = position(&shape, at);
        outer_steps.iter().map(|steps| offset(&index, steps)).collect::<Vec<usize>>()
    };
    if first.as_ints().is_some() {
        let operands: Vec<&[i64]> = (0..count).map(|index| call.whole(index)).collect::<Result<_>>()?;
        let result = |at: usize| {
            let bases = bases(at);
            inner_offsets.iter().fold(0i128, |sum, offsets| {
                let product =
                    (0..count).fold(1i128, |p, i| p.wrapping_mul(operands[i][bases[i] + offsets[i]].into()));
                sum.wrapping_add(product)
            })
        };
        return one(Tensor::wrapped(first.elem, shape.clone(), (0..elems(&shape)).map(result))?);
    }
    let operands: Vec<&[f64]> = (0..count).map(|index| call.reals(index)).collect::<Result<_>>()?;
    let result = |at: usize| {
        let bases = bases(at);
        let mut sum = Sum::default();
        for offsets in &inner_offsets {
            sum.add((0..count).map(|i| operands[i][bases[i] + offsets[i]]).product());
        }
        sum.value()
    };
    one(Tensor::real(first.elem, shape.clone(), (0..elems(&shape)).map(result)))
}
