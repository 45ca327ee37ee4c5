//! How a real number becomes a code, for every quantizer a model can hold.

use super::curve::pick;
use super::{Rational, from_integer};
use exactum_runtime::num::{IntRange, Rounding};
use num_traits::{Signed, ToPrimitive};
use serde::{Deserialize, Serialize};

/// How a real becomes a code. Each is monotone: larger reals never give smaller codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantizer {
    /// `clamp(round(x / scale + zero_point) + after, range)`.
    ///
    /// QONNX has its zero point inside the rounding, ONNX `QuantizeLinear` after it. Rounding looks at the parity and
    /// the sign of what it is given, so the two are not the same, and codes that are stored less some number are moved
    /// by `after` alone.
    Uniform {
        /// Real value of one step; positive.
        #[serde(with = "crate::exact::text::rational")]
        scale: Rational,
        /// Added before the rounding.
        zero_point: i64,
        /// Added after the rounding.
        #[serde(default, skip_serializing_if = "num_traits::Zero::is_zero")]
        after: i64,
        /// Smallest and largest code.
        #[serde(with = "crate::exact::text::range")]
        range: IntRange,
        /// How quotients become integers.
        #[serde(with = "crate::exact::text::rounding")]
        rounding: Rounding,
    },
    /// 1 for `x >= 0`, else -1.
    Sign,
    /// The number of thresholds `<= x`.
    Thresholds {
        /// Ascending, equally many in each channel; one list for all channels or one for each.
        #[serde(with = "crate::exact::text::rational_lists")]
        thresholds: Vec<Vec<Rational>>,
    },
}

impl Quantizer {
    /// The multiple of `scale` that is nearest, half to even, within `range`.
    pub fn multiples(scale: Rational, range: IntRange) -> Self {
        Self::Uniform { scale, zero_point: 0, after: 0, range, rounding: Rounding::HalfEven }
    }

    /// The codes it may give.
    pub fn codes(&self) -> IntRange {
        match self {
            Self::Uniform { range, .. } => *range,
            Self::Sign => IntRange { lo: -1, hi: 1 },
            Self::Thresholds { thresholds } => {
                let steps = thresholds.first().map_or(0, Vec::len);
                IntRange { lo: 0, hi: i64::try_from(steps).unwrap_or(i64::MAX) }
            }
        }
    }

    /// 1 if all channels have the same quantizer, else the number of channels.
    pub fn channels(&self) -> usize {
        match self {
            Self::Thresholds { thresholds } => thresholds.len(),
            _ => 1,
        }
    }

    /// The quantizer of one channel.
    #[must_use]
    pub fn channel(&self, channel: usize) -> Self {
        match self {
            Self::Thresholds { thresholds } => {
                Self::Thresholds { thresholds: vec![pick(thresholds, channel).clone()] }
            }
            other => other.clone(),
        }
    }

    /// The same codes less `less`; `None` for signs and counts of thresholds, which stay as they are.
    pub(crate) fn less(&self, less: i64) -> Option<Self> {
        let Self::Uniform { scale, zero_point, after, range, rounding } = self else { return None };
        let range = IntRange { lo: range.lo.checked_sub(less)?, hi: range.hi.checked_sub(less)? };
        let (scale, after) = (scale.clone(), after.checked_sub(less)?);
        Some(Self::Uniform { scale, zero_point: *zero_point, after, range, rounding: *rounding })
    }

    /// The code of `x` in `channel`.
    pub fn eval(&self, channel: usize, x: &Rational) -> i64 {
        match self {
            Self::Uniform { scale, zero_point, after, range, rounding } => {
                let rounded = super::round(&(x / scale + from_integer(*zero_point)), *rounding) + after;
                let saturated = if rounded.is_negative() { i64::MIN } else { i64::MAX };
                range.clamp(rounded.to_i64().unwrap_or(saturated))
            }
            Self::Sign => {
                if x.is_negative() {
                    -1
                } else {
                    1
                }
            }
            Self::Thresholds { thresholds } => {
                let passed = pick(thresholds, channel).partition_point(|threshold| threshold <= x);
                i64::try_from(passed).unwrap_or(i64::MAX)
            }
        }
    }

    /// The real number that is rounded, with everything that is added to it; `x` itself where codes are not evenly
    /// spaced.
    pub fn unrounded(&self, x: &Rational) -> Rational {
        match self {
            Self::Uniform { scale, zero_point, after, .. } => {
                x / scale + from_integer(*zero_point) + from_integer(*after)
            }
            Self::Sign | Self::Thresholds { .. } => x.clone(),
        }
    }
}
