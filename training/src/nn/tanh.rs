//! The hyperbolic tangent, then quantization.

use super::function::Function;
use super::quant_act::{ActBuilder, QuantAct, activation_layer};
use crate::quant::Int8ActPerTensorFloat;

activation_layer! {
    /// Computes the hyperbolic tangent, then quantizes.
    QuantTanh
}

impl QuantTanh {
    /// A builder; the default quantizer is [`Int8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Int8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, function: Function::Tanh, proxy })
        })
    }
}
