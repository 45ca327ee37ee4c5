//! From values to codes and back, given scale, zero point and bit width.
//!
//! `q = clamp(round(x / s + z))`, and the value that stands for `x` is `(q - z) * s`.

use std::sync::Arc;

use exactum_runtime::num::IntType;

use super::restrict::exp2;
use super::{Bounds, Clamp, DelayWrapper, FloatToInt};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::kernels::{self, FakeQuant};

/// Rounds and clamps to integer codes.
#[derive(Clone)]
pub struct IntQuant {
    /// Rounding.
    pub float_to_int_impl: Arc<dyn FloatToInt>,
    /// Limits to the codes of the type.
    pub tensor_clamp_impl: Arc<dyn Clamp>,
    /// Whether codes may be negative.
    pub signed: bool,
    /// Whether one end of the range is left out.
    pub narrow_range: bool,
    /// Delays quantization in training.
    pub delay_wrapper: DelayWrapper,
}

impl IntQuant {
    /// The codes of `x`, `[groups, elems]`, as floats.
    pub fn to_int(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: Tensor<2>,
    ) -> Tensor<2> {
        let scaled = x / scale.clone();
        let shifted = if is_zero(zero_point) { scaled } else { scaled + zero_point.clone() };
        let rounded = self.float_to_int_impl.forward(shifted);
        self.tensor_clamp_impl.forward(rounded, &self.bounds(bit_width))
    }

    /// The values that the codes of `x` stand for.
    pub fn forward(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: Tensor<2>,
    ) -> Tensor<2> {
        if let Some(value) = self.fused(scale, zero_point, bit_width, &x) {
            return value;
        }
        let codes = self.to_int(scale, zero_point, bit_width, x);
        let centred = if is_zero(zero_point) { codes } else { codes - zero_point.clone() };
        centred * scale.clone()
    }

    /// The same in one pass, if the components allow it and no gradient goes to zero point or bit width.
    fn fused(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: &Tensor<2>,
    ) -> Option<Tensor<2>> {
        let pass_through = self.tensor_clamp_impl.fused_pass_through()?;
        let constant = !zero_point.is_tracked() && zero_point.dims() == [1, 1];
        if !constant || !self.float_to_int_impl.is_fused() {
            return None;
        }
        let (min, max) = self.bounds(bit_width).constants()?;
        let zero_point = backend::scalar(zero_point);
        kernels::fake_quant(x, scale, FakeQuant { min, max, zero_point, pass_through })
    }

    /// The integer type of a whole `bit_width`, or `None` outside 1 to 32.
    pub fn int_type(&self, bit_width: u8) -> Option<IntType> {
        IntType::new(bit_width, self.signed, self.narrow_range)
    }

    /// Smallest and largest code of a bit width, `[1, 1]`, with its gradient.
    pub fn bounds(&self, bit_width: &Tensor<2>) -> Bounds {
        let narrow = f32::from(u8::from(self.narrow_range));
        if self.signed {
            let half = exp2(bit_width.clone() - 1.0);
            Bounds { min: half.clone().neg() + narrow, max: half - 1.0 }
        } else {
            let max = exp2(bit_width.clone()) - 1.0 - narrow;
            Bounds { min: max.zeros_like(), max }
        }
    }
}

/// Whether a zero point is the constant zero, so that two passes over the tensor can be left out.
fn is_zero(zero_point: &Tensor<2>) -> bool {
    !zero_point.is_tracked() && zero_point.dims() == [1, 1] && backend::scalar(zero_point) == 0.0
}

impl Component for IntQuant {
    fn label(&self) -> String {
        format!("IntQuant(signed={}, narrow_range={})", self.signed, self.narrow_range)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![
            ("float_to_int_impl", &*self.float_to_int_impl),
            ("tensor_clamp_impl", &*self.tensor_clamp_impl),
            ("delay_wrapper", &self.delay_wrapper),
        ]
    }
}
