//! States: rows move to the front, and new ones take the places at the end.

use crate::isa::Isa;

/// Drops as many bytes at the front of `state` as `rows` has, and puts `rows` at its end; nothing if they are more.
#[inline(never)]
pub fn push<K: Isa>(isa: K, rows: &[u8], state: &mut [u8]) {
    let Some(kept) = state.len().checked_sub(rows.len()) else { return };
    let mut moved = &mut *state;
    // Parts of the length of `rows`, each to the place of the one before it. Not `copy_within`, which can panic as far as some
    // compilers see.
    while let Some((to, from)) = moved.split_at_mut_checked(rows.len()).filter(|(to, _)| !to.is_empty()) {
        isa.copy(from, to);
        moved = from;
    }
    isa.copy(rows, state.get_mut(kept..).unwrap_or_default());
}
