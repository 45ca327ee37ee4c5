//! The best elements of each row, found one after the other.

use exactum_num::codes::{Codes, CodesMut};
use exactum_num::requant::at;

/// What is looked for in rows.
#[derive(Clone, Copy, Debug)]
pub struct Best<'a> {
    /// Elements of one row.
    pub elems: usize,
    /// Positions to find in each.
    pub k: u32,
    /// Whether the largest score is the best, else the smallest.
    pub largest: bool,
    /// Whether elements are written, else their positions.
    pub values: bool,
    /// Factors of the elements: one for each position, one for all, or none for 1.
    pub multipliers: &'a [i64],
    /// Added to the products: one for each position, one for all, or none for 0.
    pub offsets: &'a [i64],
}

/// Finds `best` in each row; see [`exactum_format::op::TopK`]. Takes time proportional to `k` times the elements.
pub fn top_k(best: &Best<'_>, mut input: Codes<'_>, mut output: CodesMut<'_>) {
    while !input.is_empty() && best.elems > 0 {
        let row = input.take_front(best.elems);
        let mut last = None;
        for _ in 0..best.k {
            last = next(best, row, last);
            let position = last.map_or(0, |(_, position)| position);
            let found = if best.values { row.get(position).unwrap_or_default() } else { position as i32 };
            output.take_front(1).fill(found);
        }
    }
}

/// Key and position of the best element that comes after `last`: with a smaller key, or with its key further on.
#[inline(never)]
fn next(of: &Best<'_>, row: Codes<'_>, last: Option<(i64, usize)>) -> Option<(i64, usize)> {
    let mut best: Option<(i64, usize)> = None;
    for (position, code) in row.iter().enumerate() {
        let multiplier = if of.multipliers.is_empty() { 1 } else { at(of.multipliers, position) };
        let score = multiplier.wrapping_mul(code.into()).wrapping_add(at(of.offsets, position));
        // Complements order the other way round, for every integer.
        let key = if of.largest { score } else { !score };
        let is_later = last.is_none_or(|(last, at)| key < last || (key == last && position > at));
        if is_later && best.is_none_or(|(best, _)| key > best) {
            best = Some((key, position));
        }
    }
    best
}
