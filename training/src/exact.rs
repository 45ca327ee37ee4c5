//! Evaluation on integers: what the integer program computes, computed here.
//!
//! An [`ExactTensor`] holds codes, not values. Layers accumulate codes exactly (`carrier`) and requantize by the
//! exact function of the numeric contract (`requant`): one rounding (`rounder`), half to even unless the quantizer says
//! otherwise, of the exact real value. Layers call this in evaluation; the fake-quantized path exists for gradients.

mod carrier;
mod requant;
mod rounder;

pub(crate) use carrier::{Carrier, subset_bound};
pub(crate) use requant::requantize;
pub(crate) use rounder::ExactRounder;

use exactum_runtime::num::{IntRange, IntType};
use num_bigint::BigInt;
use num_rational::BigRational;

use crate::backend::{self, Tensor};
use crate::quant::FixedQuantizer;

/// Integer codes of a tensor whose channels are dimension 1, and what they stand for: `(code - zero_point) * scale`,
/// plus an offset for accumulators with a bias.
#[derive(Clone, Debug)]
pub struct ExactTensor<const D: usize> {
    pub(crate) codes: Tensor<D>,
    pub(crate) range: IntRange,
    /// One, or one per channel. Products of two `f32` are exact here.
    pub(crate) scales: Vec<f64>,
    pub(crate) zero_point: i32,
    pub(crate) offset: Offset,
    /// The type of quantized codes; accumulators have none.
    pub(crate) int_type: Option<IntType>,
    /// Bits by the rule of the training library; the importer proves the true width.
    pub(crate) declared_bits: u8,
}

/// A real constant added to each channel of an accumulator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Offset {
    /// Nothing.
    Zero,
    /// `codes * scales`, one code per channel, one scale for all or one per channel.
    Codes { codes: Vec<i32>, scales: Vec<f32> },
    /// Floats, one per channel.
    Real(Vec<f32>),
}

impl Offset {
    /// Two factors of the value in `channel`, both exact.
    fn factors(&self, channel: usize) -> (f64, f64) {
        match self {
            Self::Zero => (0.0, 0.0),
            Self::Codes { codes, scales } => {
                (f64::from(scales[channel % scales.len()]), f64::from(codes[channel % codes.len()]))
            }
            Self::Real(values) => (f64::from(values[channel % values.len()]), 1.0),
        }
    }

    /// The exact value in `channel`.
    pub(crate) fn exact(&self, channel: usize) -> BigRational {
        let (scale, code) = self.factors(channel);
        rational(scale) * rational(code)
    }

    /// The value in `channel`, rounded at most once.
    pub(crate) fn nearest(&self, channel: usize) -> f64 {
        let (scale, code) = self.factors(channel);
        scale * code
    }

    /// Repeats each channel for the elements that flattening makes channels of.
    fn repeat(&self, times: usize) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Codes { codes, scales } => {
                Self::Codes { codes: repeat(codes, times), scales: repeat_channels(scales, times) }
            }
            Self::Real(values) => Self::Real(repeat(values, times)),
        }
    }
}

impl<const D: usize> ExactTensor<D> {
    /// Extents of the dimensions.
    pub fn dims(&self) -> [usize; D] {
        self.codes.dims()
    }

    /// Elements that share a channel without a gap, and the number of channels.
    pub(crate) fn layout(&self) -> (usize, usize) {
        let dims = self.dims();
        (dims.iter().skip(2).product(), dims.get(1).copied().unwrap_or(1))
    }

    /// The integers without the offset, row-major.
    pub(crate) fn integers(&self) -> Vec<i64> {
        backend::to_f64(&self.codes).into_iter().map(|code| code as i64).collect()
    }

    /// Whether the offset of every channel is a whole number of accumulator units: none, or quantized by the
    /// accumulator's scale rounded to `f32`.
    pub(crate) fn offset_in_units(&self) -> bool {
        match &self.offset {
            Offset::Zero => true,
            Offset::Real(_) => false,
            Offset::Codes { scales, .. } => {
                let channels = scales.len().max(self.scales.len());
                (0..channels).all(|c| scales[c % scales.len()] == self.scales[c % self.scales.len()] as f32)
            }
        }
    }

    /// Codes without zero point as a tensor of the carrier.
    pub(crate) fn centred(&self, carrier: Carrier) -> Tensor<D> {
        let codes = self.codes.clone().cast(carrier.dtype());
        if self.zero_point == 0 { codes } else { codes - f64::from(self.zero_point) }
    }

    /// The same codes in another arrangement that keeps values.
    pub(crate) fn with_codes(&self, codes: Tensor<D>) -> Self {
        Self { codes, ..self.clone() }
    }

    /// Codes as `[batch, features]`; scales and offsets of channels follow their elements.
    pub(crate) fn flatten(&self) -> ExactTensor<2> {
        let (run_elems, channels) = self.layout();
        let batch = self.dims()[0];
        ExactTensor {
            codes: self.codes.clone().reshape([batch, channels * run_elems]),
            range: self.range,
            scales: repeat_channels(&self.scales, run_elems),
            zero_point: self.zero_point,
            offset: self.offset.repeat(run_elems),
            int_type: self.int_type,
            declared_bits: self.declared_bits,
        }
    }
}

/// The exact codes of float values, by one scale or one per channel. `relu` keeps codes below the zero point out.
pub(crate) fn quantize<const D: usize>(
    x: &Tensor<D>,
    quantizer: &FixedQuantizer,
    relu: bool,
) -> ExactTensor<D> {
    let values = backend::to_f32(x);
    let run_elems = x.dims().iter().skip(2).product();
    let zero = if quantizer.is_bipolar() { 1 } else { quantizer.zero_point() };
    let lowest = if relu { zero } else { i32::MIN };
    let codes = quantizer.quantize(&values, run_elems);
    from_codes(codes.into_iter().map(|code| code.max(lowest)), x.dims(), quantizer)
}

/// A tensor of quantized codes.
fn from_codes<const D: usize>(
    codes: impl Iterator<Item = i32>,
    shape: [usize; D],
    quantizer: &FixedQuantizer,
) -> ExactTensor<D> {
    let int_type = quantizer.int_type();
    let device = backend::evaluation_device();
    let codes = if int_type.width.bits() <= 24 {
        backend::tensor(codes.map(|code| code as f32).collect(), shape, &device)
    } else {
        backend::tensor_f64(codes.map(f64::from).collect(), shape, &device)
    };
    ExactTensor {
        codes,
        range: quantizer.range(),
        scales: quantizer.scales().iter().map(|scale| f64::from(*scale)).collect(),
        zero_point: quantizer.zero_point(),
        offset: Offset::Zero,
        int_type: (!quantizer.is_bipolar()).then_some(int_type),
        declared_bits: int_type.width.bits(),
    }
}

/// A finite float as an exact rational; zero for infinities and NaN, which no checked quantizer holds.
pub(crate) fn rational(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap_or_else(|| BigRational::from_integer(BigInt::ZERO))
}

fn repeat<T: Copy>(values: &[T], times: usize) -> Vec<T> {
    values.iter().flat_map(|value| std::iter::repeat_n(*value, times)).collect()
}

/// Like [`repeat`], but one shared value stays one.
fn repeat_channels<T: Copy>(values: &[T], times: usize) -> Vec<T> {
    if values.len() == 1 { values.to_vec() } else { repeat(values, times) }
}
