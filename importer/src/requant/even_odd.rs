//! The form for ties of both parities: one line counts the even codes passed, another the odd ones.
//!
//! Rounding half to even sends ties up to even codes and down from odd ones. Each line sees one kind only, so
//! each exists, whatever the scale.

use super::constraints::Constraints;
use super::lines::{self, Machine};
use super::{FormParams, Layer};

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let falling = layer.falling.as_ref()?;
    let of = |part| Constraints::of_layer(layer.channels, falling, layer.codes(), part);
    let (even, odd) = (of(|code| code.div_euclid(2)), of(|code| (code + 1).div_euclid(2)));
    let (even, odd) = (lines::solve(&even, Machine::BITS_64)?, lines::solve(&odd, Machine::BITS_64)?);
    let narrow = |offset| i64::try_from(offset).ok();
    let (even, odd) = (even.convert(narrow)?, odd.convert(narrow)?);
    Some(FormParams::EvenOdd {
        even_multipliers: even.multipliers,
        even_offsets: even.offsets,
        even_shifts: even.shifts,
        odd_multipliers: odd.multipliers,
        odd_offsets: odd.offsets,
        odd_shifts: odd.shifts,
    })
}
