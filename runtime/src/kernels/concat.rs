//! Concatenation: one tensor's rows into the rows of the output.

use crate::arena;
use crate::program::Tensor;

/// Copies the `rows` rows of `input` into those of `output`, from byte `first_byte` of each; the byte after them.
#[inline(never)]
pub(crate) fn put(
    arena: &mut [u8],
    input: &Tensor,
    output: &Tensor,
    rows: usize,
    first_byte: usize,
) -> usize {
    let row_bytes = |tensor: &Tensor| (tensor.size_bytes() as usize).checked_div(rows).unwrap_or_default();
    let (from_bytes, to_bytes) = (row_bytes(input), row_bytes(output));
    if let Some((mut from, to)) = arena::disjoint(arena, input.place(), output.place()) {
        let mut to = to.get_mut(first_byte..).unwrap_or_default();
        for _ in 0..rows {
            let Some((row, later)) = from.split_at_checked(from_bytes) else { break };
            from = later;
            for (to, from) in to.iter_mut().zip(row) {
                *to = *from;
            }
            to = to.get_mut(to_bytes..).unwrap_or_default();
        }
    }
    first_byte.wrapping_add(from_bytes)
}
