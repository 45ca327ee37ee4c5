//! From values to codes and back, given scale, zero point and bit width.
//!
//! `q = clamp(round(x / s + z))`, rounded once, and the value that stands for `x` is `(q - z) * s`.

use std::sync::Arc;

use exactum_runtime::num::IntType;

use super::quotient::{Operand, is_zero, quotient};
use super::{Bounds, Clamp, DelayWrapper, FixedQuantizer, FloatToInt, QuantizerError};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::kernels::{self, FakeQuant};
use crate::math::{exp2, exp2_of, map_values};

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
    /// The codes of `x`, `[groups, elems]`, as floats. Those of up to 23 bits are the codes of evaluation.
    pub fn to_int(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: Tensor<2>,
    ) -> Tensor<2> {
        self.codes(scale, zero_point, bit_width, x, Operand::Exact)
    }

    fn codes(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: Tensor<2>,
        operand: Operand,
    ) -> Tensor<2> {
        let rounded = self.float_to_int_impl.forward(quotient(x, scale, zero_point, operand));
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
        self.values(scale, zero_point, bit_width, x, Operand::Exact)
    }

    /// As [`forward`](Self::forward), of an `x` that is known as `operand` says.
    pub(super) fn values(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
        x: Tensor<2>,
        operand: Operand,
    ) -> Tensor<2> {
        if let Some(value) = self.fused(scale, zero_point, bit_width, &x, operand) {
            return value;
        }
        let codes = self.codes(scale, zero_point, bit_width, x, operand);
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
        operand: Operand,
    ) -> Option<Tensor<2>> {
        let pass_through = self.tensor_clamp_impl.fused_pass_through()?;
        let constant = !zero_point.is_tracked() && zero_point.dims() == [1, 1];
        if !constant || !self.float_to_int_impl.is_fused() {
            return None;
        }
        let (min, max) = self.bounds(bit_width).constants()?;
        let zero_point = backend::scalar(zero_point);
        let exact = operand == Operand::Exact;
        kernels::fake_quant(x, scale, FakeQuant { min, max, zero_point, pass_through, exact })
    }

    /// The integer type of a whole `bit_width`, or `None` outside 1 to 32.
    pub fn int_type(&self, bit_width: u8) -> Option<IntType> {
        IntType::new(bit_width, self.signed, self.narrow_range)
    }

    /// Reads the parameters of a quantizer and checks that they are an integer quantizer.
    pub(super) fn fixed(
        &self,
        scale: &Tensor<2>,
        zero_point: &Tensor<2>,
        bit_width: &Tensor<2>,
    ) -> Result<FixedQuantizer, QuantizerError> {
        let bit_width = backend::scalar(bit_width);
        let whole = bit_width == bit_width.trunc() && (1.0..=32.0).contains(&bit_width);
        let int_type = if whole { self.int_type(bit_width as u8) } else { None };
        let least = least_bits(self.signed, self.narrow_range);
        let int_type = int_type.filter(|int_type| int_type.width.bits() >= least);
        let int_type = int_type.ok_or(QuantizerError::BitWidth { bit_width })?;
        let zero_points = backend::to_f32(zero_point);
        let integer = |z: &f32| *z == z.trunc() && z.abs() < 2f32.powi(31);
        if !zero_points.iter().all(integer) {
            return Err(QuantizerError::ZeroPoint { zero_points });
        }
        let quantizer = FixedQuantizer::new(backend::to_f32(scale), 0, int_type)?;
        Ok(quantizer
            .with_zero_points(zero_points.into_iter().map(|z| z as i32).collect())
            .with_rounding(self.float_to_int_impl.rounding()))
    }

    /// Smallest and largest code of a bit width, `[1, 1]`, with its gradient.
    pub fn bounds(&self, bit_width: &Tensor<2>) -> Bounds {
        let narrow = f32::from(u8::from(self.narrow_range));
        if !bit_width.is_tracked() {
            let of = |code: &dyn Fn(f32) -> f32| map_values(bit_width, code);
            return if self.signed {
                Bounds {
                    min: of(&|bits| narrow - exp2_of(bits - 1.0)),
                    max: of(&|bits| exp2_of(bits - 1.0) - 1.0),
                }
            } else {
                Bounds { min: of(&|_| 0.0), max: of(&|bits| exp2_of(bits) - 1.0 - narrow) }
            };
        }
        if self.signed {
            let half = exp2(bit_width.clone() - 1.0);
            Bounds { min: half.clone().neg() + narrow, max: half - 1.0 }
        } else {
            let max = exp2(bit_width.clone()) - 1.0 - narrow;
            Bounds { min: max.zeros_like(), max }
        }
    }
}

/// The fewest bits of integers with codes on both sides of zero, or of two codes where none is negative. One bit less makes
/// a scale infinite or codes of one sign.
pub(super) fn least_bits(signed: bool, narrow_range: bool) -> u8 {
    1 + u8::from(signed || narrow_range)
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
