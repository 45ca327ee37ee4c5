//! Constants that are broadcast over a value: along which axis they differ, and what they are there.
//!
//! Files write a number for each channel in many shapes, as `[C]`, `[C, 1, 1]` or `[1, C, 1, 1]`, and sometimes repeat it.

/// The axis along which elements of `shape`, broadcast from the right to `rank` axes, differ.
///
/// `Ok(None)` if all are equal; the axes as an error if there are several, or if one is not among the `rank` axes. An
/// element's equality is `same`.
pub(crate) fn varying_axis<T>(
    shape: &[usize],
    rank: usize,
    values: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Result<Option<usize>, Vec<usize>> {
    let mut axes = vec![];
    for axis in 0..shape.len() {
        let inner: usize = shape[axis + 1..].iter().product();
        // Along an axis elements vary if any differs from the one at index 0 of that axis.
        let first = |index: usize| index - index / inner % shape[axis] * inner;
        if shape[axis] > 1 && values.iter().enumerate().any(|(i, value)| !same(value, &values[first(i)])) {
            axes.push(axis);
        }
    }
    match axes.as_slice() {
        [] => Ok(None),
        [axis] if shape.len() <= rank || *axis >= shape.len() - rank => Ok(Some(axis + rank - shape.len())),
        _ => Err(axes.into_iter().map(|axis| (axis + rank).saturating_sub(shape.len())).collect()),
    }
}

/// Of `values` with `shape` that differ along `axis` of `rank` axes at most: one for each index of that axis, or one.
pub(crate) fn along<T: Copy>(shape: &[usize], rank: usize, values: &[T], axis: Option<usize>) -> Vec<T> {
    match axis.and_then(|axis| (axis + shape.len()).checked_sub(rank)) {
        Some(axis) => {
            let inner: usize = shape[axis + 1..].iter().product();
            (0..shape[axis]).map(|index| values[index * inner]).collect()
        }
        None => values.first().copied().into_iter().collect(),
    }
}

/// The axis of shape `to` that holds what axis `axis` of shape `from` does, when elements keep their order.
pub(crate) fn moved_axis(from: &[usize], to: &[usize], axis: usize) -> Option<usize> {
    let (size, outer) = (*from.get(axis)?, from[..axis].iter().product::<usize>());
    (0..to.len()).find(|i| to[*i] == size && to[..*i].iter().product::<usize>() == outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_along_which_elements_differ() {
        let axis = |shape: &[usize], rank, values: &[i32]| varying_axis(shape, rank, values, |a, b| a == b);
        assert_eq!(axis(&[], 2, &[5]), Ok(None));
        assert_eq!(axis(&[2, 2], 2, &[5; 4]), Ok(None));
        assert_eq!(axis(&[2, 2], 2, &[1, 1, 2, 2]), Ok(Some(0)));
        assert_eq!(axis(&[2, 2], 4, &[1, 2, 1, 2]), Ok(Some(3)));
        assert_eq!(axis(&[2, 1, 1], 4, &[1, 2]), Ok(Some(1)));
        assert_eq!(axis(&[2, 2], 2, &[1, 2, 2, 1]), Err(vec![0, 1]));
        assert_eq!(axis(&[1, 1, 2], 1, &[1, 2]), Ok(Some(0)));
        assert_eq!(axis(&[1, 2, 1], 1, &[1, 2]), Err(vec![0]));
        assert_eq!(axis(&[2], 0, &[1, 2]), Err(vec![0]));
        assert_eq!(along(&[2, 1, 1], 4, &[7, 8], Some(1)), [7, 8]);
        assert_eq!(along(&[2, 2], 2, &[1, 1, 2, 2], Some(0)), [1, 2]);
        assert_eq!(along(&[2, 2], 2, &[3; 4], None), [3]);
    }

    #[test]
    fn axes_that_reshapes_keep() {
        assert_eq!(moved_axis(&[1, 6, 1, 4], &[1, 6, 4], 1), Some(1));
        assert_eq!(moved_axis(&[1, 6, 4], &[1, 24], 1), None);
        assert_eq!(moved_axis(&[1, 2, 3, 4], &[6, 4], 3), Some(1));
        assert_eq!(moved_axis(&[6], &[1, 1, 6], 0), Some(2));
    }
}
