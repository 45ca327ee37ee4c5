//! Lists of thresholds: whether each group of them ascends. Called where programs are checked.

/// Whether each `group` elements of `list`, which are whole groups, ascend; any list of no elements does.
///
/// Neither `chunks` nor `is_sorted`, which can panic as far as some compilers see.
pub(crate) fn ascends<T: PartialOrd>(list: &[T], group: usize) -> bool {
    let mut rest = list;
    while let Some((first, others)) = rest.split_at_checked(group) {
        if group == 0 || rest.is_empty() || !first.iter().zip(first.iter().skip(1)).all(|(a, b)| a <= b) {
            break;
        }
        rest = others;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::ascends;

    #[test]
    fn groups_ascend_each_by_itself() {
        assert!(ascends(&[1, 2, 2, 0, 0, 9], 3) && ascends::<i32>(&[], 0) && ascends::<i32>(&[], 4));
        assert!(!ascends(&[1, 2, 2, 0, 1, 0], 3) && !ascends(&[1, 0, 2, 0, 1, 2], 3));
        assert!(
            ascends(&[3, 2, 1], 1) && !ascends(&[3, 2, 1], 2) && !ascends(&[1], 0) && !ascends(&[1, 2, 3], 2)
        );
    }
}
