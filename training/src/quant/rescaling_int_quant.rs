//! The composition behind all integer quantizers that find their own scale.

use std::sync::Arc;

use super::quotient::{self, Operand};
use super::{BitWidth, FixedQuantizer, InputCodes, IntQuant, IntScaling, QuantizerError, Scaling, ZeroPoint};
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// What a tensor quantizer returns: values that codes stand for, and how.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// `(code - zero_point) * scale`, in the shape of the input.
    pub value: Tensor<2>,
    /// `[groups, 1]`.
    pub scale: Tensor<2>,
    /// In codes, `[1, 1]` or `[groups, 1]`.
    pub zero_point: Tensor<2>,
    /// In bits, `[1, 1]`.
    pub bit_width: Tensor<2>,
}

/// Fake quantization of a tensor, and the fixed quantizer that evaluation uses.
pub trait TensorQuant: Component {
    /// Quantizes and dequantizes `x`, `[groups, elems]`.
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized;

    /// As [`forward`](Self::forward), of an `x` that training computed from codes and scales, and so knows to single
    /// precision alone: what is next to an integer of this quantizer is that integer.
    fn requantize(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        self.forward(x, mode)
    }

    /// Scale, zero point and integer type as they stand.
    ///
    /// # Errors
    ///
    /// If they do not form an integer quantizer; see [`QuantizerError`].
    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError>;

    /// Whether codes may be negative.
    fn signed(&self) -> bool;

    /// The exact codes of `values`, row-major, whose groups are runs of `run_elems` elements, and the quantizer that
    /// gives these codes back from the values that stand for them.
    ///
    /// # Errors
    ///
    /// As [`fixed`](Self::fixed).
    fn codes(&self, values: &[f32], run_elems: usize) -> Result<(Vec<i32>, FixedQuantizer), QuantizerError> {
        let quantizer = self.fixed()?;
        let codes = quantizer.storable(quantizer.quantize(values, run_elems), run_elems);
        Ok((codes, quantizer.of_codes()))
    }

    /// Told of the codes of a layer's input before the layer quantizes its weight. Only quantizers that keep accumulators
    /// within a width care.
    fn set_input(&self, _input: InputCodes) {}

    /// Limits, one or one per group, that stored weights are clipped to on every training pass, if they are.
    fn clip(&self) -> Option<Vec<f32>> {
        None
    }
}

/// An integer quantizer with its own scaling.
#[derive(Clone)]
pub struct RescalingIntQuant {
    /// Rounding and clamping.
    pub int_quant: IntQuant,
    /// Thresholds.
    pub scaling_impl: Arc<dyn Scaling>,
    /// The code that stands for the threshold.
    pub int_scaling_impl: Arc<dyn IntScaling>,
    /// The code that stands for zero.
    pub zero_point_impl: Arc<dyn ZeroPoint>,
    /// Bits of a code.
    pub msb_clamp_bit_width_impl: Arc<dyn BitWidth>,
}

impl RescalingIntQuant {
    /// Scale, zero point and bit width for `x`.
    fn parameters(&self, x: Option<&Tensor<2>>, mode: Mode) -> [Tensor<2>; 3] {
        let threshold = self.scaling_impl.forward(x, mode);
        let threshold = match x {
            Some(x) => backend::beside(threshold, x),
            None => threshold,
        };
        let bit_width = backend::beside(self.msb_clamp_bit_width_impl.forward(mode), &threshold);
        let divisor = self.int_scaling_impl.forward(bit_width.clone());
        let scale = quotient::scale(threshold, divisor, self.int_quant.float_to_int_impl.rounding());
        let zero_point = self.zero_point_impl.forward(x, &scale, &bit_width, mode);
        [scale, zero_point, bit_width]
    }

    fn quantize(&self, x: Tensor<2>, mode: Mode, operand: Operand) -> Quantized {
        let [scale, zero_point, bit_width] = self.parameters(Some(&x), mode);
        let value = self.int_quant.values(&scale, &zero_point, &bit_width, x.clone(), operand);
        let value = self.int_quant.delay_wrapper.forward(|| x, value, mode);
        Quantized { value, scale, zero_point, bit_width }
    }
}

impl TensorQuant for RescalingIntQuant {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        self.quantize(x, mode, Operand::Exact)
    }

    fn requantize(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        self.quantize(x, mode, Operand::Computed)
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        if self.scaling_impl.is_dynamic() {
            return Err(QuantizerError::Dynamic);
        }
        let [scale, zero_point, bit_width] = self.parameters(None, Mode::Eval);
        self.int_quant.fixed(&scale, &zero_point, &bit_width)
    }

    fn signed(&self) -> bool {
        self.int_quant.signed
    }

    fn codes(&self, values: &[f32], run_elems: usize) -> Result<(Vec<i32>, FixedQuantizer), QuantizerError> {
        let quantizer = self.fixed()?;
        let mut codes = quantizer.quantize(values, run_elems);
        if let Some(rounded_up) = self.int_quant.float_to_int_impl.rounded_up() {
            quantizer.round_up(values, run_elems, &rounded_up, &mut codes);
        }
        Ok((quantizer.storable(codes, run_elems), quantizer.of_codes()))
    }
}

impl Component for RescalingIntQuant {
    fn label(&self) -> String {
        "RescalingIntQuant".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![
            ("int_quant", &self.int_quant),
            ("scaling_impl", &*self.scaling_impl),
            ("int_scaling_impl", &*self.int_scaling_impl),
            ("zero_point_impl", &*self.zero_point_impl),
            ("msb_clamp_bit_width_impl", &*self.msb_clamp_bit_width_impl),
        ]
    }
}
