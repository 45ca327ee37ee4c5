//! Premade bias quantizers.

use crate::quant::{BiasQuant, RestrictValueType};

/// 8-bit signed biases in units of the accumulator: input scale times weight scale.
pub const Int8Bias: BiasQuant = BiasQuant::BASE;

/// 16-bit signed biases in units of the accumulator.
pub const Int16Bias: BiasQuant = BiasQuant { bit_width: 16, ..Int8Bias };

/// 24-bit signed biases in units of the accumulator.
pub const Int24Bias: BiasQuant = BiasQuant { bit_width: 24, ..Int8Bias };

/// 32-bit signed biases in units of the accumulator.
pub const Int32Bias: BiasQuant = BiasQuant { bit_width: 32, ..Int8Bias };

/// 8-bit signed biases with a float scale of their own: largest magnitude / 128.
pub const Int8BiasPerTensorFloatInternalScaling: BiasQuant =
    BiasQuant { requires_input_scale: false, ..Int8Bias };

/// 8-bit signed biases with a power-of-two scale of their own.
pub const Int8BiasPerTensorFixedPointInternalScaling: BiasQuant = BiasQuant {
    restrict_scaling_type: RestrictValueType::PowerOfTwo,
    ..Int8BiasPerTensorFloatInternalScaling
};
