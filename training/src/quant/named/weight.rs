//! Premade weight quantizers.

use crate::quant::{
    FloatToIntImplType, QuantType, RestrictValueType, ScalingImplType, ScalingPerOutputType, StatsOp,
    WeightQuant, ZeroPointImpl,
};

/// 8-bit signed weights, -127 to 127, one float scale: largest magnitude / 127.
pub const Int8WeightPerTensorFloat: WeightQuant = WeightQuant { narrow_range: true, ..WeightQuant::BASE };

/// As [`Int8WeightPerTensorFloat`], with one scale per output channel.
pub const Int8WeightPerChannelFloat: WeightQuant =
    WeightQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..Int8WeightPerTensorFloat };

/// 8-bit signed weights with one power-of-two scale: the next power of two not below the largest magnitude, / 128.
pub const Int8WeightPerTensorFixedPoint: WeightQuant =
    WeightQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8WeightPerTensorFloat };

/// As [`Int8WeightPerTensorFixedPoint`], with one scale per output channel.
pub const Int8WeightPerChannelFixedPoint: WeightQuant =
    WeightQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..Int8WeightPerTensorFixedPoint };

/// As [`Int8WeightPerTensorFloat`], with a learned scale that starts where the squared error is least.
pub const Int8WeightPerTensorFloatMSE: WeightQuant = WeightQuant {
    scaling_impl_type: ScalingImplType::ParameterFromStats,
    scaling_stats_op: StatsOp::Mse,
    ..Int8WeightPerTensorFloat
};

/// As [`Int8WeightPerTensorFloatMSE`], with one scale per output channel.
pub const Int8WeightPerChannelFloatMSE: WeightQuant =
    WeightQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..Int8WeightPerTensorFloatMSE };

/// As [`Int8WeightPerTensorFixedPoint`], with a learned scale that starts where the squared error is least.
pub const Int8WeightPerTensorFixedPointMSE: WeightQuant =
    WeightQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8WeightPerTensorFloatMSE };

/// As [`Int8WeightPerTensorFixedPointMSE`], with one scale per output channel.
pub const Int8WeightPerChannelFixedPointMSE: WeightQuant = WeightQuant {
    scaling_per_output_type: ScalingPerOutputType::Channel,
    ..Int8WeightPerTensorFixedPointMSE
};

/// 8-bit unsigned weights with a zero point: one float scale, the range from the smallest weight to the largest / 255.
pub const ShiftedUint8WeightPerTensorFloat: WeightQuant = WeightQuant {
    signed: false,
    scaling_stats_op: StatsOp::MinMax,
    zero_point_impl: ZeroPointImpl::StatsFromParameter,
    ..WeightQuant::BASE
};

/// As [`ShiftedUint8WeightPerTensorFloat`], with one scale and zero point per output channel.
pub const ShiftedUint8WeightPerChannelFloat: WeightQuant = WeightQuant {
    scaling_per_output_type: ScalingPerOutputType::Channel,
    signed: false,
    scaling_stats_op: StatsOp::MinMax,
    zero_point_impl: ZeroPointImpl::StatsFromParameter,
    ..WeightQuant::BASE
};

/// Weights of -0.1 and 0.1. The stored weights are clipped to that range on every training pass.
pub const SignedBinaryWeightPerTensorConst: WeightQuant = WeightQuant {
    quant_type: QuantType::Binary,
    bit_width: 1,
    narrow_range: true,
    scaling_impl_type: ScalingImplType::Const,
    scaling_const: Some(0.1),
    clip_weights: true,
    ..WeightQuant::BASE
};

/// 2-bit weights of -0.1, 0 and 0.1. The stored weights are clipped to that range on every training pass.
pub const SignedTernaryWeightPerTensorConst: WeightQuant = WeightQuant {
    bit_width: 2,
    narrow_range: true,
    scaling_impl_type: ScalingImplType::Const,
    scaling_const: Some(0.1),
    clip_weights: true,
    ..WeightQuant::BASE
};

/// 8-bit weights, rounded toward zero, with one learned scale per output channel, of which no accumulator of 32 bits, or
/// of `accumulator_bit_width`, can overflow: A2Q.
pub const Int8AccumulatorAwareWeightQuant: WeightQuant = WeightQuant {
    narrow_range: true,
    scaling_per_output_type: ScalingPerOutputType::Channel,
    scaling_impl_type: ScalingImplType::ParameterFromStats,
    restrict_scaling_type: RestrictValueType::LogFp,
    float_to_int_impl_type: FloatToIntImplType::RoundToZero,
    accumulator_bit_width: Some(32),
    ..WeightQuant::BASE
};

/// As [`Int8AccumulatorAwareWeightQuant`], with centred weights, whose magnitudes may be nearly twice as large: A2Q+.
pub const Int8AccumulatorAwareZeroCenterWeightQuant: WeightQuant =
    WeightQuant { zero_center_weights: true, ..Int8AccumulatorAwareWeightQuant };
