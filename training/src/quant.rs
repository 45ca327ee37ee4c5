//! Quantizers, composed from components.
//!
//! A [`TensorQuant`] turns a tensor into codes and back. [`RescalingIntQuant`] is the composition behind all integer
//! quantizers: a [`Scaling`] gives a threshold, an [`IntScaling`] says which code stands for it, a [`ZeroPoint`] and
//! a [`BitWidth`] complete the parameters, and an [`IntQuant`] rounds ([`FloatToInt`]) and clamps ([`Clamp`]).
//! Every part is a trait object, so any one of them can be replaced by another. Names are those of Brevitas.
//!
//! Quantizers are described by values, [`WeightQuant`], [`ActQuant`] and [`BiasQuant`], which solvers translate into
//! components; premade ones are constants. A proxy holds a quantizer for the layers that share it.
//!
//! Components see a tensor as `[groups, elems]`: one group per tensor, or one per channel. Scales are `[groups, 1]`.

mod accumulator_aware;
mod attributes;
mod bias;
mod binary;
mod bit_width;
mod clamp;
pub(crate) mod definition;
mod delay;
mod int_quant;
mod int_scaling;
mod named;
mod provider;
mod proxy;
mod quotient;
mod rescaling_int_quant;
mod restrict;
mod rounding;
mod scaling;
mod solver;
mod stats;
mod ternary;
mod view;
mod zero_point;

pub use accumulator_aware::{AccumulatorAwareQuant, InputCodes};
pub use attributes::{
    BitWidthImplType, FloatToIntImplType, QuantType, RestrictValueType, ScalingImplType, ScalingInit,
    ScalingPerOutputType, StatsOp, ZeroPointImpl,
};
pub use bias::BiasQuantProxy;
pub use binary::{BinaryQuant, ClampedBinaryQuant};
pub use bit_width::{BitWidth, BitWidthConst, BitWidthParameter, BitWidthStatefulConst};
pub use clamp::{Bounds, Clamp, ScalarClampMin, TensorClamp, TensorClampSte};
pub use definition::{ActQuant, BiasQuant, WeightQuant};
pub use delay::DelayWrapper;
pub use int_quant::IntQuant;
pub use int_scaling::{IntScaling, PlainIntScaling, PowerOfTwoIntScaling};
pub use named::*;
pub use provider::{BuildContext, Provider};
pub use proxy::{ActQuantProxy, WeightQuantProxy};
pub use rescaling_int_quant::{Quantized, RescalingIntQuant, TensorQuant};
pub use restrict::{FloatRestrictValue, LogFloatRestrictValue, PowerOfTwoRestrictValue, RestrictValue};
pub use rounding::{
    CeilSte, DPURoundSte, FloatToInt, FloorSte, LearnedRoundSte, RoundSte, RoundToZeroSte, StochasticRoundSte,
};
pub use scaling::{
    AffineRescaling, ConstScaling, ParameterFromRuntimeStatsScaling, ParameterFromStatsFromParameterScaling,
    ParameterScaling, Restriction, RuntimeStatsScaling, Scaling, StatsFromParameterScaling,
};
pub use solver::{ActQuantSolver, BiasQuantSolver, WeightQuantSolver};
pub use stats::{
    AbsAve, AbsMax, AbsMaxAve, AbsMinMax, AbsPercentile, MeanLearnedSigmaStd, MeanSigmaStd, Mse,
    NegativeMinOrZero, NegativePercentileOrZero, ParameterListStats, PercentileInterval, RuntimeStats, Stats,
};
pub use ternary::TernaryQuant;
pub use zero_point::{
    ParameterFromRuntimeZeroPoint, ParameterZeroPoint, ScaleShiftZeroPoint, StatsFromParameterZeroPoint,
    ZeroPoint, ZeroZeroPoint,
};

pub use crate::codes::{CodeRounding, FixedQuantizer, QuantizerError};
pub use crate::error::QuantizerBuildError;
pub use crate::math::View;
