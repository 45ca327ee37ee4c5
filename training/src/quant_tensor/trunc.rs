//! Dropping low bits of codes, for a coarser scale.

use exactum_runtime::num::{IntType, Rounding};

use super::arithmetic::all_zero;
use super::{FakeQuantized, OperandError, QuantTensor, Representation};
use crate::backend::{self, Tensor};
use crate::exact::{ExactTensor, Offset};
use crate::math::straight_through;
use crate::real::Real;

impl<const D: usize> QuantTensor<D> {
    /// This average of windows of `count` elements of `input`, with `shift` low bits dropped, limited to `bits`; and the
    /// scales before and behind. These are the `f32` numbers of a stored operator.
    ///
    /// # Errors
    ///
    /// If the input has a zero point, a bias, or one scale per channel.
    pub(crate) fn truncate(
        &self,
        input: &Self,
        count: usize,
        shift: u8,
        bits: u8,
        rounding: Rounding,
    ) -> Result<(Self, [f32; 2]), OperandError> {
        let scale = input.scale();
        let ([scale], true) = (&scale[..], input.is_symmetric()) else { return Err(OperandError::Offset) };
        let divisor = 2f32.powi(i32::from(shift));
        let scale = scale / count as f32;
        let output_scale = scale * divisor;
        let signed = input.signed();
        let int_type = IntType::new(bits, signed, false).ok_or_else(|| OperandError::Shape {
            found: vec![usize::from(bits)],
            needed: "integer type: a bit width from 1 to 32 is needed".into(),
        })?;
        let (lo, hi) = (int_type.min() as f64, int_type.max() as f64);
        let round = |x: Tensor<D>| if rounding == Rounding::Floor { x.floor() } else { x.round() };
        let truncated = match &self.representation {
            Representation::Exact(exact) => ExactTensor {
                codes: round(exact.codes.clone() / divisor).clamp(lo, hi),
                range: int_type.range(),
                scales: vec![Real::from(output_scale)],
                signed,
                declared_bits: bits,
                ..(**exact).clone()
            }
            .into(),
            Representation::Fake(fake) => {
                let per_tensor = |x: &Tensor<2>| x.clone().reshape([1; D]);
                let codes = fake.value.clone() / per_tensor(&fake.scale);
                let codes = straight_through(codes.clone(), codes.round()) / divisor;
                let codes = straight_through(codes.clone(), round(codes)).clamp(lo, hi);
                let scale = fake.scale.clone() * divisor;
                FakeQuantized {
                    value: codes * per_tensor(&scale),
                    scale,
                    bit_width: backend::constant(vec![f32::from(bits)], [1, 1], &fake.bit_width),
                    signed,
                    ..(**fake).clone()
                }
                .into()
            }
        };
        Ok((truncated, [scale, output_scale]))
    }

    /// Whether codes are values in units of one positive scale.
    fn is_symmetric(&self) -> bool {
        match &self.representation {
            Representation::Fake(fake) => all_zero(&fake.zero_point),
            Representation::Exact(exact) => {
                exact.zero_point == 0 && exact.offset == Offset::Zero && !exact.scales[0].is_negative()
            }
        }
    }
}
