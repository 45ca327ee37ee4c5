//! Exact numbers as fixed-point numbers of `fixed`. Called by firmware.

use exactum_num::Real;
use fixed::traits::Fixed;

/// Fixed-point numbers of [`Real`].
///
/// A number is rounded once, by integers. What `FixedU128` has beyond the largest `i128` counts as beyond its end.
pub trait RealFixed {
    /// The nearest number of type `F`, ties to even; `None` if it lies beyond the ends of the type.
    fn checked_fixed<F: Fixed>(self) -> Option<F>;

    /// The nearest number of type `F`, ties to even; the end of the type for what lies beyond it.
    fn saturating_fixed<F: Fixed>(self) -> F;
}

impl RealFixed for Real {
    fn checked_fixed<F: Fixed>(self) -> Option<F> {
        self.fixed_bits(F::FRAC_NBITS).and_then(|bits| F::Bits::try_from(bits).ok()).map(F::from_bits)
    }

    fn saturating_fixed<F: Fixed>(self) -> F {
        self.checked_fixed().unwrap_or(if self.count < 0 { F::MIN } else { F::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_num::Unit;
    use fixed::types::{I1F7, I8F8, I16F16, U8F8};

    fn real(count: i128, exponent: i16) -> Real {
        Real { count, unit: Unit { mantissa: 1, exponent } }
    }

    #[test]
    fn ties_go_to_even_and_ends_are_kept() {
        assert_eq!(real(3, -9).checked_fixed::<I8F8>(), Some(I8F8::from_bits(2)));
        assert_eq!(real(5, -9).checked_fixed::<I8F8>(), Some(I8F8::from_bits(2)));
        assert_eq!(real(-3, -9).checked_fixed::<I8F8>(), Some(I8F8::from_bits(-2)));
        assert_eq!(real(1, 0).checked_fixed::<I1F7>(), None);
        assert_eq!(real(1, 0).saturating_fixed::<I1F7>(), I1F7::MAX);
        assert_eq!(real(-1, 0).checked_fixed::<I1F7>(), Some(I1F7::MIN));
        assert_eq!(real(-1, 300).saturating_fixed::<I16F16>(), I16F16::MIN);
        assert_eq!(real(-1, 0).saturating_fixed::<U8F8>(), U8F8::MIN);
        assert_eq!(real(-1, -10).checked_fixed::<U8F8>(), Some(U8F8::MIN));
        assert_eq!(real(1, 300).saturating_fixed::<U8F8>(), U8F8::MAX);
    }

    proptest::proptest! {
        /// `fixed` rounds doubles to the nearest number, ties to even, and these doubles are exact.
        #[test]
        fn as_fixed_rounds_doubles(count in -(1i64 << 50)..1 << 50, down in 0i16..60) {
            let exact = count as f64 * f64::powi(2.0, (-down).into());
            let expected = I16F16::saturating_from_num(exact);
            proptest::prop_assert_eq!(real(count.into(), -down).saturating_fixed::<I16F16>(), expected);
            proptest::prop_assert_eq!(real(count.into(), -down).checked_fixed(), I16F16::checked_from_num(exact));
        }
    }
}
