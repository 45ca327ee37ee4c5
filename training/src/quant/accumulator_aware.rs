//! Weights with which no accumulator of a given width can overflow.
//!
//! A2Q (Colbert et al. 2023) learns the 1-norm of each output channel and limits it to what the accumulator holds for
//! every input of the layer's input type; A2Q+ (2024) centres the weights first, which allows nearly twice the norm.

use std::sync::{Arc, Mutex, PoisonError};

use exactum_runtime::num::Rounding;

use super::{
    BitWidth, CodeRounding, FixedQuantizer, IntQuant, Quantized, QuantizerError, Restriction, Scaling,
    TensorQuant,
};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;
use crate::{Mode, Parameter};

/// `clamp(truncate(w / pre_scale)) * scale`, with `pre_scale = norm(w) / min(g / scale, limit)` per output channel.
///
/// Rounding toward zero and a `pre_scale` that is never rounded down keep the sum of magnitudes of a channel's codes
/// within the limit, in evaluation exactly.
pub struct AccumulatorAwareQuant {
    int_quant: IntQuant,
    scaling_impl: Arc<dyn Scaling>,
    /// What the learned norm may be.
    restriction: Restriction,
    /// The learned norms `g`, one per output channel, in the domain of the restriction.
    norm: Parameter,
    bit_width_impl: Arc<dyn BitWidth>,
    accumulator_bit_width: u8,
    zero_center: bool,
    input: Mutex<Option<InputCodes>>,
}

/// The codes a layer's input may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputCodes {
    /// Bits of a code.
    pub bit_width: f32,
    /// Whether they lie symmetrically around zero, up to the most negative one.
    pub signed: bool,
}

impl AccumulatorAwareQuant {
    /// A quantizer that starts at the 1-norms of `weight`, `[channels, elems]`. `int_quant` rounds toward zero.
    pub fn new(
        int_quant: IntQuant,
        scaling_impl: Arc<dyn Scaling>,
        restriction: Restriction,
        bit_width_impl: Arc<dyn BitWidth>,
        accumulator_bit_width: u8,
        zero_center: bool,
        weight: Tensor<2>,
    ) -> Self {
        let norms = restriction.store(weight.abs().sum_dim(1));
        let channels = norms.dims()[0];
        let norm = Parameter::new(backend::to_f32(&norms), &[channels]);
        let input = Mutex::new(None);
        Self {
            int_quant,
            scaling_impl,
            restriction,
            norm,
            bit_width_impl,
            accumulator_bit_width,
            zero_center,
            input,
        }
    }

    /// The greatest 1-norm of a channel's codes; infinite before the type of the input is known.
    fn limit(&self) -> f32 {
        let input = *self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(input) = input else { return f32::INFINITY };
        let (accumulator, bits) = (f64::from(self.accumulator_bit_width), f64::from(input.bit_width));
        let limit = if self.zero_center {
            (accumulator.exp2() - 2.0) / (bits.exp2() - 1.0)
        } else {
            ((accumulator - 1.0).exp2() - 1.0) * (f64::from(u8::from(input.signed)) - bits).exp2()
        };
        (limit as f32).next_down()
    }

    fn centred(&self, weight: Tensor<2>) -> Tensor<2> {
        if self.zero_center { weight.clone() - weight.mean_dim(1) } else { weight }
    }

    /// `[channels, 1]`, of centred weights.
    fn pre_scale(&self, weight: &Tensor<2>, scale: &Tensor<2>, mode: Mode) -> Tensor<2> {
        let [channels, elems] = weight.dims();
        let values = backend::to_f32(weight);
        let norms = values.chunks(elems.max(1)).map(|channel| {
            let sum = |sign: f64| channel.iter().map(|w| (f64::from(*w) * sign).max(0.0)).sum::<f64>();
            let norm = if self.zero_center { 2.0 * sum(1.0).max(sum(-1.0)) } else { sum(1.0) + sum(-1.0) };
            (norm as f32).next_up()
        });
        let exact = backend::constant(norms.collect(), [channels, 1], weight);
        let norm = straight_through(weight.clone().abs().sum_dim(1), exact);
        let learned = backend::beside(self.norm.tensor(mode, [channels, 1]), weight);
        let learned = self.restriction.forward(learned) / scale.clone();
        // Above the roundings of the quotient.
        let above = 1.0 + f64::from(f32::EPSILON) * 4.0;
        self.restriction.clamp_scaling.forward(norm / learned.clamp_max(self.limit())) * above
    }
}

impl TensorQuant for AccumulatorAwareQuant {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        let bit_width = backend::beside(self.bit_width_impl.forward(mode), &x);
        let scale = backend::beside(self.scaling_impl.forward(Some(&x), mode), &x);
        let zero_point = backend::constant(vec![0.0], [1, 1], &x);
        let centred = self.centred(x.clone());
        let pre_scale = self.pre_scale(&centred, &scale, mode);
        let codes = self.int_quant.to_int(&pre_scale, &zero_point, &bit_width, centred);
        let value = self.int_quant.delay_wrapper.forward(|| x, codes * scale.clone(), mode);
        Quantized { value, scale, zero_point, bit_width }
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        let bit_width = backend::scalar(&self.bit_width_impl.forward(Mode::Eval));
        let int_type = self.int_quant.int_type(bit_width as u8);
        let int_type = int_type.ok_or(QuantizerError::BitWidth { bit_width })?;
        FixedQuantizer::new(backend::to_f32(&self.scaling_impl.forward(None, Mode::Eval)), 0, int_type)
    }

    fn codes(&self, values: &[f32], run_elems: usize) -> Result<(Vec<i32>, FixedQuantizer), QuantizerError> {
        if self.limit() == f32::INFINITY {
            return Err(QuantizerError::Input);
        }
        let quantizer = self.fixed()?;
        let shape = [values.len() / run_elems.max(1), run_elems];
        let weight = backend::tensor(values.to_vec(), shape, &backend::evaluation_device());
        let centred = self.centred(weight);
        let scale = backend::beside(self.scaling_impl.forward(None, Mode::Eval), &centred);
        let pre_scales = backend::to_f32(&self.pre_scale(&centred, &scale, Mode::Eval));
        let codes = FixedQuantizer::new(pre_scales, 0, quantizer.int_type())?
            .with_rounding(CodeRounding::Mode(Rounding::Toward))
            .quantize(&backend::to_f32(&centred), run_elems);
        Ok((codes, quantizer))
    }

    fn signed(&self) -> bool {
        true
    }

    fn set_input(&self, input: InputCodes) {
        *self.input.lock().unwrap_or_else(PoisonError::into_inner) = Some(input);
    }
}

impl Component for AccumulatorAwareQuant {
    fn label(&self) -> String {
        format!(
            "AccumulatorAwareQuant(accumulator_bit_width={}, zero_center={})",
            self.accumulator_bit_width, self.zero_center
        )
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.norm)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![
            ("int_quant", &self.int_quant),
            ("scaling_impl", &*self.scaling_impl),
            ("msb_clamp_bit_width_impl", &*self.bit_width_impl),
        ]
    }
}
