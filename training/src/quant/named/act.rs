//! Premade activation quantizers.

use crate::quant::{ActQuant, QuantType, RestrictValueType, ScalingImplType, StatsOp, ZeroPointImpl};

/// 8-bit signed activations with one float scale, first collected from the 99.999 percentile, then learned.
pub const Int8ActPerTensorFloat: ActQuant = ActQuant {
    scaling_impl_type: ScalingImplType::ParameterFromStats,
    scaling_stats_op: StatsOp::Percentile,
    high_percentile_q: Some(99.999),
    collect_stats_steps: Some(300),
    ..ActQuant::BASE
};

/// As [`Int8ActPerTensorFloat`], unsigned: for activations that are not negative.
pub const Uint8ActPerTensorFloat: ActQuant = ActQuant { signed: false, ..Int8ActPerTensorFloat };

/// 8-bit signed activations with one power-of-two scale.
pub const Int8ActPerTensorFixedPoint: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8ActPerTensorFloat };

/// 8-bit unsigned activations with one power-of-two scale.
pub const Uint8ActPerTensorFixedPoint: ActQuant = ActQuant { signed: false, ..Int8ActPerTensorFixedPoint };

/// As [`Int8ActPerTensorFloat`], collecting the thresholds of least squared error.
pub const Int8ActPerTensorFloatMSE: ActQuant =
    ActQuant { scaling_stats_op: StatsOp::Mse, ..Int8ActPerTensorFloat };

/// As [`Int8ActPerTensorFloatMSE`], unsigned.
pub const Uint8ActPerTensorFloatMSE: ActQuant = ActQuant { signed: false, ..Int8ActPerTensorFloatMSE };

/// As [`Int8ActPerTensorFixedPoint`], collecting the thresholds of least squared error.
pub const Int8ActPerTensorFixedPointMSE: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8ActPerTensorFloatMSE };

/// As [`Int8ActPerTensorFixedPointMSE`], unsigned.
pub const Uint8ActPerTensorFixedPointMSE: ActQuant =
    ActQuant { signed: false, ..Int8ActPerTensorFixedPointMSE };

/// 8-bit signed activations with one learned float scale that starts at a range; needs `min_val` and `max_val`.
pub const Int8ActPerTensorFloatMinMaxInit: ActQuant =
    ActQuant { scaling_impl_type: ScalingImplType::Parameter, ..ActQuant::BASE };

/// 8-bit unsigned activations with one learned float scale that starts at a maximum; needs `max_val`.
pub const Uint8ActPerTensorFloatMaxInit: ActQuant =
    ActQuant { signed: false, min_val: Some(0.0), ..Int8ActPerTensorFloatMinMaxInit };

/// As [`Int8ActPerTensorFloatMinMaxInit`], with a power-of-two scale.
pub const Int8ActPerTensorFixedPointMinMaxInit: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8ActPerTensorFloatMinMaxInit };

/// As [`Uint8ActPerTensorFloatMaxInit`], with a power-of-two scale.
pub const Uint8ActPerTensorFixedPointMaxInit: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Uint8ActPerTensorFloatMaxInit };

/// 8-bit unsigned activations with one float scale and a zero point, from percentiles at both ends.
pub const ShiftedUint8ActPerTensorFloat: ActQuant = ActQuant {
    signed: false,
    scaling_stats_op: StatsOp::PercentileInterval,
    low_percentile_q: Some(0.001),
    zero_point_impl: ZeroPointImpl::ParameterFromRuntime,
    ..Int8ActPerTensorFloat
};

/// As [`ShiftedUint8ActPerTensorFloat`], with a power-of-two scale.
pub const ShiftedUint8ActPerTensorFixedPoint: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..ShiftedUint8ActPerTensorFloat };

/// Activations of -1 and 1.
pub const SignedBinaryActPerTensorConst: ActQuant = ActQuant {
    quant_type: QuantType::Binary,
    bit_width: 1,
    narrow_range: true,
    scaling_impl_type: ScalingImplType::Const,
    min_val: Some(-1.0),
    max_val: Some(1.0),
    ..ActQuant::BASE
};

/// 2-bit activations of -1, 0 and 1.
pub const SignedTernaryActPerTensorConst: ActQuant = ActQuant {
    bit_width: 2,
    narrow_range: true,
    scaling_impl_type: ScalingImplType::Const,
    min_val: Some(-1.0),
    max_val: Some(1.0),
    ..ActQuant::BASE
};
