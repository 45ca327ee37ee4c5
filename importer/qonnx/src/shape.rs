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
    fn shapes_meet_at_their_last_axes() {
        assert_eq!(broadcast(&[&[2, 1], &[3]]), Some(vec![2, 3]));
        assert_eq!(broadcast(&[&[], &[0, 1], &[1, 4]]), Some(vec![0, 4]));
        assert_eq!(broadcast(&[&[2], &[3]]), None);
        assert_eq!(broadcast(&[&[0], &[2]]), None);
        assert_eq!(broadcast(&[]), Some(vec![]));
    }
}
