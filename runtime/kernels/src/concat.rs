//! Concatenation: one tensor's rows into the rows of the output.

use crate::isa::Isa;

/// Copies the `rows` rows of `from` into those of `to`, from byte `first_byte` of each; the byte after them.
#[inline(never)]
pub fn put<K: Isa>(isa: K, mut from: &[u8], to: &mut [u8], rows: usize, first_byte: usize) -> usize {
    let row_bytes = |bytes: usize| bytes.checked_div(rows).unwrap_or_default();
    let (from_bytes, to_bytes) = (row_bytes(from.len()), row_bytes(to.len()));
    let mut to = to.get_mut(first_byte..).unwrap_or_default();
    for _ in 0..rows {
        let Some((row, later)) = from.split_at_checked(from_bytes) else { break };
        from = later;
        isa.copy(row, to);
        to = to.get_mut(to_bytes..).unwrap_or_default();
    }
    first_byte.wrapping_add(from_bytes)
}
