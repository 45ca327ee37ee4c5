//! Values of quantizer attributes, by which a definition chooses its components.
//!
//! Names are those of the enumerations in Brevitas. Solvers translate them; a value that a solver cannot build is
//! refused by name when the layer is built.

use std::fmt;
use std::sync::Arc;

use super::{Provider, ZeroPoint};
use crate::Parameter;

/// The kind of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("BINARY", "TERNARY", "INT", "FP"))]
pub enum QuantType {
    /// Minus one and one.
    Binary,
    /// Minus one, zero and one.
    Ternary,
    /// Integers of a bit width.
    Int,
    /// No quantization: floats.
    Fp,
}

/// Where a bit width comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("CONST", "PARAMETER", "STATEFUL_CONST"))]
pub enum BitWidthImplType {
    /// It does not change.
    Const,
    /// It is learned, from `bit_width` on.
    Parameter,
    /// It does not change by training, and is part of the saved state.
    StatefulConst,
}

/// How scaled values become integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("ROUND", "CEIL", "FLOOR", "ROUND_TO_ZERO", "DPU", "LEARNED_ROUND", "STOCHASTIC_ROUND"))]
pub enum FloatToIntImplType {
    /// To the nearest integer, ties to even.
    Round,
    /// Up.
    Ceil,
    /// Down.
    Floor,
    /// Toward zero.
    RoundToZero,
    /// To the nearest integer; ties to even above zero and up below.
    Dpu,
    /// Down or up, learned for each weight.
    LearnedRound,
    /// Down or up by chance in training, as [`Round`](Self::Round) in evaluation.
    StochasticRound,
}

/// Where a scale comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("HE", "CONST", "STATS", "AFFINE_STATS", "PARAMETER", "PARAMETER_FROM_STATS"))]
pub enum ScalingImplType {
    /// The standard deviation of He's initialization, constant.
    He,
    /// A constant.
    Const,
    /// A statistic, on every pass.
    Stats,
    /// A statistic, multiplied and shifted by learned parameters.
    AffineStats,
    /// A learned parameter that starts at a given value.
    Parameter,
    /// A learned parameter that starts at a statistic.
    ParameterFromStats,
}

/// Permitted scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("FP", "LOG_FP", "INT", "POWER_OF_TWO"))]
pub enum RestrictValueType {
    /// Any positive float.
    Fp,
    /// Any positive float, stored as a logarithm.
    LogFp,
    /// Integers. No scale is restricted to them; bit widths are.
    Int,
    /// Powers of two: fixed point.
    PowerOfTwo,
}

/// The statistic a scale comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias(
    "MAX",
    "AVE",
    "MAX_AVE",
    "MEAN_SIGMA_STD",
    "MEAN_LEARN_SIGMA_STD",
    "PERCENTILE",
    "MIN_MAX",
    "PERCENTILE_INTERVAL"
))]
pub enum StatsOp {
    /// The largest magnitude.
    Max,
    /// The mean magnitude.
    Ave,
    /// The mean over channels of the largest magnitudes.
    MaxAve,
    /// The mean magnitude plus `sigma` standard deviations of the magnitudes.
    MeanSigmaStd,
    /// As [`MeanSigmaStd`](Self::MeanSigmaStd), with a learned `sigma`.
    MeanLearnSigmaStd,
    /// A percentile of the magnitudes.
    Percentile,
    /// The distance from the smallest value, or zero, to the largest.
    MinMax,
    /// The distance between two percentiles, the lower one at most zero.
    PercentileInterval,
    /// The threshold of least squared error among `mse_iters` candidates up to the largest magnitude.
    Mse,
}

/// Which elements share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(alias("TENSOR", "CHANNEL", "GROUP"))]
pub enum ScalingPerOutputType {
    /// All.
    Tensor,
    /// Those of a channel.
    Channel,
    /// Those of a block within a channel.
    Group,
}

/// Where a zero point comes from.
#[derive(Clone, Debug)]
pub enum ZeroPointImpl {
    /// Always zero.
    Zero,
    /// The smallest weight, on every pass.
    StatsFromParameter,
    /// A learned parameter that starts at the smallest weight.
    ParameterFromStatsFromParameter,
    /// A statistic of activations, collected first and learned then.
    ParameterFromRuntime,
    /// A learned parameter that starts at `zero_point_init`.
    Parameter,
    /// A component.
    Other(Provider<dyn ZeroPoint>),
}

impl From<Provider<dyn ZeroPoint>> for ZeroPointImpl {
    fn from(provider: Provider<dyn ZeroPoint>) -> Self {
        Self::Other(provider)
    }
}

type ScalingInitFn = dyn Fn(&[Parameter]) -> Vec<f32> + Send + Sync;

/// The threshold at which a constant or learned scale starts.
#[derive(Clone)]
pub enum ScalingInit {
    /// The same for all channels.
    Float(f32),
    /// Computed from the weights of the layers when the quantizer is built: one value, or one per channel.
    Value(Arc<ScalingInitFn>),
}

impl ScalingInit {
    /// A threshold, or one per channel, computed from the weights of the layers that have the quantizer. It is computed
    /// again when a layer joins, and by `init_tensor_quant`.
    pub fn value(init: impl Fn(&[Parameter]) -> Vec<f32> + Send + Sync + 'static) -> Self {
        Self::Value(Arc::new(init))
    }

    /// The thresholds for `weights`.
    pub(super) fn thresholds(&self, weights: &[Parameter]) -> Vec<f32> {
        match self {
            Self::Float(threshold) => vec![*threshold],
            Self::Value(init) => init(weights),
        }
    }
}

impl From<f32> for ScalingInit {
    fn from(threshold: f32) -> Self {
        Self::Float(threshold)
    }
}

impl fmt::Debug for ScalingInit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(threshold) => write!(f, "{threshold}"),
            Self::Value(_) => f.write_str("value"),
        }
    }
}
