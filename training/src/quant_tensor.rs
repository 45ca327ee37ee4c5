//! Quantized tensors: values together with the scale, zero point and bit width of their codes.
//!
//! In training a quantized tensor is fake-quantized: floats inside an autograd graph. In evaluation it holds exact
//! integer codes, and its value is derived from them.

mod arithmetic;
mod average;
mod display;
mod shape;
mod trunc;
mod width;

pub(crate) use shape::same_but;

use thiserror::Error;

use crate::backend::{self, Tensor};
use crate::exact::{ExactTensor, Offset};
use crate::math::View;

pub use crate::error::OperandError;

/// A tensor whose values are codes of an integer quantizer, or sums of products of such codes.
#[derive(Clone, Debug)]
pub struct QuantTensor<const D: usize> {
    representation: Representation<D>,
}

#[derive(Clone, Debug)]
enum Representation<const D: usize> {
    Fake(Box<FakeQuantized<D>>),
    Exact(Box<ExactTensor<D>>),
}

/// The fake-quantized form: everything may carry gradients.
#[derive(Clone, Debug)]
pub(crate) struct FakeQuantized<const D: usize> {
    pub(crate) value: Tensor<D>,
    /// `[1, 1]` or `[channels, 1]`.
    pub(crate) scale: Tensor<2>,
    pub(crate) zero_point: Tensor<2>,
    pub(crate) bit_width: Tensor<2>,
    /// The dimension that has a scale per index.
    pub(crate) axis: Option<usize>,
    pub(crate) signed: bool,
    pub(crate) training: bool,
    /// Whether operands of different scales were joined: the scale is an average, and values are no codes.
    pub(crate) averaged: bool,
}

/// The values of a fake-quantized tensor are not codes times a scale.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("value {value} at index {index} is no integer code: it is {code} steps of its scale")]
pub struct NotInteger {
    /// Row-major index.
    pub index: usize,
    /// The value found.
    pub value: f32,
    /// The value in units of its scale.
    pub code: f32,
}

impl<const D: usize> From<FakeQuantized<D>> for QuantTensor<D> {
    fn from(fake: FakeQuantized<D>) -> Self {
        Self { representation: Representation::Fake(Box::new(fake)) }
    }
}

impl<const D: usize> From<ExactTensor<D>> for QuantTensor<D> {
    fn from(exact: ExactTensor<D>) -> Self {
        Self { representation: Representation::Exact(Box::new(exact)) }
    }
}

impl<const D: usize> QuantTensor<D> {
    /// The values as floats.
    pub fn value(&self) -> Tensor<D> {
        match &self.representation {
            Representation::Fake(fake) => fake.value.clone(),
            Representation::Exact(exact) => {
                let channel_of = exact.channel_of();
                let (_, channels) = exact.layout();
                let constants: Vec<(f64, f64)> = (0..channels.max(1))
                    .map(|c| (exact.scales[c % exact.scales.len()].nearest(), exact.offset.at(c).nearest()))
                    .collect();
                let real = |(index, code): (usize, i64)| {
                    let (scale, offset) = constants[channel_of(index)];
                    ((code - i64::from(exact.zero_point)) as f64 * scale + offset) as f32
                };
                let values = exact.integers().into_iter().enumerate().map(real).collect();
                backend::tensor(values, exact.dims(), &backend::evaluation_device())
            }
        }
    }

    /// One scale, or one per channel.
    pub fn scale(&self) -> Vec<f32> {
        match &self.representation {
            Representation::Fake(fake) => backend::to_f32(&fake.scale),
            Representation::Exact(exact) => exact.scales.iter().map(|scale| scale.nearest() as f32).collect(),
        }
    }

    /// The code that stands for zero: one, or one per channel. A real offset counts as a part of it that is no whole
    /// number.
    pub fn zero_point(&self) -> Vec<f32> {
        match &self.representation {
            Representation::Fake(fake) => backend::to_f32(&fake.zero_point),
            Representation::Exact(exact) => exact.zero_points(),
        }
    }

    /// Bits of a code. For accumulators the bits that any weights of their width could need.
    pub fn bit_width(&self) -> f32 {
        match &self.representation {
            Representation::Fake(fake) => backend::scalar(&fake.bit_width),
            Representation::Exact(exact) => f32::from(exact.declared_bits),
        }
    }

    /// [`bit_width`](Self::bit_width) as a tensor, `[1, 1]`; in training with its gradient, so that a loss can hold the
    /// cost of wide codes and accumulators.
    pub fn bit_width_tensor(&self) -> Tensor<2> {
        match &self.representation {
            Representation::Fake(fake) => fake.bit_width.clone(),
            Representation::Exact(_) => {
                backend::tensor(vec![self.bit_width()], [1, 1], &backend::evaluation_device())
            }
        }
    }

