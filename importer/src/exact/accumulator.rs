//! Bounds of accumulators from actual weights and input ranges.
//!
//! Sums are taken in 128 bits, so a bound is never itself an overflow. The importer derives bounds with
//! [`Bounds::of_terms`]; its verifier recomputes them with [`Bounds::of_weight_sums`], another formula.

use exactum_runtime::num::IntRange;

/// Bounds of `sum of weight * input` over every input within its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The finished sum; both ends are attained.
    pub sum: IntRange,
    /// Every partial sum, whatever the order of the terms. Decides for saturating adders and float carriers;
    /// wrapping arithmetic needs `sum` alone, because partial wraps cancel.
    pub subset: IntRange,
}

impl Bounds {
    /// Adds up the least and greatest product of each weight with an input in `input`, a range of codes minus
    /// zero point. `None` past 64 bits.
    pub fn of_terms(weights: impl IntoIterator<Item = i64>, input: IntRange) -> Option<Self> {
        let (mut lo, mut hi, mut subset_lo, mut subset_hi) = (0i128, 0i128, 0i128, 0i128);
        for weight in weights {
            let (a, b) =
                (i128::from(weight) * i128::from(input.lo), i128::from(weight) * i128::from(input.hi));
            let (least, greatest) = (a.min(b), a.max(b));
            lo = lo.checked_add(least)?;
            hi = hi.checked_add(greatest)?;
            subset_lo = subset_lo.checked_add(least.min(0))?;
            subset_hi = subset_hi.checked_add(greatest.max(0))?;
        }
        Some(Self { sum: narrow(lo, hi)?, subset: narrow(subset_lo, subset_hi)? })
    }

    /// The same bounds from the sums of the positive and of the negative weights.
    pub fn of_weight_sums(weights: impl IntoIterator<Item = i64>, input: IntRange) -> Option<Self> {
        let (mut positive, mut negative) = (0i128, 0i128);
        for weight in weights {
            let side = if weight > 0 { &mut positive } else { &mut negative };
            *side = side.checked_add(i128::from(weight))?;
        }
        let extreme = |for_positive: i64, for_negative: i64| {
            let products = positive.checked_mul(for_positive.into())?;
            products.checked_add(negative.checked_mul(for_negative.into())?)
        };
        let (down, up) = (input.lo.min(0), input.hi.max(0));
        Some(Self {
            sum: narrow(extreme(input.lo, input.hi)?, extreme(input.hi, input.lo)?)?,
            subset: narrow(extreme(down, up)?, extreme(up, down)?)?,
        })
    }

    /// Bits of the two's complement accumulator that holds the finished sum.
    pub fn signed_bits(&self) -> u32 {
        self.sum.signed_bits()
    }

    /// Whether `f32` arithmetic on integers gives the sum exactly, in any order: all partial sums below 2^24.
    pub fn exact_in_f32(&self) -> bool {
        const LIMIT: i64 = (1 << 24) - 1;
        IntRange { lo: -LIMIT, hi: LIMIT }.contains_range(self.subset)
    }
}

/// The input of a weight: codes minus zero point, and 0 as well where padding can stand in for an input.
///
/// `None` past 64 bits.
pub fn input_range(codes: IntRange, zero_point: i64, padded: bool) -> Option<IntRange> {
    let shifted = IntRange { lo: codes.lo.checked_sub(zero_point)?, hi: codes.hi.checked_sub(zero_point)? };
    Some(if padded { shifted.union(IntRange::point(0)) } else { shifted })
}

fn narrow(lo: i128, hi: i128) -> Option<IntRange> {
    IntRange::new(i64::try_from(lo).ok()?, i64::try_from(hi).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn both_methods_agree(
            weights in prop::collection::vec(-128i64..128, 0..40), lo in -300i64..300, span in 0i64..300,
        ) {
            let input = IntRange { lo, hi: lo + span };
            let bounds = Bounds::of_terms(weights.iter().copied(), input);
            prop_assert_eq!(bounds, Bounds::of_weight_sums(weights.iter().copied(), input));
        }

        #[test]
        fn bounds_are_the_extremes_of_all_inputs(
            weights in prop::collection::vec(-9i64..9, 1..6), lo in -2i64..2, span in 0i64..3,
        ) {
            let input = IntRange { lo, hi: lo + span };
            let bounds = Bounds::of_terms(weights.iter().copied(), input).unwrap();
            let base = span + 1;
            let (mut sums, mut subsets) = (Vec::new(), vec![0]);
            for index in 0..base.pow(weights.len() as u32) {
                let term = |i: usize| weights[i] * (lo + index / base.pow(i as u32) % base);
                sums.push((0..weights.len()).map(term).sum::<i64>());
                for subset in 0..1 << weights.len() {
                    subsets.push((0..weights.len()).filter(|i| subset >> i & 1 == 1).map(term).sum());
                }
            }
            let range = |sums: &[i64]| IntRange { lo: *sums.iter().min().unwrap(), hi: *sums.iter().max().unwrap() };
            prop_assert_eq!(bounds.sum, range(&sums));
            prop_assert_eq!(bounds.subset, range(&subsets));
        }
    }

    #[test]
    fn padding_lets_zero_in_and_wide_sums_are_refused() {
        let codes = IntRange { lo: 3, hi: 15 };
        assert_eq!(input_range(codes, 1, false), IntRange::new(2, 14));
        assert_eq!(input_range(codes, 1, true), IntRange::new(0, 14));
        let input = IntRange { lo: 0, hi: i64::MAX };
        assert_eq!(Bounds::of_terms([1, 1], input), None);
        assert_eq!(Bounds::of_weight_sums([1, 1], input), None);
    }

    #[test]
    fn the_f32_carrier_ends_at_24_bits() {
        let input = IntRange { lo: 0, hi: 255 };
        let bounds = |n| Bounds::of_terms(vec![127; n], input).unwrap();
        assert!(bounds(518).exact_in_f32() && !bounds(519).exact_in_f32());
        assert_eq!(bounds(518).signed_bits(), 25);
    }
}
