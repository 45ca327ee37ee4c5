//! Premade quantizers under the names Brevitas gave them.
#![allow(non_upper_case_globals, reason = "the names are those of the field")]

use super::{ActQuant, BiasQuant, RestrictValueType, WeightQuant, WeightScaling};

/// 8-bit signed weights, -127 to 127, one float scale: largest magnitude / 127.
pub const Int8WeightPerTensorFloat: WeightQuant = WeightQuant {
    bit_width: 8,
    narrow_range: true,
    scaling_impl_type: WeightScaling::Stats,
    restrict_scaling_type: RestrictValueType::Fp,
    scaling_per_output_channel: false,
    scaling_min_val: 1e-10,
};

/// As [`Int8WeightPerTensorFloat`], with one scale per output channel.
pub const Int8WeightPerChannelFloat: WeightQuant =
    WeightQuant { scaling_per_output_channel: true, ..Int8WeightPerTensorFloat };

/// 8-bit signed weights with one power-of-two scale: the next power of two not below the largest magnitude, / 128.
pub const Int8WeightPerTensorFixedPoint: WeightQuant =
    WeightQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8WeightPerTensorFloat };

/// As [`Int8WeightPerTensorFixedPoint`], with one scale per output channel.
pub const Int8WeightPerChannelFixedPoint: WeightQuant =
    WeightQuant { scaling_per_output_channel: true, ..Int8WeightPerTensorFixedPoint };

/// 8-bit signed activations with one float scale, first collected, then learned.
pub const Int8ActPerTensorFloat: ActQuant = ActQuant {
    bit_width: 8,
    signed: true,
    narrow_range: false,
    restrict_scaling_type: RestrictValueType::Fp,
    high_percentile_q: 99.999,
    collect_stats_steps: 300,
    scaling_stats_momentum: 0.1,
    max_val: None,
    scaling_min_val: 1e-10,
};

/// As [`Int8ActPerTensorFloat`], unsigned: for activations that are not negative.
pub const Uint8ActPerTensorFloat: ActQuant = ActQuant { signed: false, ..Int8ActPerTensorFloat };

/// 8-bit signed activations with one power-of-two scale.
pub const Int8ActPerTensorFixedPoint: ActQuant =
    ActQuant { restrict_scaling_type: RestrictValueType::PowerOfTwo, ..Int8ActPerTensorFloat };

/// 8-bit unsigned activations with one power-of-two scale.
pub const Uint8ActPerTensorFixedPoint: ActQuant = ActQuant { signed: false, ..Int8ActPerTensorFixedPoint };

/// 16-bit signed biases in units of the accumulator: input scale times weight scale.
pub const Int16Bias: BiasQuant = BiasQuant { bit_width: 16 };

/// 32-bit signed biases in units of the accumulator.
pub const Int32Bias: BiasQuant = BiasQuant { bit_width: 32 };
