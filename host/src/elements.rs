//! Elements of row-major tensors: where each is, and in which order they are once axes moved.
//!
//! Arrays, constants, passes, interfaces and dumps use it; the importer's reference executor, which judges them, has code
//! of its own.

/// The position along each axis of `shape` of element `index` in row-major order.
pub fn position(shape: &[usize], index: usize) -> Vec<usize> {
    let mut rest = index;
    let mut position = vec![0; shape.len()];
    for (at, dim) in position.iter_mut().zip(shape).rev() {
        *at = rest % dim.max(&1);
        rest /= dim.max(&1);
    }
    position
}

/// How far elements are apart along each axis.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

/// The offsets of all elements in a view whose axes have sizes and strides, row-major.
pub fn strided(axes: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    combined(axes.into_iter().map(|(size, stride)| (0..size).map(move |index| index * stride)))
}

/// The sums of one offset of each axis, row-major.
pub fn combined<A: Iterator<Item = usize> + Clone>(axes: impl IntoIterator<Item = A>) -> Vec<usize> {
    let mut offsets = vec![0];
    for axis in axes {
        offsets = offsets.iter().flat_map(|base| axis.clone().map(move |offset| base + offset)).collect();
    }
    offsets
}

/// The elements of a tensor of `shape` in the order of its axes permuted by `perm`.
pub fn permuted<T: Copy>(values: &[T], shape: &[usize], perm: &[usize]) -> Vec<T> {
    let strides = strides(shape);
    let offsets = strided(perm.iter().map(|axis| (shape[*axis], strides[*axis])));
    offsets.into_iter().map(|offset| values[offset]).collect()
}

/// For each element of `to` the one of `from` that is broadcast there.
pub fn spread(from: &[usize], to: &[usize]) -> Vec<usize> {
    let strides = strides(from);
    let skipped = to.len() - from.len();
    strided((0..to.len()).map(|axis| match axis.checked_sub(skipped) {
        Some(own) if from[own] != 1 => (to[axis], strides[own]),
        _ => (to[axis], 0),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutes_axes() {
        let values: Vec<u8> = (0..6).collect();
        assert_eq!(permuted(&values, &[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(permuted(&values, &[1, 2, 3], &[2, 0, 1]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(permuted(&[7], &[], &[]), [7]);
    }

    #[test]
    fn positions_count_the_last_axis_first() {
        assert_eq!(position(&[2, 3, 4], 0), [0, 0, 0]);
        assert_eq!(position(&[2, 3, 4], 17), [1, 1, 1]);
        assert_eq!(position(&[], 0), [0; 0]);
    }
}
