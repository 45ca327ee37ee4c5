//! Operators that move elements.

use super::Operands;

/// `values` of `shape`, repeated to `output` as numpy broadcasts them.
pub(super) fn broadcast(values: &[f32], shape: &[usize], output: &[usize]) -> Vec<f32> {
    let elems = output.iter().product();
    if shape == output {
        return values.to_vec();
    }
    if let [value] = values {
        return vec![*value; elems];
    }
    let mut strides = vec![0; output.len()];
    let mut stride = 1;
    for (axis, dim) in shape.iter().enumerate().rev() {
        if let Some(position) = (axis + output.len()).checked_sub(shape.len()).filter(|_| *dim > 1) {
            strides[position] = stride;
        }
        stride *= dim;
    }
    gather(output, |position| {
        values[position.iter().zip(&strides).map(|(i, stride)| i * stride).sum::<usize>()]
    })
}

/// Calls `f` with the position of each element of `shape`, in row-major order.
fn gather(shape: &[usize], mut f: impl FnMut(&[usize]) -> f32) -> Vec<f32> {
    let elems = shape.iter().product();
    let mut position = vec![0; shape.len()];
    let mut result = Vec::with_capacity(elems);
    for _ in 0..elems {
        result.push(f(&position));
        for (at, dim) in position.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < *dim {
                break;
            }
            *at = 0;
        }
    }
    result
}

fn flat(position: impl Iterator<Item = usize>, shape: &[usize]) -> usize {
    position.zip(shape).fold(0, |index, (at, dim)| index * dim + at)
}

pub(super) fn pad(operands: &Operands<'_>, before: &[usize], value: f32) -> Vec<f32> {
    let (x, shape) = (operands.x(), operands.shape());
    gather(operands.output, |position| {
        let inside = position.iter().zip(before).zip(shape);
        let at = inside.map(|((at, before), dim)| at.checked_sub(*before).filter(|at| at < dim));
        at.collect::<Option<Vec<usize>>>().map_or(value, |at| x[flat(at.into_iter(), shape)])
    })
}

pub(super) fn concat(operands: &Operands<'_>, axis: usize) -> Vec<f32> {
    let rows: usize = operands.output[..axis].iter().product();
    let mut result = Vec::with_capacity(operands.output.iter().product());
    for row in 0..rows {
        for (values, shape) in &operands.values {
            let width: usize = shape[axis..].iter().product();
            result.extend_from_slice(&values[row * width..][..width]);
        }
    }
    result
}

pub(super) fn repeat(operands: &Operands<'_>, factors: &[usize]) -> Vec<f32> {
    let (x, shape) = (operands.x(), operands.shape());
    gather(operands.output, |position| {
        x[flat(position.iter().zip(factors).map(|(at, factor)| at / (*factor).max(1)), shape)]
    })
}

pub(super) fn slice(operands: &Operands<'_>, starts: &[usize], steps: &[isize]) -> Vec<f32> {
    let (x, shape) = (operands.x(), operands.shape());
    gather(operands.output, |position| {
        let along = position.iter().zip(starts).zip(steps);
        x[flat(along.map(|((at, start), step)| start.saturating_add_signed(*at as isize * step)), shape)]
    })
}

/// The best elements, or their indices as floats.
pub(super) fn top_k(operands: &Operands<'_>, k: usize, largest: bool, values: bool) -> Vec<f32> {
    let width = operands.shape().last().copied().unwrap_or(1).max(1);
    let best = |row: &[f32]| {
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|a, b| match largest {
            true => row[*b].total_cmp(&row[*a]),
            false => row[*a].total_cmp(&row[*b]),
        });
        let found = |index: usize| if values { row[index] } else { index as f32 };
        order.into_iter().take(k).map(found).collect::<Vec<f32>>()
    };
    operands.x().chunks(width).flat_map(best).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast(&[1.0, 2.0], &[2, 1], &[1, 2, 3]), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(broadcast(&[1.0, 2.0, 3.0], &[3], &[2, 3]), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        assert_eq!(broadcast(&[7.0], &[], &[2]), [7.0, 7.0]);
    }

    #[test]
    fn moves_follow_their_definition() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let of = |output: &'static [usize]| Operands { values: vec![(&x, &[2, 3])], output };
        assert_eq!(pad(&of(&[2, 5]), &[0, 1], 9.0), [9.0, 1.0, 2.0, 3.0, 9.0, 9.0, 4.0, 5.0, 6.0, 9.0]);
        assert_eq!(slice(&of(&[1, 2]), &[1, 2], &[1, -2]), [6.0, 4.0]);
        assert_eq!(repeat(&of(&[2, 6]), &[1, 2])[..6], [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(top_k(&of(&[2, 2]), 2, true, false), [2.0, 1.0, 2.0, 1.0]);
        assert_eq!(top_k(&of(&[2, 2]), 2, false, true), [1.0, 2.0, 4.0, 5.0]);
        let two = Operands { values: vec![(&x, &[2, 3]), (&x[..2], &[2, 1])], output: &[2, 4] };
        assert_eq!(concat(&two, 1), [1.0, 2.0, 3.0, 1.0, 4.0, 5.0, 6.0, 2.0]);
    }
}
