//! Biases in units of the accumulator.
//!
//! A bias has no scale of its own: it takes input scale times weight scale, so that its codes add to the
//! accumulator's. A layer whose input has no scale therefore cannot have a quantized bias.

use std::sync::Arc;

use exactum_runtime::num::IntType;

use super::{
    BitWidth, BitWidthConst, FixedQuantizer, IntQuant, Quantized, QuantizerError, RoundSte, TensorClamp,
};
use crate::backend::Tensor;
use crate::component::Component;
use crate::{Mode, Parameter};

/// A bias quantizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BiasQuant {
    /// Bits of a code; codes are signed.
    pub bit_width: u8,
}

impl BiasQuant {
    /// The quantizer of a layer's bias.
    pub fn build(&self) -> BiasQuantProxy {
        let int_quant = IntQuant {
            float_to_int_impl: Arc::new(RoundSte),
            tensor_clamp_impl: Arc::new(TensorClamp),
            signed: true,
            narrow_range: false,
        };
        BiasQuantProxy { int_quant, bit_width: BitWidthConst { bit_width: self.bit_width } }
    }
}

/// Quantizes a bias by a scale from outside.
#[derive(Clone)]
pub struct BiasQuantProxy {
    int_quant: IntQuant,
    bit_width: BitWidthConst,
}

impl BiasQuantProxy {
    /// Fake-quantizes `bias`, `[channels]`, by `scale`, `[1, 1]` or `[channels, 1]`. The value is `[1, channels]` or
    /// `[channels, 1]` accordingly.
    pub fn forward(&self, bias: &Parameter, scale: Tensor<2>, mode: Mode) -> Quantized {
        let groups = scale.dims()[0];
        let x = bias.tensor(mode, [groups, bias.len_elems() / groups.max(1)]);
        let bit_width = self.bit_width.forward(mode);
        let zero_point = Tensor::zeros([1, 1], &scale.device().inner());
        let value = self.int_quant.forward(&scale, &zero_point, &bit_width, x);
        Quantized { value, scale, zero_point, bit_width }
    }

    /// Bits of a code.
    pub fn bits(&self) -> u8 {
        self.bit_width.bit_width
    }

    /// The quantizer with one scale, or one per channel.
    ///
    /// # Errors
    ///
    /// If a scale is not positive and finite.
    pub fn fixed(&self, scales: Vec<f32>) -> Result<FixedQuantizer, QuantizerError> {
        let bits = self.bits();
        let bit_width = QuantizerError::BitWidth { bit_width: f32::from(bits) };
        FixedQuantizer::new(scales, 0, IntType::new(bits, true, false).ok_or(bit_width)?)
    }
}

impl Component for BiasQuantProxy {
    fn label(&self) -> String {
        "BiasQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("int_quant", &self.int_quant), ("msb_clamp_bit_width_impl", &self.bit_width)]
    }
}
