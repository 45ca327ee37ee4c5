//! States: rows move to the front, and new ones take the places at the end.

use crate::isa::Isa;

/// Drops as many bytes at the front of `state` as `rows` has, and puts `rows` at its end; nothing if they are more.
#[inline(never)]
pub fn push<K: Isa>(isa: K, rows: &[u8], state: &mut [u8]) {
    let Some(kept) = state.len().checked_sub(rows.len()) else { return };
    to_front(isa, state, rows.len());
    isa.copy(rows, state.get_mut(kept..).unwrap_or_default());
}

/// Moves the bytes from number `by` on to the front. The standard library's move has a panic that stays where code is small.
pub fn to_front<K: Isa>(isa: K, mut bytes: &mut [u8], by: usize) {
    while by > 0
        && let Some((to, rest)) = bytes.split_at_mut_checked(by)
    {
        isa.copy(rest.get(..by).unwrap_or(rest), to);
        bytes = rest;
    }
}

/// Moves the bytes but the last `by` to the end.
pub fn to_end<K: Isa>(isa: K, mut bytes: &mut [u8], by: usize) {
    while by > 0
        && let Some(kept) = bytes.len().checked_sub(by)
        && let Some((rest, to)) = bytes.split_at_mut_checked(kept)
    {
        match kept.checked_sub(by) {
            Some(from) => isa.copy(rest.get(from..).unwrap_or_default(), to),
            None => isa.copy(rest, to.get_mut(by.wrapping_sub(kept)..).unwrap_or_default()),
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::Portable;

    #[test]
    fn bytes_move() {
        for (length, by) in (0..20usize).flat_map(|length| (0..22).map(move |by| (length, by))) {
            let bytes: Vec<u8> = (0..length as u8).collect();
            let (mut front, mut end) = (bytes.clone(), bytes.clone());
            to_front(Portable, &mut front, by);
            to_end(Portable, &mut end, by);
            let kept = length.saturating_sub(by);
            let mut expected = bytes.clone();
            expected.copy_within(length - kept.., 0);
            assert_eq!(front, expected, "{length} {by}");
            let mut expected = bytes.clone();
            expected.copy_within(..kept, length - kept);
            assert_eq!(end, expected, "{length} {by}");
            for rows in 0..=length {
                let new: Vec<u8> = (100..).take(rows).collect();
                let mut state = bytes.clone();
                push(Portable, &new, &mut state);
                let expected: Vec<u8> = bytes.iter().chain(&new).copied().skip(rows).collect();
                assert_eq!(state, expected);
            }
        }
    }
}
