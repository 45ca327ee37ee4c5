//! Closed integer intervals, the unit of range analysis.
//!
//! The importer bounds accumulators with them; the program loader checks stored bounds with the same code.

/// The integers from `lo` to `hi`, both included. Always holds at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IntRange {
    /// Smallest member.
    pub lo: i64,
    /// Largest member.
    pub hi: i64,
}

impl IntRange {
    /// `lo..=hi`, or `None` if that is empty.
    pub const fn new(lo: i64, hi: i64) -> Option<Self> {
        if lo <= hi { Some(Self { lo, hi }) } else { None }
    }

    /// The interval of one integer.
    pub const fn point(value: i64) -> Self {
        Self { lo: value, hi: value }
    }

    /// Whether `value` is a member.
    pub const fn contains(self, value: i64) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// Whether every member of `other` is a member.
    pub const fn contains_range(self, other: Self) -> bool {
        self.lo <= other.lo && other.hi <= self.hi
    }

    /// The smallest interval that holds both.
    pub const fn union(self, other: Self) -> Self {
        Self {
            lo: if self.lo < other.lo { self.lo } else { other.lo },
            hi: if self.hi > other.hi { self.hi } else { other.hi },
        }
    }

    /// All sums of one member of each, or `None` past 64 bits.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match (self.lo.checked_add(other.lo), self.hi.checked_add(other.hi)) {
            (Some(lo), Some(hi)) => Some(Self { lo, hi }),
            _ => None,
        }
    }

    /// All products with `factor`, or `None` past 64 bits.
    pub const fn checked_scale(self, factor: i64) -> Option<Self> {
        match (self.lo.checked_mul(factor), self.hi.checked_mul(factor)) {
            (Some(a), Some(b)) => Some(if a <= b { Self { lo: a, hi: b } } else { Self { lo: b, hi: a } }),
            _ => None,
        }
    }

    /// The nearest member to `value`.
    pub const fn clamp(self, value: i64) -> i64 {
        if value < self.lo {
            self.lo
        } else if value > self.hi {
            self.hi
        } else {
            value
        }
    }

    /// Bits of the smallest two's complement type that holds every member, at least 1.
    pub const fn signed_bits(self) -> u32 {
        let (a, b) = (signed_bits(self.lo), signed_bits(self.hi));
        if a > b { a } else { b }
    }

    /// Bits of the smallest unsigned type that holds every member, or `None` if one is negative. At least 1.
    pub const fn unsigned_bits(self) -> Option<u32> {
        if self.lo < 0 {
            return None;
        }
        let bits = 64 - self.hi.leading_zeros();
        Some(if bits == 0 { 1 } else { bits })
    }
}

const fn signed_bits(value: i64) -> u32 {
    let magnitude = if value < 0 { !value } else { value };
    65 - magnitude.leading_zeros()
}

impl core::fmt::Display for IntRange {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}..={}", self.lo, self.hi)
    }
}

/// Whether no value is below the one before it. `is_sorted` would do, but for a panic that stays where code is small.
pub(crate) fn ascends<T: PartialOrd>(values: &[T]) -> bool {
    values.iter().zip(values.iter().skip(1)).all(|(value, next)| value <= next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bits_of_known_ranges() {
        assert_eq!(IntRange { lo: -128, hi: 127 }.signed_bits(), 8);
        assert_eq!(IntRange { lo: -128, hi: 128 }.signed_bits(), 9);
        assert_eq!(IntRange { lo: -1, hi: 0 }.signed_bits(), 1);
        assert_eq!(IntRange { lo: 0, hi: 255 }.unsigned_bits(), Some(8));
        assert_eq!(IntRange { lo: -1, hi: 255 }.unsigned_bits(), None);
        assert_eq!(IntRange { lo: i64::MIN, hi: i64::MAX }.signed_bits(), 64);
    }

    proptest! {
        #[test]
        fn interval_arithmetic_holds_every_result(a in -1000i64..1000, b in 0i64..1000, k in -50i64..50, t in 0.0f64..=1.0) {
            let range = IntRange { lo: a, hi: a + b };
            let member = a + (b as f64 * t) as i64;
            prop_assert!(range.checked_scale(k).unwrap().contains(member * k));
            prop_assert!(range.checked_add(IntRange::point(k)).unwrap().contains(member + k));
            let bits = range.signed_bits();
            prop_assert!(range.lo >= -(1 << (bits - 1)) && range.hi < 1 << (bits - 1));
        }
    }
}
