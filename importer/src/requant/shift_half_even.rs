//! The closed form for power-of-two scales: a shift that rounds half to even.
//!
//! Applies where slope and intercept are dyadic, as `n / 2^shift` of small `n`; no thresholds are needed.

use super::{FormParams, Layer, LineParams, share};
use crate::exact::{Channel, Rational, dyadic_exponent, from_integer};
use exactum_runtime::num::Rounding;
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

/// Largest shift of the form.
const MAX_SHIFT: u64 = 31;

pub(super) fn solve(layer: &Layer<'_>) -> Option<FormParams> {
    let lines = layer.channels.iter().map(DyadicLine::new).collect::<Option<Vec<_>>>()?;
    let common = lines.iter().map(|line| line.shift).max()?;
    let with = |shift: &dyn Fn(&DyadicLine) -> u64| {
        let (mut multipliers, mut offsets, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
        for (line, channel) in lines.iter().zip(layer.channels) {
            let (multiplier, offset) = line.scaled(shift(line), channel)?;
            multipliers.push(multiplier);
            offsets.push(offset);
            shifts.push(shift(line).to_u8()?);
        }
        let (multipliers, offsets, shifts) = (share(multipliers), share(offsets), share(shifts));
        Some(FormParams::ShiftHalfEven(LineParams { multipliers, offsets, shifts }))
    };
    with(&|_| common).or_else(|| with(&|line| line.shift))
}

/// `alpha * acc + beta` with the least shift, at least 1, that makes both integers.
struct DyadicLine {
    alpha: Rational,
    beta: Rational,
    shift: u64,
}

impl DyadicLine {
    fn new(channel: &Channel) -> Option<Self> {
        let function = &channel.function;
        let (first, last) = channel.end_codes();
        let (alpha, beta) = if first == last {
            (Rational::zero(), from_integer(first))
        } else if function.rounding() == Rounding::HalfEven {
            (function.alpha().clone(), function.beta().clone())
        } else {
            return None;
        };
        let shift = dyadic_exponent(&alpha)?.max(dyadic_exponent(&beta)?).max(1);
        (shift <= MAX_SHIFT).then_some(Self { alpha, beta, shift })
    }

    /// Multiplier and offset for `shift`, or `None` if 32-bit arithmetic would wrap on the channel's range.
    fn scaled(&self, shift: u64, channel: &Channel) -> Option<(i32, i32)> {
        let scale =
            |value: &Rational| (value * Rational::from_integer(BigInt::from(1) << shift)).to_integer();
        let multiplier = scale(&self.alpha).to_i32()?;
        let offset = scale(&self.beta).to_i64()?.checked_add((1 << (shift - 1)) - 1)?;
        let value = |acc: i64| i64::from(multiplier).checked_mul(acc)?.checked_add(offset);
        for acc in [channel.range.lo, channel.range.hi] {
            // The parity of the floor adds one more.
            i32::try_from(value(acc)?.checked_add(1)?).ok()?;
            i32::try_from(value(acc)?).ok()?;
        }
        Some((multiplier, i32::try_from(offset).ok()?))
    }
}
