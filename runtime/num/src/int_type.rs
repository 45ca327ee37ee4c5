//! Integer types of quantized values: bit width, signedness, narrow range.
//!
//! Used by every crate: quantizers in training, `Quant` nodes in QONNX, values of the importer's graph.

use crate::range::IntRange;

/// Number of bits of an integer code, 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BitWidth(u8);

impl BitWidth {
    /// The widest supported code.
    pub const MAX: Self = Self(32);

    /// A width of `bits`, or `None` outside 1 to 32.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= 1 && bits <= 32 { Some(Self(bits)) } else { None }
    }

    /// The width in bits.
    pub const fn bits(self) -> u8 {
        self.0
    }
}

/// The set of integers a quantizer may produce.
///
/// `narrow` drops the most negative code of a signed type and the largest code of an unsigned one, as the QONNX
/// `Quant` operator defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IntType {
    /// Number of bits.
    pub width: BitWidth,
    /// Two's complement if true, otherwise non-negative.
    pub signed: bool,
    /// Leave out one end of the range.
    pub narrow: bool,
}

impl IntType {
    /// Signed 8-bit codes, -128 to 127.
    pub const INT8: Self = Self { width: BitWidth(8), signed: true, narrow: false };
    /// Unsigned 8-bit codes, 0 to 255.
    pub const UINT8: Self = Self { width: BitWidth(8), signed: false, narrow: false };
    /// Signed 16-bit codes.
    pub const INT16: Self = Self { width: BitWidth(16), signed: true, narrow: false };
    /// Signed 32-bit codes: accumulators.
    pub const INT32: Self = Self { width: BitWidth(32), signed: true, narrow: false };

    /// A type of `bits` bits, or `None` outside 1 to 32.
    pub const fn new(bits: u8, signed: bool, narrow: bool) -> Option<Self> {
        match BitWidth::new(bits) {
            Some(width) => Some(Self { width, signed, narrow }),
            None => None,
        }
    }

    /// Smallest code.
    pub const fn min(self) -> i64 {
        if self.signed { -(1 << (self.width.bits() - 1)) + self.narrow as i64 } else { 0 }
    }

    /// Largest code.
    pub const fn max(self) -> i64 {
        if self.signed {
            (1 << (self.width.bits() - 1)) - 1
        } else {
            (1 << self.width.bits()) - 1 - self.narrow as i64
        }
    }

    /// All codes, from [`min`](Self::min) to [`max`](Self::max). Empty for 1-bit signed narrow and 1-bit unsigned
    /// narrow types, which hold one code at most; see [`IntRange::new`].
    pub const fn range(self) -> IntRange {
        let (lo, hi) = (self.min(), self.max());
        IntRange { lo: if lo < hi { lo } else { hi }, hi }
    }
}

impl core::fmt::Display for IntType {
    /// `int4`, `uint8`, `int8n`: the form used in printed graphs and program listings.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sign = if self.signed { "" } else { "u" };
        let narrow = if self.narrow { "n" } else { "" };
        write!(f, "{sign}int{}{narrow}", self.width.bits())
    }
}

impl core::str::FromStr for IntType {
    type Err = ParseIntTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (signed, rest) = match text.strip_prefix('u') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let rest = rest.strip_prefix("int").ok_or(ParseIntTypeError)?;
        let (digits, narrow) = match rest.strip_suffix('n') {
            Some(digits) => (digits, true),
            None => (rest, false),
        };
        let bits = digits.parse().map_err(|_| ParseIntTypeError)?;
        Self::new(bits, signed, narrow).ok_or(ParseIntTypeError)
    }
}

/// The text is not an integer type such as `int4`, `uint8` or `int8n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIntTypeError;

impl core::fmt::Display for ParseIntTypeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("expected an integer type such as int4, uint8 or int8n")
    }
}

impl core::error::Error for ParseIntTypeError {}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn ranges_follow_the_quant_operator() {
        let bounds = |bits, signed, narrow| {
            let range = IntType::new(bits, signed, narrow).unwrap().range();
            (range.lo, range.hi)
        };
        assert_eq!(bounds(4, true, true), (-7, 7));
        assert_eq!(bounds(4, true, false), (-8, 7));
        assert_eq!(bounds(8, false, false), (0, 255));
        assert_eq!(bounds(8, false, true), (0, 254));
        assert_eq!(bounds(32, true, false), (i64::from(i32::MIN), i64::from(i32::MAX)));
    }

    #[test]
    fn text_round_trips() {
        for bits in 1..=32 {
            for (signed, narrow) in [(true, true), (true, false), (false, true), (false, false)] {
                let ty = IntType::new(bits, signed, narrow).unwrap();
                assert_eq!(ty.to_string().parse(), Ok(ty));
            }
        }
        assert_eq!("int33".parse::<IntType>(), Err(ParseIntTypeError));
        assert_eq!("nint8".parse::<IntType>(), Err(ParseIntTypeError));
    }
}
