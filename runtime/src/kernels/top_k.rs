//! The best elements of each row, found one after the other.

use crate::codes::{Codes, CodesMut};
use crate::program::op::TopK;

/// Computes `op`; see [`TopK`] for the formula. Takes time proportional to `k` times the elements.
pub(crate) fn top_k(op: &TopK<'_>, mut input: Codes<'_>, mut output: CodesMut<'_>) {
    let elems = op.elems as usize;
    while !input.is_empty() && elems > 0 {
        let row = input.take_front(elems);
        let mut last = None;
        for _ in 0..op.k {
            last = next(op, row, last);
            let position = last.map_or(0, |(_, position)| position);
            let found = if op.values { row.get(position).unwrap_or_default() } else { position as i32 };
            output.take_front(1).fill(found);
        }
    }
}

/// Key and position of the best element that comes after `last`: with a smaller key, or with its key further on.
#[inline(never)]
fn next(op: &TopK<'_>, row: Codes<'_>, last: Option<(i64, usize)>) -> Option<(i64, usize)> {
    let mut best: Option<(i64, usize)> = None;
    for (position, code) in row.iter().enumerate() {
        let (multiplier, offset) = op.line(position);
        let score = multiplier.wrapping_mul(code.into()).wrapping_add(offset);
        // Complements order the other way round, for every integer.
        let key = if op.largest { score } else { !score };
        let is_later = last.is_none_or(|(last, at)| key < last || (key == last && position > at));
        if is_later && best.is_none_or(|(best, _)| key > best) {
            best = Some((key, position));
        }
    }
    best
}
