//! Evaluation on integers: what the integer program computes, computed here.
//!
//! An [`ExactTensor`] holds codes, not values. Layers accumulate codes exactly (`carrier`) and requantize by the
//! exact function of the numeric contract (`requant`): one rounding (`rounder`), half to even unless the quantizer says
//! otherwise, of the exact real value. Layers call this in evaluation; the fake-quantized path exists for gradients.

mod carrier;
mod function;
mod requant;

pub(crate) use carrier::{Carrier, subset_bound};
pub(crate) use function::{clip, quantize_function, requantize_function};
pub(crate) use requant::requantize;

use exactum_runtime::num::IntRange;

use crate::backend::{self, Tensor};
use crate::codes::FixedQuantizer;
use crate::real::Real;

/// Integer codes of a tensor, and what they stand for: `(code - zero_point) * scale`, plus an offset for accumulators
/// with a bias.
#[derive(Clone, Debug)]
pub struct ExactTensor<const D: usize> {
    pub(crate) codes: Tensor<D>,
    /// What codes can be.
    pub(crate) range: IntRange,
    /// One, or one per channel. Batch norm can make them negative.
    pub(crate) scales: Vec<Real>,
    pub(crate) zero_point: i32,
    pub(crate) offset: Offset,
    /// The dimension of channels, for tensors with more than one scale or offset.
    pub(crate) axis: usize,
    pub(crate) signed: bool,
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
    /// Real constants, one for all channels or one per channel.
    Real(Vec<Real>),
}

impl Offset {
    /// The value in `channel`.
    pub(crate) fn at(&self, channel: usize) -> Real {
        match self {
            Self::Zero => Real::from(0.0f32),
            // The product of an `f32` and a 32-bit code is exact.
            Self::Codes { codes, scales } => {
                let code = Real::from(f64::from(codes[channel % codes.len()]));
                &code * &Real::from(scales[channel % scales.len()])
            }
            Self::Real(values) => values[channel % values.len()].clone(),
        }
    }

