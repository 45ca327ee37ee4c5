//! What ONNX says of axes and shapes of all operators: axes that count from the end, and broadcasting.

/// The axis that `axis`, which counts from the end if negative, names among `rank`.
pub fn axis(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let from_start = if axis < 0 { axis.checked_add(rank)? } else { axis };
    usize::try_from(from_start).ok().filter(|_| from_start < rank)
}

/// The shape to which `shapes` are broadcast, if they fit.
pub fn broadcast(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut result = vec![1; rank];
    for shape in shapes {
        for (size, known) in shape.iter().rev().zip(result.iter_mut().rev()) {
            match (*size, *known) {
                (1, _) => {}
                (size, 1) => *known = size,
                (size, known) if size == known => {}
                _ => return None,
            }
        }
    }
    Some(result)
}

/// The shape of a value of `shape` with axes of size 1 inserted, which `axes` name in the result.
pub fn unsqueezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let rank = shape.len() + axes.len();
    let mut inserted = axes.iter().map(|at| axis(*at, rank)).collect::<Option<Vec<usize>>>()?;
    inserted.sort_unstable();
    inserted.dedup();
    let mut rest = shape.iter();
    let size = |at| if inserted.contains(&at) { Some(1) } else { rest.next().copied() };
    (inserted.len() == axes.len()).then(|| (0..rank).filter_map(size).collect())
}

/// The shape that `Reshape` gives a value, before the extent that remains is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reshaped {
    /// Extents; 1 for the one that remains.
    pub shape: Vec<usize>,
    /// The axis whose extent is what remains.
    pub free: Option<usize>,
}

impl Reshaped {
    /// What `dims` make of `from`: -1 is what remains, and 0 keeps an axis if `keeps_zero`. `None` for other negative
    /// numbers, a second -1, or a 0 where there is no axis.
    pub fn of(from: &[usize], dims: &[i64], keeps_zero: bool) -> Option<Self> {
        let mut free = None;
        let size = |(at, dim): (usize, &i64)| match usize::try_from(*dim) {
            Ok(0) if keeps_zero => from.get(at).copied(),
            Ok(size) => Some(size),
            Err(_) if *dim == -1 && free.replace(at).is_none() => Some(1),
            Err(_) => None,
        };
        let shape = dims.iter().enumerate().map(size).collect::<Option<_>>()?;
        Some(Self { shape, free })
    }

    /// The shape of `elems` elements; it may have fewer.
    pub fn filled(mut self, elems: usize) -> Vec<usize> {
        if let Some(axis) = self.free {
            let product = |product: usize, size: &usize| product.checked_mul(*size);
            let known = self.shape.iter().try_fold(1, product).unwrap_or(0);
            self.shape[axis] = elems.checked_div(known).unwrap_or(0);
        }
        self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_both_ends() {
        assert_eq!([0, 2, -1, -3].map(|at| axis(at, 3)), [Some(0), Some(2), Some(2), Some(0)]);
        assert_eq!([3, -4, i64::MIN, i64::MAX].map(|at| axis(at, 3)), [None; 4]);
        assert_eq!(axis(0, 0), None);
    }

    #[test]
    fn axes_are_inserted_in_the_result() {
        assert_eq!(unsqueezed(&[2, 3], &[0, -1]), Some(vec![1, 2, 3, 1]));
        assert_eq!(unsqueezed(&[], &[0]), Some(vec![1]));
        assert_eq!([&[3][..], &[0, -3]].map(|axes| unsqueezed(&[2], axes)), [None, None]);
    }

    #[test]
    fn one_extent_is_what_remains() {
        let filled = |dims: &[i64], keeps_zero| {
            Reshaped::of(&[2, 3, 4], dims, keeps_zero).map(|reshaped| reshaped.filled(24))
        };
        assert_eq!(filled(&[0, -1], true), Some(vec![2, 12]));
        assert_eq!(filled(&[0, -1], false), Some(vec![0, 0]));
        assert_eq!(filled(&[5, -1], true), Some(vec![5, 4]));
        assert_eq!([&[-1, -1][..], &[-2], &[1, 1, 1, 0]].map(|dims| filled(dims, true)), [None, None, None]);
    }

    #[test]
    fn shapes_meet_at_their_last_axes() {
        assert_eq!(broadcast(&[&[2, 1], &[3]]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[&[], &[0, 1], &[1, 4]]), Some(vec![0, 4]));
        assert_eq!(broadcast(&[&[2], &[3]]), None);
        assert_eq!(broadcast(&[&[0], &[2]]), None);
        assert_eq!(broadcast(&[]), Some(vec![]));
    }
}
