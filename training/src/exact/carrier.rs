//! Which float type carries an integer accumulation without rounding.
//!
//! A sum of integers is exact in floats in any order while every partial sum stays below the precision. Every partial
//! sum of a channel is at most the sum of its products' magnitudes, the subset bound.

use exactum_runtime::num::IntRange;

use crate::backend::{self, FloatDType, Tensor};

/// A float type wide enough for an accumulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Partial sums below 2^24.
    F32,
    /// Partial sums below 2^53.
    F64,
}

impl Carrier {
    /// The narrowest carrier of partial sums up to `bound`, or `None` from 2^53 on.
    pub(crate) fn for_bound(bound: u64) -> Option<Self> {
        match bound {
            0..0x100_0000 => Some(Self::F32),
            0x100_0000..0x20_0000_0000_0000 => Some(Self::F64),
            _ => None,
        }
    }

    pub(crate) fn dtype(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F64 => FloatDType::F64,
        }
    }

    pub(crate) fn tensor<const D: usize>(self, codes: &[i32], shape: [usize; D]) -> Tensor<D> {
        let device = backend::evaluation_device();
        match self {
            Self::F32 => backend::tensor(codes.iter().map(|c| *c as f32).collect(), shape, &device),
            Self::F64 => backend::tensor_f64(codes.iter().map(|c| f64::from(*c)).collect(), shape, &device),
        }
    }
}

/// The subset bound of sums with inputs of `range` around `zero_point`, whose weights' magnitudes add up to at most
/// `magnitude` in any output element.
pub(crate) fn subset_bound(magnitude: u64, range: IntRange, zero_point: i32) -> u64 {
    let zero_point = i64::from(zero_point);
    let input = range.lo.abs_diff(zero_point).max(range.hi.abs_diff(zero_point));
    magnitude.saturating_mul(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_end_where_their_precision_does() {
        assert_eq!(Carrier::for_bound((1 << 24) - 1), Some(Carrier::F32));
        assert_eq!(Carrier::for_bound(1 << 24), Some(Carrier::F64));
        assert_eq!(Carrier::for_bound((1 << 53) - 1), Some(Carrier::F64));
        assert_eq!(Carrier::for_bound(1 << 53), None);
    }

    #[test]
    fn the_bound_is_the_magnitude_times_the_farthest_input() {
        let range = IntRange { lo: 0, hi: 255 };
        assert_eq!(subset_bound(7, range, 0), 7 * 255);
        assert_eq!(subset_bound(10, range, 255), 10 * 255);
        assert_eq!(subset_bound(10, IntRange { lo: -128, hi: 127 }, 0), 1280);
        assert_eq!(subset_bound(u64::MAX, range, 0), u64::MAX);
    }
}
