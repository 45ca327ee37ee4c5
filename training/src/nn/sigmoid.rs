//! The logistic function, then quantization.

use super::function::Function;
use super::quant_act::{ActBuilder, QuantAct, activation_layer};
use crate::quant::Uint8ActPerTensorFloat;

activation_layer! {
    /// Computes `1 / (1 + exp(-x))`, then quantizes.
    QuantSigmoid
}

impl QuantSigmoid {
    /// A builder; the default quantizer is [`Uint8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Uint8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, function: Function::Sigmoid, proxy })
        })
    }
}
