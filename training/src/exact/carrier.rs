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

/// The subset bound of weights `codes`, `channel_elems` per output channel, on inputs of `range` around `zero_point`.
pub(crate) fn channel_bound(codes: &[i32], channel_elems: usize, range: IntRange, zero_point: i32) -> u64 {
    let zero_point = i64::from(zero_point);
    let input = range.lo.abs_diff(zero_point).max(range.hi.abs_diff(zero_point));
    let channels = codes.chunks(channel_elems.max(1));
    let weights = channels.map(|channel| channel.iter().map(|c| u64::from(c.unsigned_abs())).sum::<u64>());
    weights.max().unwrap_or(0).saturating_mul(input)
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
    fn the_bound_is_the_largest_sum_of_magnitudes() {
        let range = IntRange { lo: 0, hi: 255 };
        assert_eq!(channel_bound(&[1, -2, 3, 4], 2, range, 0), 7 * 255);
        assert_eq!(channel_bound(&[1, -2, 3, 4], 4, range, 255), 10 * 255);
        assert_eq!(channel_bound(&[1, -2, 3, 4], 4, IntRange { lo: -128, hi: 127 }, 0), 1280);
    }
}
