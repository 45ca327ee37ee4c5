//! The closed form for power-of-two scales: a shift that rounds half to even.
//!
//! Applies where slope and intercept are dyadic, as `n / 2^shift` of small `n`; no thresholds are needed.

use super::{FormParams, Layer, LineParams, share};
use crate::exact::{Channel, Rational, Shape, dyadic_exponent, from_integer};
use exactum_runtime::num::{IntRange, Rounding};
use num_bigint::BigInt;
use num_traits::{ToPrimitive, Zero};

pub(super) fn solve32(layer: &Layer<'_>) -> Option<FormParams> {
    let LineParams { multipliers, offsets, shifts } = solve::<i32>(layer)?;
    Some(FormParams::ShiftHalfEven { multipliers, offsets, shifts })
}

pub(super) fn solve64(layer: &Layer<'_>) -> Option<FormParams> {
    let LineParams { multipliers, offsets, shifts } = solve::<i64>(layer)?;
    Some(FormParams::ShiftHalfEven64 { multipliers, offsets, shifts })
}

/// Parameters in words of type `T`, which is also the width of the arithmetic.
fn solve<T: Copy + PartialEq + TryFrom<i128>>(layer: &Layer<'_>) -> Option<LineParams<T, T>> {
    let max_shift = 8 * size_of::<T>() as u64 - 1;
    let dyadic = |channel| DyadicLine::new(channel, layer.codes(), max_shift);
    let lines = layer.channels.iter().map(dyadic).collect::<Option<Vec<_>>>()?;
    let common = lines.iter().map(|line| line.shift).max()?;
    let with = |shift: &dyn Fn(&DyadicLine) -> u64| {
        let (mut multipliers, mut offsets, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
        for (line, channel) in lines.iter().zip(layer.channels) {
            let (multiplier, offset) = line.scaled::<T>(shift(line), channel)?;
            multipliers.push(multiplier);
            offsets.push(offset);
            shifts.push(shift(line).to_u8()?);
        }
        let (multipliers, offsets, shifts) = (share(multipliers), share(offsets), share(shifts));
        Some(LineParams { multipliers, offsets, shifts })
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
    fn new(Channel { function, range }: &Channel, codes: IntRange, max_shift: u64) -> Option<Self> {
        let (alpha, beta) = if function.shape(*range) == Shape::Constant {
            (Rational::zero(), from_integer(function.eval(range.lo)))
        } else {
            let line = function.rounded_line(*range, codes)?;
            (line.rounding == Rounding::HalfEven).then_some((line.alpha, line.beta))?
        };
        let shift = dyadic_exponent(&alpha)?.max(dyadic_exponent(&beta)?).max(1);
        (shift <= max_shift).then_some(Self { alpha, beta, shift })
    }

    /// Multiplier and offset for `shift`, or `None` if the arithmetic would wrap on the channel's range.
    fn scaled<T: TryFrom<i128>>(&self, shift: u64, channel: &Channel) -> Option<(T, T)> {
        let scale =
            |value: &Rational| (value * Rational::from_integer(BigInt::from(1) << shift)).to_integer();
        let multiplier = scale(&self.alpha).to_i64()?;
        let offset = scale(&self.beta).to_i64()?.checked_add((1 << (shift - 1)) - 1)?;
        for acc in [channel.range.lo, channel.range.hi] {
            let value = i128::from(multiplier) * i128::from(acc) + i128::from(offset);
            // The parity of the floor adds one more.
            T::try_from(value + 1).ok()?;
            T::try_from(value).ok()?;
        }
        Some((T::try_from(multiplier.into()).ok()?, T::try_from(offset.into()).ok()?))
    }
}
