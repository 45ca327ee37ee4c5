//! Quantizers to minus one and one.

use std::sync::Arc;

use super::{Bounds, Clamp, DelayWrapper, FixedQuantizer, Quantized, QuantizerError, Scaling, TensorQuant};
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;

/// The sign times the scale; zero counts as positive. The gradient passes unchanged.
#[derive(Clone)]
pub struct BinaryQuant {
    /// Scales.
    pub scaling_impl: Arc<dyn Scaling>,
    /// Delays quantization.
    pub delay_wrapper: DelayWrapper,
}

/// As [`BinaryQuant`], with a clamp to plus and minus the scale before.
#[derive(Clone)]
pub struct ClampedBinaryQuant {
    /// Scale and delay.
    pub binary: BinaryQuant,
    /// The clamp, which decides about the gradient beyond the scale.
    pub tensor_clamp_impl: Arc<dyn Clamp>,
    /// Whether stored weights are clipped to plus and minus the scale on every training pass.
    pub clip_weights: bool,
}

impl BinaryQuant {
    fn quantize(&self, x: Tensor<2>, clamp: Option<&dyn Clamp>, mode: Mode) -> Quantized {
        let scale = backend::beside(self.scaling_impl.forward(Some(&x), mode), &x);
        let clamped = match clamp {
            Some(clamp) => {
                let bounds = Bounds { min: scale.clone().neg(), max: scale.clone() };
                clamp.forward(x.clone(), &bounds)
            }
            None => x.clone(),
        };
        let negative = clamped.clone().lower_elem(0.0);
        let sign = clamped.ones_like().mask_fill(negative, -1.0);
        let value = straight_through(clamped, sign) * scale.clone();
        let one = backend::constant(vec![1.0], [1, 1], &scale);
        Quantized {
            value: self.delay_wrapper.forward(|| x, value, mode),
            zero_point: one.zeros_like(),
            bit_width: one,
            scale,
        }
    }

    fn scales(&self) -> Vec<f32> {
        backend::to_f32(&self.scaling_impl.forward(None, Mode::Eval))
    }
}

impl TensorQuant for BinaryQuant {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        self.quantize(x, None, mode)
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        FixedQuantizer::bipolar(self.scales())
    }

    fn signed(&self) -> bool {
        true
    }
}

impl TensorQuant for ClampedBinaryQuant {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Quantized {
        self.binary.quantize(x, Some(&*self.tensor_clamp_impl), mode)
    }

    fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        self.binary.fixed()
    }

    fn signed(&self) -> bool {
        true
    }

    fn clip(&self) -> Option<Vec<f32>> {
        self.clip_weights.then(|| self.binary.scales())
    }
}

impl Component for BinaryQuant {
    fn label(&self) -> String {
        "BinaryQuant".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("scaling_impl", &*self.scaling_impl), ("delay_wrapper", &self.delay_wrapper)]
    }
}

impl Component for ClampedBinaryQuant {
    fn label(&self) -> String {
        "ClampedBinaryQuant".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts = self.binary.children();
        parts.push(("tensor_clamp_impl", &*self.tensor_clamp_impl));
        parts
    }
}
