//! Numbers of the element types: what bits stand for, rounding and wrapping. Called by whoever computes with tensors.

use super::ElemType;

/// A float type: digits of its numbers, exponent of its least normal one, and its largest one.
struct Format {
    digits: i32,
    least: i32,
    largest: f64,
    infinite: bool,
}

impl ElemType {
    /// Bits of its integers and whether they have a sign, if it is an integer type.
    pub const fn integer(self) -> Option<(u32, bool)> {
        Some(match self {
            Self::I2 => (2, true),
            Self::U2 => (2, false),
            Self::I4 => (4, true),
            Self::U4 => (4, false),
            Self::I8 => (8, true),
            Self::U8 => (8, false),
            Self::I16 => (16, true),
            Self::U16 => (16, false),
            Self::I32 => (32, true),
            Self::U32 => (32, false),
            Self::I64 => (64, true),
            Self::U64 => (64, false),
            _ => return None,
        })
    }

    /// The number that `value` wraps to, in types that are no integers a truth value; `None` if it has no place in 64
    /// bits with a sign.
    pub fn wrapped(self, value: i128) -> Option<i64> {
        let Some((bits, signed)) = self.integer() else { return Some(i64::from(value != 0)) };
        let low = value & ((1 << bits) - 1);
        let wrapped = if signed && low >> (bits - 1) == 1 { low - (1 << bits) } else { low };
        i64::try_from(wrapped).ok()
    }

    /// Least and largest number of an integer type, of others least and largest truth value.
    pub const fn limits(self) -> (i128, i128) {
        match self.integer() {
            Some((bits, true)) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            Some((bits, false)) => (0, (1 << bits) - 1),
            None => (0, 1),
        }
    }

    /// What is special about a float type of at most 16 bits.
    const fn format(self) -> Option<Format> {
        let (digits, least, largest, infinite) = match self {
            Self::F16 => (11, -14, 65504.0, true),
            Self::Bf16 => (8, -126, 3.389_531_389_251_535_5e38, true),
            Self::F8E4M3Fn => (4, -6, 448.0, false),
            Self::F8E4M3Fnuz => (4, -7, 240.0, false),
            Self::F8E5M2 => (3, -14, 57344.0, true),
            Self::F8E5M2Fnuz => (3, -15, 57344.0, false),
            Self::F4E2M1 => (2, 0, 6.0, false),
            _ => return None,
        };
        Some(Format { digits, least, largest, infinite })
    }

    /// The number of a float type that is nearest to `value`, of two the even one. Beyond the largest there is the
    /// infinity, or none where the type has no infinity.
    pub fn nearest(self, value: f64) -> f64 {
        if self == Self::F64 {
            return value;
        }
        let Some(format) = self.format() else { return f64::from(value as f32) };
        if value == 0.0 || value.is_nan() {
            return value;
        }
        let beyond = if format.infinite { f64::INFINITY.copysign(value) } else { f64::NAN };
        if value.is_infinite() {
            return beyond;
        }
        let exponent = ((value.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(format.least);
        let unit = f64::from(exponent - format.digits + 1).exp2();
        let rounded = (value / unit).round_ties_even() * unit;
        if rounded.abs() > format.largest { beyond } else { rounded }
    }

    /// As [`nearest`](Self::nearest), and the largest number for whatever is beyond it.
    pub fn saturated(self, value: f64) -> f64 {
        match self.format() {
            Some(format) if value.abs() > format.largest => format.largest.copysign(value),
            _ => self.nearest(value),
        }
    }

    /// The number of a float type of at most 16 bits that is stored as `bits`.
    pub fn stored(self, bits: u16) -> Option<f64> {
        if self == Self::F8E8M0 {
            return Some(if bits == 255 { f64::NAN } else { f64::from(i32::from(bits) - 127).exp2() });
        }
        let format = self.format()?;
        let (fraction_bits, width) = (format.digits - 1, self.size_bits() as i32);
        let sign = if bits >> (width - 1) & 1 == 1 { -1.0 } else { 1.0 };
        let exponent = i32::from(bits & ((1 << (width - 1)) - 1)) >> fraction_bits;
        let fraction =
            f64::from(i32::from(bits) & ((1 << fraction_bits) - 1)) * f64::from(-fraction_bits).exp2();
        let highest = (1 << (width - 1 - fraction_bits)) - 1;
        let special = match self {
            Self::F16 | Self::Bf16 | Self::F8E5M2 if exponent == highest => {
                Some(if fraction == 0.0 { f64::INFINITY } else { f64::NAN })
            }
            Self::F8E4M3Fn if bits & 0x7f == 0x7f => Some(f64::NAN),
            Self::F8E4M3Fnuz | Self::F8E5M2Fnuz if bits == 0x80 => Some(f64::NAN),
            _ => None,
        };
        let magnitude = special.unwrap_or_else(|| match exponent {
            0 => fraction * f64::from(format.least).exp2(),
            exponent => (1.0 + fraction) * f64::from(exponent - 1 + format.least).exp2(),
        });
        Some(sign * magnitude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_exact() {
        let half = |bits| ElemType::F16.stored(bits).unwrap();
        assert_eq!(
            [0x0001, 0x03ff, 0x0400, 0x7bff].map(half),
            [2f64.powi(-24), 1023.0 * 2f64.powi(-24), 2f64.powi(-14), 65504.0]
        );
        assert_eq!((half(0xc500), half(0xfc00)), (-5.0, f64::NEG_INFINITY));
        assert!(half(0x7e00).is_nan());
        assert_eq!(ElemType::F32.stored(1), None);
    }

    /// Every number of the short types is nearest to itself.
    #[test]
    fn stored_numbers_are_their_own_nearest() {
        let types =
            [ElemType::F16, ElemType::Bf16, ElemType::F8E4M3Fn, ElemType::F8E5M2Fnuz, ElemType::F4E2M1];
        for elem in types {
            for bits in 0..=u16::MAX >> (16 - elem.size_bits()) {
                let value = elem.stored(bits).unwrap();
                let same = elem.nearest(value).to_bits() == value.to_bits() || value.is_nan();
                assert!(same, "{elem} {bits:#x} {value}");
            }
        }
    }

    #[test]
    fn integers_wrap_and_end() {
        assert_eq!(ElemType::I4.wrapped(8), Some(-8));
        assert_eq!((ElemType::U8.wrapped(-1), ElemType::U64.wrapped(-1)), (Some(255), None));
        assert_eq!((ElemType::I8.limits(), ElemType::Bool.limits()), ((-128, 127), (0, 1)));
    }
}
