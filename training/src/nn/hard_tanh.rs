//! A clip to a range, then quantization.

use super::function::Function;
use super::quant_act::{ActBuilder, QuantAct, activation_layer};
use crate::quant::Int8ActPerTensorFloatMinMaxInit;

activation_layer! {
    /// Limits its input to a range, then quantizes.
    QuantHardTanh
}

impl QuantHardTanh {
    /// A builder of a layer that limits values to `min_val ..= max_val`. The default quantizer is
    /// [`Int8ActPerTensorFloatMinMaxInit`], whose learned scale starts at this range.
    pub fn builder(name: impl Into<String>, min_val: f32, max_val: f32) -> ActBuilder<Self> {
        let function = Function::HardTanh { min: min_val, max: max_val };
        ActBuilder::new(name, Int8ActPerTensorFloatMinMaxInit, move |name, proxy| {
            Self(QuantAct { name, function, proxy })
        })
        .min_val(min_val)
        .max_val(max_val)
    }
}
