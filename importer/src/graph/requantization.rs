//! Attributes of the operators that go from integers to codes, and from integers to what the caller gets.

use exactum_runtime::num::{IntType, Rounding};
use num_rational::BigRational;
use serde::{Deserialize, Serialize};

use super::ChannelMap;
use crate::certify::LayerCertificate;
use crate::exact::{self, Curve, Function, Quantizer};
use crate::requant::RequantParams;

/// The function of a requantization: exact on the quantized level, certified integers below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requantize {
    /// What the model says.
    Exact(Tail),
    /// What the program computes.
    Certified(Box<Certified>),
}

/// From numbers to codes: a real function of each, then a quantizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// What an integer, or a float of the caller, stands for when it reaches the quantizer.
    pub curve: Curve,
    /// How that becomes a code. Its clamp is as narrow as the curve's values.
    pub quantizer: Quantizer,
    /// Type of the resulting codes.
    #[serde(with = "crate::exact::text::display")]
    pub int: IntType,
}

/// From the floats of an input to codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantize {
    /// The function.
    #[serde(flatten)]
    pub tail: Tail,
    /// Where its channels are, if not along axis 1: the indices along another axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelMap>,
}

impl Quantize {
    /// Neighbouring elements of one channel of an input of `shape`.
    pub fn inner(&self, shape: &[usize]) -> usize {
        let along = || ChannelMap::along(shape, 1);
        self.channels.clone().unwrap_or_else(along).digits.first().map_or(1, |[stride, _]| *stride)
    }
}

impl Tail {
    /// The exact functions of integers: one for all channels, or one for each.
    pub fn functions(&self) -> Vec<Function> {
        (0..self.channels()).map(|channel| Function::new(&self.curve, &self.quantizer, channel)).collect()
    }

    /// Channels that it tells apart, 1 if none.
    pub fn channels(&self) -> usize {
        self.curve.channels().max(self.quantizer.channels())
    }

    /// What the quantizer rounds to a code for the number `x` in channel `channel`, counted on past the last one; `None`
    /// if it does not round to the nearest code.
    pub fn unrounded(&self, channel: usize, x: &BigRational) -> Option<BigRational> {
        let Quantizer::Uniform { scale, zero_point, after, rounding, .. } = &self.quantizer else {
            return None;
        };
        if !matches!(rounding, Rounding::HalfEven | Rounding::HalfAway | Rounding::HalfToward) {
            return None;
        }
        let real = self.curve.eval(channel % self.channels().max(1), x);
        Some(real / scale + exact::from_integer(*zero_point) + exact::from_integer(*after))
    }
}

/// The function of a requantization of two operands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequantizePair {
    /// What the model says: the tail takes `gains[0] * a + gains[1] * b`.
    Exact {
        /// Real value of one unit of each of the two operands, for all channels or for each.
        #[serde(with = "crate::exact::text::rational_lists")]
        gains: Vec<Vec<BigRational>>,
        /// What happens to the sum.
        tail: Tail,
    },
    /// What the program computes: the form takes `m[0] * a + m[1] * b` with the multipliers `m` of the channel.
    Certified {
        /// Factors of the operands: one pair for all channels, or one for each.
        multipliers: Vec<[i64; 2]>,
        /// The form and its proof.
        certified: Box<Certified>,
    },
}

impl RequantizePair {
    /// Channels that the exact function tells apart, 1 if none; `None` below the quantized level.
    pub fn channels(&self) -> Option<usize> {
        match self {
            Self::Exact { gains, tail } => Some(gains.iter().map(Vec::len).fold(tail.channels(), usize::max)),
            Self::Certified { .. } => None,
        }
    }

    /// The exact code of a pair in channel `channel`, counted on past the last one; `None` below the quantized level.
    pub fn code(&self, channel: usize, a: i64, b: i64) -> Option<i64> {
        let Self::Exact { tail, .. } = self else { return None };
        let channel = channel % self.channels()?;
        Some(tail.quantizer.eval(channel, &tail.curve.eval(channel, &self.sum(channel, a, b)?)))
    }

    /// As [`Tail::unrounded`], for a pair.
    pub fn unrounded(&self, channel: usize, a: i64, b: i64) -> Option<BigRational> {
        let Self::Exact { tail, .. } = self else { return None };
        let channel = channel % self.channels()?;
        tail.unrounded(channel, &self.sum(channel, a, b)?)
    }

    /// The real sum of a pair in `channel`.
    fn sum(&self, channel: usize, a: i64, b: i64) -> Option<BigRational> {
        let Self::Exact { gains, .. } = self else { return None };
        let gain = |operand: usize| {
            let gains = gains.get(operand)?;
            gains.get(if gains.len() == 1 { 0 } else { channel })
        };
        Some(gain(0)? * exact::from_integer(a) + gain(1)? * exact::from_integer(b))
    }
}

/// What the integers of an output stand for, where that is more than a scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dequantize {
    /// The real function of an integer.
    pub curve: Curve,
    /// Where its channels are, if not along axis 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<ChannelMap>,
    /// A softmax of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub softmax: Option<Softmax>,
}

/// A softmax that is left to the caller, and what follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Softmax {
    /// Axis of the elements that sum to 1.
    pub axis: usize,
    /// A function of each element, such as that of a quantizer.
    #[serde(default, skip_serializing_if = "Curve::is_identity")]
    pub then: Curve,
}

/// An integer form and the proof that it equals the exact function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// The form and its constants.
    pub params: RequantParams,
    /// What was proven.
    pub certificate: LayerCertificate,
}
