//! Quantizers, composed from components.
//!
//! A [`TensorQuant`] turns a tensor into codes and back. [`RescalingIntQuant`] is the composition behind all integer
//! quantizers: a [`Scaling`] gives a threshold, an [`IntScaling`] says which code stands for it, a [`ZeroPoint`] and
//! a [`BitWidth`] complete the parameters, and an [`IntQuant`] rounds ([`FloatToInt`]) and clamps ([`Clamp`]).
//! Every part is a trait object, so any one of them can be replaced by another. Names are those of Brevitas.
//!
//! Components see a tensor as `[groups, elems]`: one group per tensor, or one per channel. Scales are `[groups, 1]`.

mod bias;
mod bit_width;
mod clamp;
mod fixed;
mod int_quant;
mod int_scaling;
mod named;
mod proxy;
mod rescaling_int_quant;
mod restrict;
mod rounding;
mod scaling;
mod spec;
mod stats;
mod view;
mod zero_point;

pub use bias::{BiasQuant, BiasQuantProxy};
pub use bit_width::{BitWidth, BitWidthConst};
pub use clamp::{Bounds, Clamp, ScalarClampMin, TensorClamp, TensorClampSte};
pub use fixed::{FixedQuantizer, QuantizerError};
pub use int_quant::IntQuant;
pub use int_scaling::{IntScaling, PlainIntScaling, PowerOfTwoIntScaling};
pub use named::*;
pub use proxy::{ActQuantProxy, WeightQuantProxy};
pub use rescaling_int_quant::{Quantized, RescalingIntQuant, TensorQuant};
pub use restrict::{FloatRestrictValue, LogFloatRestrictValue, PowerOfTwoRestrictValue, RestrictValue};
pub use rounding::{FloatToInt, RoundSte};
pub use scaling::{
    ConstScaling, ParameterFromRuntimeStatsScaling, ParameterScaling, Restriction, Scaling,
    StatsFromParameterScaling,
};
pub use spec::{ActQuant, RestrictValueType, WeightQuant, WeightScaling};
pub use stats::{AbsMax, AbsPercentile, Stats};
pub use view::View;
pub(crate) use view::broadcast;
pub use zero_point::{ZeroPoint, ZeroZeroPoint};

use crate::backend::Tensor;

/// `exact` in the forward pass, with the gradient of `x`.
///
/// The sum is exact where `exact - x` is: `exact` must be within a factor of two of `x`, or both integers.
pub(crate) fn straight_through<const D: usize>(x: Tensor<D>, exact: Tensor<D>) -> Tensor<D> {
    if x.is_tracked() { x.clone() + (exact - x).detach() } else { exact }
}
