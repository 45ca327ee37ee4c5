//! Everything without windows: products with a matrix, pairs of elements, and moves of elements.

use crate::graph::Op;

/// Row-major strides of `shape`.
fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// Position along each axis of element `index`.
fn position(shape: &[usize], index: usize) -> Vec<usize> {
    strides(shape).iter().zip(shape).map(|(stride, size)| index / stride.max(&1) % size.max(&1)).collect()
}

pub(super) fn dense(x: &[i64], zero_point: i64, weights: &[i64], bias: &[i64]) -> Vec<i64> {
    let rows = weights.chunks(x.len().max(1)).enumerate();
    let sum = |row: &[i64]| row.iter().zip(x).map(|(w, x)| w * (x - zero_point)).sum::<i64>();
    rows.map(|(output, row)| bias.get(output).unwrap_or(&0) + sum(row)).collect()
}

/// `f` of the index of every element of `a`, the element, and the one of `b` that broadcasting puts beside it.
pub(super) fn pair(
    a: &[i64],
    a_shape: &[usize],
    b: &[i64],
    b_shape: &[usize],
    f: &dyn Fn(usize, i64, i64) -> i64,
) -> Vec<i64> {
    let lead = a_shape.len() - b_shape.len().min(a_shape.len());
    let b_strides = strides(b_shape);
    let beside = |index: usize| -> usize {
        let at = position(a_shape, index);
        b_shape
            .iter()
            .zip(&b_strides)
            .zip(&at[lead..])
            .map(|((size, stride), i)| if *size == 1 { 0 } else { i * stride })
            .sum()
    };
    a.iter().enumerate().map(|(index, a)| f(index, *a, b[beside(index)])).collect()
}

/// One after the other along `axis`.
pub(super) fn concat<T: Copy>(parts: &[(&[T], &[usize])], axis: usize) -> Vec<T> {
    let rows: usize = parts[0].1[..axis].iter().product();
    let row = |(x, shape): &(&[T], &[usize]), index: usize| {
        let elems: usize = shape[axis..].iter().product();
        x[index * elems..(index + 1) * elems].to_vec()
    };
    (0..rows).flat_map(|index| parts.iter().flat_map(move |part| row(part, index))).collect()
}

/// The elements of `x` as the move `op` puts them.
pub(super) fn moved<T: Copy>(op: &Op, x: &[T], shape: &[usize]) -> Vec<T> {
    match op {
        Op::Transpose { perm } => transpose(x, shape, perm),
        Op::Repeat { factors } => repeat(x, shape, factors),
        Op::Slice { starts, steps, sizes } => slice(x, shape, starts, steps, sizes),
        _ => x.to_vec(),
    }
}

fn transpose<T: Copy>(x: &[T], shape: &[usize], perm: &[usize]) -> Vec<T> {
    let output: Vec<usize> = perm.iter().map(|axis| shape[*axis]).collect();
    let strides = strides(shape);
    let from = |index: usize| -> usize {
        position(&output, index).iter().zip(perm).map(|(i, axis)| i * strides[*axis]).sum()
    };
    (0..x.len()).map(|index| x[from(index)]).collect()
}

fn repeat<T: Copy>(x: &[T], shape: &[usize], factors: &[usize]) -> Vec<T> {
    let output: Vec<usize> = shape.iter().zip(factors).map(|(size, factor)| size * factor).collect();
    let strides = strides(shape);
    let from = |index: usize| -> usize {
        position(&output, index)
            .iter()
            .zip(factors)
            .zip(&strides)
            .map(|((i, factor), stride)| i / factor * stride)
            .sum()
    };
    (0..output.iter().product()).map(|index| x[from(index)]).collect()
}

fn slice<T: Copy>(x: &[T], shape: &[usize], starts: &[usize], steps: &[isize], sizes: &[usize]) -> Vec<T> {
    let strides = strides(shape);
    let from = |index: usize| -> usize {
        let at = position(sizes, index);
        (0..shape.len())
            .map(|axis| (starts[axis] as isize + at[axis] as isize * steps[axis]) as usize * strides[axis])
            .sum()
    };
    (0..sizes.iter().product()).map(|index| x[from(index)]).collect()
}

pub(super) fn border(x: &[i64], shape: &[usize], before: &[usize], output: &[usize], code: i64) -> Vec<i64> {
    let strides = strides(shape);
    let from = |index: usize| -> Option<usize> {
        let mut offset = 0;
        for (axis, at) in position(output, index).into_iter().enumerate() {
            offset += at.checked_sub(before[axis]).filter(|i| *i < shape[axis])? * strides[axis];
        }
        Some(offset)
    };
    (0..output.iter().product()).map(|index| from(index).map_or(code, |from| x[from])).collect()
}

/// Indices of the best scores of each row, best first, equal ones by index.
pub(super) fn top_k(
    x: &[i64],
    elems: usize,
    k: usize,
    largest: bool,
    values: bool,
    score: impl Fn(usize, i64) -> i128,
) -> Vec<i64> {
    let best = |row: &[i64]| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by_key(|index| {
            let score = score(*index, row[*index]);
            (if largest { -score } else { score }, *index)
        });
        let found = |index: usize| if values { row[index] } else { index as i64 };
        order.into_iter().take(k).map(found).collect::<Vec<_>>()
    };
    x.chunks(elems.max(1)).flat_map(best).collect()
}
