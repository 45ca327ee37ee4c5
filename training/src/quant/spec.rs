//! Descriptions of weight and activation quantizers, and how they become components.
//!
//! A description is plain data: the premade ones in `named` are constants, layers override single attributes by the
//! same names with a prefix (`weight_bit_width`). `build` chooses a component for each attribute.

use std::sync::Arc;

use super::{
    AbsMax, AbsPercentile, BitWidthConst, Clamp, ConstScaling, FloatRestrictValue, IntQuant, IntScaling,
    LogFloatRestrictValue, ParameterFromRuntimeStatsScaling, ParameterScaling, PlainIntScaling,
    PowerOfTwoIntScaling, PowerOfTwoRestrictValue, RescalingIntQuant, RestrictValue, Restriction, RoundSte,
    ScalarClampMin, Scaling, StatsFromParameterScaling, TensorClamp, TensorClampSte, View, ZeroZeroPoint,
};
use crate::Parameter;

/// Permitted scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestrictValueType {
    /// Any positive float.
    Fp,
    /// Any positive float, stored as a logarithm.
    LogFp,
    /// Powers of two: fixed point.
    PowerOfTwo,
}

/// Where the scale of a weight comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightScaling {
    /// The largest magnitude, on every pass.
    Stats,
    /// A learned parameter that starts at the largest magnitude.
    ParameterFromStats,
    /// A constant threshold.
    Const(f32),
}

/// A weight quantizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightQuant {
    /// Bits of a code.
    pub bit_width: u8,
    /// Leave out the most negative code.
    pub narrow_range: bool,
    /// Origin of the scale.
    pub scaling_impl_type: WeightScaling,
    /// Permitted scales.
    pub restrict_scaling_type: RestrictValueType,
    /// One scale per output channel instead of one per tensor.
    pub scaling_per_output_channel: bool,
    /// Smallest threshold.
    pub scaling_min_val: f32,
}

/// An activation quantizer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActQuant {
    /// Bits of a code.
    pub bit_width: u8,
    /// Whether codes may be negative.
    pub signed: bool,
    /// Leave out one end of the range.
    pub narrow_range: bool,
    /// Permitted scales.
    pub restrict_scaling_type: RestrictValueType,
    /// Percentile of the magnitudes that the threshold starts from.
    pub high_percentile_q: f64,
    /// Training passes that collect statistics before the threshold is learned.
    pub collect_stats_steps: usize,
    /// Weight of the newest statistic in the moving average.
    pub scaling_stats_momentum: f32,
    /// Learn the threshold from this value on instead of collecting statistics.
    pub max_val: Option<f32>,
    /// Smallest threshold.
    pub scaling_min_val: f32,
}

impl WeightQuant {
    /// The view of a weight whose output channels are dimension 0.
    pub fn view(&self) -> View {
        if self.scaling_per_output_channel { View::PerChannel { axis: 0 } } else { View::PerTensor }
    }

    /// The quantizer of `weight`.
    pub fn build(&self, weight: &Parameter) -> RescalingIntQuant {
        let restriction = restriction(self.restrict_scaling_type, self.scaling_min_val);
        let from_stats = StatsFromParameterScaling::new(
            weight.clone(),
            self.view(),
            Arc::new(AbsMax),
            restriction.clone(),
        );
        let (scaling, clamp): (Arc<dyn Scaling>, Arc<dyn Clamp>) = match self.scaling_impl_type {
            WeightScaling::Stats => (Arc::new(from_stats), Arc::new(TensorClampSte)),
            WeightScaling::ParameterFromStats => {
                let init = crate::backend::to_f32(&from_stats.forward(None, crate::Mode::Eval));
                (Arc::new(ParameterScaling::new(&init, restriction)), Arc::new(TensorClamp))
            }
            WeightScaling::Const(scaling_init) => {
                (Arc::new(ConstScaling { restriction, scaling_init }), Arc::new(TensorClampSte))
            }
        };
        compose(self.bit_width, true, self.narrow_range, self.restrict_scaling_type, scaling, clamp)
    }
}

impl ActQuant {
    /// A quantizer of activations with one scale.
    pub fn build(&self) -> RescalingIntQuant {
        let restriction = restriction(self.restrict_scaling_type, self.scaling_min_val);
        let scaling: Arc<dyn Scaling> = match self.max_val {
            Some(max_val) => Arc::new(ParameterScaling::new(&[max_val], restriction)),
            None => Arc::new(ParameterFromRuntimeStatsScaling::new(
                1,
                self.collect_stats_steps,
                self.scaling_stats_momentum,
                Arc::new(AbsPercentile { q: self.high_percentile_q }),
                restriction,
            )),
        };
        let clamp = Arc::new(TensorClamp);
        compose(self.bit_width, self.signed, self.narrow_range, self.restrict_scaling_type, scaling, clamp)
    }
}

fn restriction(kind: RestrictValueType, min_val: f32) -> Restriction {
    let restrict_scaling_impl: Arc<dyn RestrictValue> = match kind {
        RestrictValueType::Fp => Arc::new(FloatRestrictValue),
        RestrictValueType::LogFp => Arc::new(LogFloatRestrictValue),
        RestrictValueType::PowerOfTwo => Arc::new(PowerOfTwoRestrictValue),
    };
    Restriction { restrict_scaling_impl, clamp_scaling: ScalarClampMin { min_val } }
}

fn compose(
    bit_width: u8,
    signed: bool,
    narrow_range: bool,
    restrict: RestrictValueType,
    scaling_impl: Arc<dyn Scaling>,
    tensor_clamp_impl: Arc<dyn Clamp>,
) -> RescalingIntQuant {
    let int_scaling_impl: Arc<dyn IntScaling> = match restrict {
        RestrictValueType::PowerOfTwo => Arc::new(PowerOfTwoIntScaling { signed }),
        RestrictValueType::Fp | RestrictValueType::LogFp => {
            Arc::new(PlainIntScaling { signed, narrow_range })
        }
    };
    RescalingIntQuant {
        int_quant: IntQuant {
            float_to_int_impl: Arc::new(RoundSte),
            tensor_clamp_impl,
            signed,
            narrow_range,
        },
        scaling_impl,
        int_scaling_impl,
        zero_point_impl: Arc::new(ZeroZeroPoint),
        msb_clamp_bit_width_impl: Arc::new(BitWidthConst { bit_width }),
    }
}
