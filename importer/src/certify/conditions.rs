//! What must hold for a form to be monotone and free of wraps, so that the end point lemma applies.
//!
//! All forms are affine in the accumulator before they shift, so looking at both ends of the range suffices.

use super::CertifyError;
use exactum_runtime::num::requant::{Form, PerChannel, at};
use exactum_runtime::num::{IntRange, Requant};

/// A condition of a form that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Condition {
    /// The codes are no range.
    #[error("the smallest code exceeds the largest")]
    Codes,
    /// A shift would be taken modulo the width.
    #[error("shift {shift} exceeds {max}")]
    Shift {
        /// The shift.
        shift: u8,
        /// The largest one of its form.
        max: u8,
    },
    /// An intermediate result wraps.
    #[error("accumulator {acc} wraps {bits}-bit arithmetic")]
    Wraps {
        /// An end of the range.
        acc: i64,
        /// Width of the arithmetic.
        bits: u32,
    },
    /// The two lines of an even/odd pair have slopes of opposite sign.
    #[error("the even and the odd line have slopes of opposite sign")]
    Slopes,
    /// Thresholds or table entries are out of order.
    #[error("element {index} is out of order")]
    Order {
        /// Index within the channel's thresholds or entries.
        index: usize,
    },
    /// A sign of thresholds is neither 1 nor -1.
    #[error("sign {sign} is neither 1 nor -1")]
    Sign {
        /// The sign.
        sign: i8,
    },
    /// The exact function may rise and fall, and its range is too long to compare every accumulator.
    #[error("the function has no known direction, and more than 65536 accumulators")]
    Direction,
    /// The sum of two operands leaves the 64 bits in which the device adds.
    #[error("the sum of the operands exceeds 64 bits")]
    Sum,
    /// A function of two operands has too many pairs, or too many runs in its rows, to walk over.
    #[error("the operands have more than 2^20 pairs, or 2^21 runs")]
    Pairs,
    /// A sum whose factors are nearly in the proportion of the gains does not tell two codes apart.
    #[error("sums in nearly the proportion of the scales do not tell all codes apart")]
    Proportion,
}

impl Condition {
    /// Whether the form is known well enough to compare its codes one by one, and only its order is not.
    pub(super) const fn is_about_order(self) -> bool {
        matches!(self, Self::Order { .. } | Self::Slopes)
    }
}

pub(super) fn in_32_bits(range: IntRange) -> bool {
    i32::try_from(range.lo).is_ok() && i32::try_from(range.hi).is_ok()
}

/// Whether the form is defined on accumulators this wide.
pub(super) fn takes(requant: &Requant<'_>, range: IntRange) -> bool {
    requant.form.kind().accumulator_bits() > 32 || in_32_bits(range)
}

/// What the lengths of the parameter arrays say.
pub(super) struct Lengths {
    /// Several channels, one set of parameters.
    pub(super) shared: bool,
}

/// Checks that each array belongs to all channels or has an element (or group) for each.
pub(super) fn lengths(requant: &Requant<'_>, channels: usize) -> Result<Lengths, CertifyError> {
    let mut result = Ok(Lengths { shared: channels > 1 });
    let list_elems = match requant.form {
        Form::Table { domain, .. } => domain as usize,
        Form::Offset { .. }
        | Form::ShiftHalfEven { .. }
        | Form::Multiply32 { .. }
        | Form::Multiply64 { .. }
        | Form::EvenOdd { .. }
        | Form::MultiplyHigh { .. }
        | Form::Thresholds { .. }
        | Form::Thresholds64 { .. }
        | Form::ShiftHalfEven64 { .. }
        | Form::Multiply128 { .. } => steps(requant),
    };
    requant.form.visit_arrays(|parameter, found, is_list| {
        let Ok(lengths) = &mut result else { return };
        let group = if is_list { list_elems } else { 1 };
        lengths.shared &= found <= group;
        if found != 0 && found != group && Some(found) != group.checked_mul(channels) {
            result = Err(CertifyError::Length { parameter, found, group, channels });
        }
    });
    result
}

fn steps(requant: &Requant<'_>) -> usize {
    usize::try_from(i64::from(requant.hi) - i64::from(requant.lo)).unwrap_or(0)
}

