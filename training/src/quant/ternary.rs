//! Quantizers to minus one, zero and one.

use std::sync::Arc;

use exactum_runtime::num::IntType;

use super::{DelayWrapper, FixedQuantizer, Quantized, QuantizerError, Scaling, TensorQuant};
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;

/// The sign times the scale where the magnitude exceeds `threshold` scales, zero elsewhere.
///
/// The gradient passes where the result is not zero.
#[derive(Clone)]
pub struct TernaryQuant {
    /// Scales.
    pub scaling_impl: Arc<dyn Scaling>,
    /// In scales. Evaluation on integers needs 0.5: the code of the nearest of the three values.
    pub threshold: f32,
    /// Delays quantization.
    pub delay_wrapper: DelayWrapper,
    /// Whether stored weights are clipped to plus and minus the scale on every training pass.
    pub clip_weights: bool,
}

impl TensorQuant for TernaryQuant {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        let scale = backend::beside(self.scaling_impl.forward(Some(&x), mode), &x);
        let limit = (scale.clone() * self.threshold).expand(x.dims());
        let small = x.clone().abs().lower_equal(limit);
        let sign = straight_through(x.clone(), x.clone().sign()).mask_fill(small, 0.0);
        let two = backend::constant(vec![2.0], [1, 1], &scale);
        Quantized {
            value: self.delay_wrapper.forward(|| x, sign * scale.clone(), mode),
            zero_point: two.zeros_like(),
            bit_width: two,
            scale,
        }
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        let ternary = IntType::new(2, true, true).filter(|_| self.threshold == 0.5);
        let ternary = ternary.ok_or(QuantizerError::Threshold { found: self.threshold })?;
        FixedQuantizer::new(backend::to_f32(&self.scaling_impl.forward(None, Mode::Eval)), 0, ternary)
    }

    fn signed(&self) -> bool {
        true
    }

    fn clip(&self) -> Option<Vec<f32>> {
        self.clip_weights.then(|| backend::to_f32(&self.scaling_impl.forward(None, Mode::Eval)))
    }
}

impl Component for TernaryQuant {
    fn label(&self) -> String {
        format!("TernaryQuant(threshold={})", self.threshold)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("scaling_impl", &*self.scaling_impl), ("delay_wrapper", &self.delay_wrapper)]
    }
}