    /// Whether codes may be negative.
    pub fn signed(&self) -> bool {
        match &self.representation {
            Representation::Fake(fake) => fake.signed,
            Representation::Exact(exact) => exact.signed,
        }
    }

    /// Whether this comes from a training pass.
    pub fn training(&self) -> bool {
        self.fake().is_some_and(|fake| fake.training)
    }

    /// The integer codes, row-major. For accumulators with a bias in their units the bias is part of the code.
    ///
    /// # Errors
    ///
    /// If values of a training pass are not codes, within the rounding of `f32`. Exact tensors always have codes.
    pub fn codes(&self) -> Result<Vec<i64>, NotInteger> {
        match &self.representation {
            Representation::Fake(fake) if fake.averaged => Err(fake.averaged_codes()),
            Representation::Fake(fake) => fake.codes(),
            Representation::Exact(exact) => Ok(exact_codes(exact)),
        }
    }

    /// The exact real values of an evaluation, row-major: scales, offsets and codes without any rounding. `None` of a
    /// fake-quantized tensor.
    pub fn exact_values(&self) -> Option<Vec<num_rational::BigRational>> {
        let exact = self.exact()?;
        let channel_of = exact.channel_of();
        let real = |(index, code): (usize, i64)| {
            let channel = channel_of(index);
            let scale = exact.scales[channel % exact.scales.len()].exact();
            scale * num_bigint::BigInt::from(code - i64::from(exact.zero_point))
                + exact.offset.at(channel).exact()
        };
        Some(exact.integers().into_iter().enumerate().map(real).collect())
    }

    /// Whether [`codes`](Self::codes) succeeds and all codes fit the bit width.
    pub fn is_valid(&self) -> bool {
        let bits = self.bit_width() as u32;
        let (lo, hi) = if bits == 1 && self.signed() {
            // Codes of one bit are signs.
            (-1, 1)
        } else if self.signed() {
            (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        };
        self.codes().is_ok_and(|codes| codes.iter().all(|code| (lo..=hi).contains(&i128::from(*code))))
    }

    pub(crate) fn fake(&self) -> Option<&FakeQuantized<D>> {
        match &self.representation {
            Representation::Fake(fake) => Some(fake),
            Representation::Exact(_) => None,
        }
    }

    pub(crate) fn exact(&self) -> Option<&ExactTensor<D>> {
        match &self.representation {
            Representation::Fake(_) => None,
            Representation::Exact(exact) => Some(exact),
        }
    }
}

impl<const D: usize> FakeQuantized<D> {
    /// What to say of a tensor without an integer view, by its first value.
    fn averaged_codes(&self) -> NotInteger {
        let value = backend::to_f32(&self.value).first().copied().unwrap_or_default();
        let scale = backend::to_f32(&self.scale).first().copied().unwrap_or(1.0);
        NotInteger { index: 0, value, code: value / scale }
    }

    fn codes(&self) -> Result<Vec<i64>, NotInteger> {
        let view = self.axis.map_or(View::PerTensor, |axis| View::PerChannel { axis });
        let viewed = view.apply(self.value.clone().inner());
        let scaled = viewed / self.scale.clone().inner() + self.zero_point.clone().inner();
        let scaled = backend::to_f32(&view.restore(scaled, self.value.dims()));
        let values = backend::to_f32(&self.value);
        let code = |(index, (code, value)): (usize, (&f32, f32))| {
            let rounded = code.round_ties_even();
            // An accumulator of many products drifts by a few units in the last place.
            let tolerated = 0.1 + code.abs() * 1e-6;
            if (code - rounded).abs() <= tolerated && code.is_finite() {
                Ok(rounded as i64)
            } else {
                Err(NotInteger { index, value, code: *code })
            }
        };
        scaled.iter().zip(values).enumerate().map(code).collect()
    }
}

/// Codes of an exact tensor, the bias included where it is in units of the accumulator.
pub(crate) fn exact_codes<const D: usize>(exact: &ExactTensor<D>) -> Vec<i64> {
    let integers = exact.integers();
    match &exact.offset {
        Offset::Codes { codes, .. } if exact.offset_in_units() => {
            let channel_of = exact.channel_of();
            let bias = |index: usize| i64::from(codes[channel_of(index)]);
            integers.into_iter().enumerate().map(|(index, code)| code + bias(index)).collect()
        }
        _ => integers,
    }
}