/// Checks the conditions of channel `channel` for accumulators `range`.
pub(super) fn check(requant: &Requant<'_>, channel: usize, range: IntRange) -> Result<(), Condition> {
    if requant.lo > requant.hi {
        return Err(Condition::Codes);
    }
    match requant.form {
        Form::Offset { offsets } => {
            let offset = at(offsets, channel);
            fits(range, 32, |acc| acc + i128::from(offset))
        }
        Form::ShiftHalfEven { multipliers, offsets, shifts } => {
            let (multiplier, offset) = (at(multipliers, channel), at(offsets, channel));
            shift_within(at(shifts, channel), 31)?;
            // Adding the parity of the floor may need one more than the line itself; it keeps the order, since
            // equal floors have equal parities and different floors are at least one apart.
            for parity in [0, 1] {
                fits(range, 32, |acc| i128::from(multiplier) * acc + i128::from(offset) + parity)?;
            }
            Ok(())
        }
        Form::Multiply32 { multipliers, offsets, shifts } => {
            let (multiplier, offset) = (at(multipliers, channel), at(offsets, channel));
            shift_within(at(shifts, channel), 31)?;
            fits(range, 32, |acc| i128::from(multiplier) * acc + i128::from(offset))
        }
        Form::Multiply64 { multipliers, offsets, shifts } => {
            Line::of(multipliers, offsets, shifts, channel).check(range)
        }
        Form::MultiplyHigh { lines, offsets, shifts } => {
            let ([multiplier, addend], offset) = (at(lines, channel), at(offsets, channel));
            shift_within(at(shifts, channel), 31)?;
            fits(range, 32, |acc| acc + i128::from(offset))?;
            let product = |acc| i128::from(multiplier) * (acc + i128::from(offset)) + (1 << 31);
            fits(range, 64, product)?;
            fits(range, 32, |acc| (product(acc) >> 32) + i128::from(addend))
        }
        Form::EvenOdd {
            even_multipliers,
            even_offsets,
            even_shifts,
            odd_multipliers,
            odd_offsets,
            odd_shifts,
        } => {
            let even = Line::of(even_multipliers, even_offsets, even_shifts, channel);
            let odd = Line::of(odd_multipliers, odd_offsets, odd_shifts, channel);
            even.check(range)?;
            odd.check(range)?;
            if even.multiplier.signum() * odd.multiplier.signum() < 0 {
                return Err(Condition::Slopes);
            }
            fits(range, 64, |acc| (even.dividend(acc) >> even.shift) + (odd.dividend(acc) >> odd.shift))
        }
        Form::ShiftHalfEven64 { multipliers, offsets, shifts } => {
            let (multiplier, offset) = (at(multipliers, channel), at(offsets, channel));
            shift_within(at(shifts, channel), 63)?;
            for parity in [0, 1] {
                fits(range, 64, |acc| i128::from(multiplier) * acc + i128::from(offset) + parity)?;
            }
            Ok(())
        }
        Form::Multiply128 { multipliers, offsets, shifts } => {
            let (multiplier, [low, high]) = (at(multipliers, channel), at(offsets, channel));
            shift_within(at(shifts, channel), 127)?;
            // The low word is unsigned.
            let offset = (i128::from(high) << 64) + i128::from(low as u64);
            fits_where_defined(range, 128, |acc| (i128::from(multiplier) * acc).checked_add(offset))
        }
        Form::Thresholds { signs, thresholds } => {
            signed(at(signs, channel), range, 32)?;
            ordered(group(thresholds, steps(requant), channel), |a, b| a <= b)
        }
        Form::Thresholds64 { signs, thresholds } => {
            signed(at(signs, channel), range, 64)?;
            ordered(group(thresholds, steps(requant), channel), |a, b| a <= b)
        }
        Form::Table { entries, domain, .. } => {
            let entries = entries.of_channel(domain as usize, channel);
            let codes: Vec<i32> = (0..entries.len()).filter_map(|index| entries.get(index)).collect();
            if codes.first() <= codes.last() {
                ordered(&codes, |a, b| a <= b)
            } else {
                ordered(&codes, |a, b| a >= b)
            }
        }
    }
}

/// A line with 64-bit products, of one channel.
struct Line {
    multiplier: i32,
    offset: i64,
    shift: u8,
}

impl Line {
    fn of(
        multipliers: PerChannel<'_, i32>,
        offsets: PerChannel<'_, i64>,
        shifts: PerChannel<'_, u8>,
        channel: usize,
    ) -> Self {
        let (multiplier, offset) = (at(multipliers, channel), at(offsets, channel));
        Self { multiplier, offset, shift: at(shifts, channel) }
    }

    fn check(&self, range: IntRange) -> Result<(), Condition> {
        shift_within(self.shift, 63)?;
        fits(range, 64, |acc| self.dividend(acc))
    }

    fn dividend(&self, acc: i128) -> i128 {
        i128::from(self.multiplier) * acc + i128::from(self.offset)
    }
}

/// Checks the sign of thresholds, and that accumulators times it fit `bits` bits.
fn signed(sign: i8, range: IntRange, bits: u32) -> Result<(), Condition> {
    if sign != 1 && sign != -1 {
        return Err(Condition::Sign { sign });
    }
    fits(range, bits, |acc| i128::from(sign) * acc)
}

fn shift_within(shift: u8, max: u8) -> Result<(), Condition> {
    if shift <= max { Ok(()) } else { Err(Condition::Shift { shift, max }) }
}

/// Checks that a monotone intermediate result fits `bits` bits at both ends of the range.
fn fits(range: IntRange, bits: u32, value: impl Fn(i128) -> i128) -> Result<(), Condition> {
    fits_where_defined(range, bits, |acc| Some(value(acc)))
}

/// As [`fits`], of results that may leave 128 bits.
fn fits_where_defined(
    range: IntRange,
    bits: u32,
    value: impl Fn(i128) -> Option<i128>,
) -> Result<(), Condition> {
    let (least, most) = (i128::MIN >> (128 - bits), i128::MAX >> (128 - bits));
    for acc in [range.lo, range.hi] {
        match value(acc.into()) {
            Some(value) if least <= value && value <= most => {}
            _ => return Err(Condition::Wraps { acc, bits }),
        }
    }
    Ok(())
}

fn ordered<T>(values: &[T], in_order: impl Fn(&T, &T) -> bool) -> Result<(), Condition> {
    match values.windows(2).position(|pair| !in_order(&pair[0], &pair[1])) {
        None => Ok(()),
        Some(index) => Err(Condition::Order { index: index + 1 }),
    }
}

/// The elements that [`Requant::apply`] reads for `channel`, given lengths that were checked.
fn group<T>(values: &[T], width: usize, channel: usize) -> &[T] {
    if values.len() > width {
        values.get(channel * width..(channel + 1) * width).unwrap_or_default()
    } else {
        values
    }
}
