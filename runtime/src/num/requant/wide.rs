//! Requantization of accumulators past 32 bits.
//!
//! Layers whose sums or whose slopes need more than 32 bits are rare; their arithmetic is exact all the same.

use super::{Form, Requant, at};

/// `multiplier * acc / 2^shift` rounded half to even in wrapping 64-bit arithmetic, everything else in `offset`.
pub const fn shift_half_even64(acc: i64, multiplier: i64, offset: i64, shift: u8) -> i64 {
    let shift = shift & 63;
    let y = multiplier.wrapping_mul(acc).wrapping_add(offset);
    y.wrapping_add(y >> shift & 1) >> shift
}

/// `(multiplier * acc + offset) >> shift` in wrapping 128-bit arithmetic; `offset` is low word, high word.
pub const fn multiply128(acc: i64, multiplier: i64, offset: [i64; 2], shift: u8) -> i128 {
    (multiplier as i128).wrapping_mul(acc as i128).wrapping_add(join(offset)) >> (shift & 127)
}

/// The integer of a low and a high word.
pub(super) const fn join([low, high]: [i64; 2]) -> i128 {
    (high as i128) << 64 | (low as u64) as i128
}

impl Requant<'_> {
    /// The code of a 64-bit accumulator in output channel `channel`.
    ///
    /// Forms of 32-bit accumulators are defined where `acc` fits 32 bits, as
    /// [`is_exact_on`](Self::is_exact_on) says.
    pub fn apply_wide(&self, channel: usize, acc: i64) -> i32 {
        self.wide_code(channel, acc).unwrap_or_else(|| self.apply(channel, acc as i32))
    }

    /// The code that a form of 64-bit accumulators gives; `None` for other forms.
    pub(super) fn wide_code(&self, channel: usize, acc: i64) -> Option<i32> {
        match self.form {
            Form::ShiftHalfEven64 { multipliers, offsets, shifts } => {
                let code = shift_half_even64(
                    acc,
                    at(multipliers, channel),
                    at(offsets, channel),
                    at(shifts, channel),
                );
                Some(self.range().clamp(code) as i32)
            }
            Form::Multiply128 { multipliers, offsets, shifts } => {
                let code =
                    multiply128(acc, at(multipliers, channel), at(offsets, channel), at(shifts, channel));
                // Not `clamp`, which panics on an empty range.
                Some(code.min(self.hi.into()).max(self.lo.into()) as i32)
            }
            _ => None,
        }
    }
}