    /// The sum of two offsets of tensors with the same scales.
    pub(crate) fn sum(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Zero, offset) | (offset, Self::Zero) => offset.clone(),
            (Self::Codes { codes, scales }, Self::Codes { codes: others, scales: same })
                if scales == same && codes.len() == others.len() =>
            {
                let sums = codes.iter().zip(others).map(|(code, other)| code.checked_add(*other)).collect();
                match sums {
                    Some(codes) => Self::Codes { codes, scales: scales.clone() },
                    None => self.real_sum(other),
                }
            }
            _ => self.real_sum(other),
        }
    }

    fn real_sum(&self, other: &Self) -> Self {
        let channels = self.channels().max(other.channels());
        Self::Real((0..channels).map(|c| &self.at(c) + &other.at(c)).collect())
    }

    /// The negative for tensors whose scales stay as they are.
    pub(crate) fn neg(&self) -> Self {
        match self {
            Self::Zero => Self::Zero,
            offset => Self::Real((0..offset.channels()).map(|c| -&offset.at(c)).collect()),
        }
    }

    /// Repeats each channel, and then the row of all of them.
    pub(crate) fn repeat(&self, times: usize, tiles: usize) -> Self {
        match self {
            Self::Zero => Self::Zero,
            Self::Codes { codes, scales } => Self::Codes {
                codes: repeat_channels(codes, times, tiles),
                scales: repeat_channels(scales, times, tiles),
            },
            Self::Real(values) => Self::Real(repeat_channels(values, times, tiles)),
        }
    }

    fn channels(&self) -> usize {
        match self {
            Self::Zero => 1,
            Self::Codes { codes, .. } => codes.len(),
            Self::Real(values) => values.len(),
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
        layout(&self.dims(), self.axis)
    }

    /// The channel of each element, in row-major order.
    pub(crate) fn channel_of(&self) -> impl Fn(usize) -> usize + use<D> {
        channel_of(&self.dims(), self.axis)
    }

    /// Whether channels differ in scale or offset.
    pub(crate) fn per_channel(&self) -> bool {
        self.scales.len() > 1 || self.offset.channels() > 1
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
                let unit = |c: usize| self.scales[c % self.scales.len()].nearest() as f32;
                (0..channels).all(|c| scales[c % scales.len()] == unit(c))
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

    /// The same codes in a tensor of another rank, with channels along `axis`.
    pub(crate) fn rearranged<const E: usize>(&self, codes: Tensor<E>, axis: usize) -> ExactTensor<E> {
        ExactTensor {
            codes,
            range: self.range,
            scales: self.scales.clone(),
            zero_point: self.zero_point,
            offset: self.offset.clone(),
            axis,
            signed: self.signed,
            declared_bits: self.declared_bits,
        }
    }

    /// The same codes with other scales and offsets.
    pub(crate) fn with_channels(self, scales: Vec<Real>, offset: Offset) -> Self {
        Self { scales, offset, ..self }
    }

    /// The values times `factors` plus `offsets`, each one or one per index of dimension `axis`, which is that of
    /// channels if there are any: the same codes with other scales and offsets.
    pub(crate) fn affine(&self, factors: &[Real], offsets: &[Real], axis: usize) -> Self {
        let of = |values: &[Real], c: usize| values[c % values.len()].clone();
        let scales = self.scales.len().max(factors.len());
        let offset_channels = self.offset.channels().max(offsets.len()).max(match self.offset {
            Offset::Zero => 1,
            _ => factors.len(),
        });
        let scale = |c| &of(&self.scales, c) * &of(factors, c);
        let offset = |c| &(&self.offset.at(c) * &of(factors, c)) + &of(offsets, c);
        let offset: Vec<Real> = (0..offset_channels).map(offset).collect();
        let offset = if offset.iter().all(Real::is_zero) { Offset::Zero } else { Offset::Real(offset) };
        Self { axis, ..self.clone() }.with_channels((0..scales).map(scale).collect(), offset)
    }

    /// The codes that stand for zero, one or one per channel; real offsets make them fractions.
    pub(crate) fn zero_points(&self) -> Vec<f32> {
        let zero_point = |c: usize| {
            let scale = self.scales[c % self.scales.len()].nearest();
            (f64::from(self.zero_point) - self.offset.at(c).nearest() / scale) as f32
        };
        if self.offset_in_units() {
            return vec![self.zero_point as f32];
        }
        (0..self.offset.channels().max(self.scales.len())).map(zero_point).collect()
    }
}

/// Elements that share an index of dimension `axis` without a gap, and the extent of that dimension.
fn layout(dims: &[usize], axis: usize) -> (usize, usize) {
    (dims.iter().skip(axis + 1).product(), dims.get(axis).copied().unwrap_or(1))
}

/// The index along dimension `axis` of each element, in row-major order.
fn channel_of(dims: &[usize], axis: usize) -> impl Fn(usize) -> usize + use<> {
    let (run_elems, channels) = layout(dims, axis);
    move |index| index / run_elems.max(1) % channels.max(1)
}

/// The exact codes of float values, by one scale or one per index of dimension `axis`. `relu` keeps codes below the
/// zero point out.
pub(crate) fn quantize<const D: usize>(
    x: &Tensor<D>,
    quantizer: &FixedQuantizer,
    axis: usize,
    relu: bool,
) -> ExactTensor<D> {
    let values = backend::to_f32(x);
    let (run_elems, _) = layout(&x.dims(), axis);
    let zero = if quantizer.is_bipolar() { 1 } else { quantizer.zero_point() };
    let lowest = if relu { zero } else { i32::MIN };
    let codes = quantizer.quantize(&values, run_elems);
    from_codes(codes.into_iter().map(|code| code.max(lowest)), x.dims(), quantizer, axis)
}

/// A tensor of quantized codes, with channels along `axis`.
fn from_codes<const D: usize>(
    codes: impl Iterator<Item = i32>,
    shape: [usize; D],
    quantizer: &FixedQuantizer,
    axis: usize,
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
        scales: quantizer.scales().iter().map(|scale| Real::from(*scale)).collect(),
        zero_point: quantizer.zero_point(),
        offset: Offset::Zero,
        axis,
        signed: quantizer.range().lo < 0,
        declared_bits: int_type.width.bits(),
    }
}

/// Each value `times` times, and then all of them `tiles` times; one shared value stays one.
pub(crate) fn repeat_channels<T: Clone>(values: &[T], times: usize, tiles: usize) -> Vec<T> {
    if values.len() == 1 {
        return values.to_vec();
    }
    let row = values.iter().flat_map(|value| std::iter::repeat_n(value.clone(), times));
    std::iter::repeat_n(row.collect::<Vec<T>>(), tiles).flatten().collect()
}
