//! States: rows move to the front, and new ones take the places at the end.

use crate::isa::Isa;

/// Drops as many bytes at the front of `state` as `rows` has, and puts `rows` at its end; nothing if they are more.
#[inline(never)]
pub fn push<K: Isa>(isa: K, rows: &[u8], state: &mut [u8]) {
    let Some(kept) = state.len().checked_sub(rows.len()) else { return };
    state.copy_within(rows.len().., 0);
    isa.copy(rows, state.get_mut(kept..).unwrap_or_default());
}
