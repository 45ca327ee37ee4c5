//! Functions that keep a quantized tensor quantized: they move codes, choose among them, or limit them.
//!
//! A function is invariant if, applied to values, it gives codes of the same scale, zero point and width. Each one here
//! applies to values and to codes alike.

use super::{FakeQuantized, OperandError, QuantTensor, Representation};
use crate::backend::{self, Tensor};
use crate::exact::{Carrier, ExactTensor, Offset, repeat_channels};
use crate::math::broadcast;
use crate::real::Real;

impl<const D: usize> QuantTensor<D> {
    /// Extents of the dimensions.
    pub fn dims(&self) -> [usize; D] {
        match &self.representation {
            Representation::Fake(fake) => fake.value.dims(),
            Representation::Exact(exact) => exact.dims(),
        }
    }

    /// The same elements in row-major order in another shape. Scales of channels follow their elements.
    ///
    /// # Errors
    ///
    /// If the number of elements differs, or elements would be separated from the scale of their channel.
    pub fn reshape<const E: usize>(&self, shape: [usize; E]) -> Result<QuantTensor<E>, OperandError> {
        let dims = self.dims();
        if dims.iter().product::<usize>() != shape.iter().product::<usize>() {
            let needed = format!("{} elements for shape {shape:?}", shape.iter().product::<usize>());
            return Err(OperandError::Shape { found: dims.to_vec(), needed });
        }
        let follow = |axis: usize| carry(&dims, axis, &shape).ok_or(OperandError::Channels { axis });
        Ok(match &self.representation {
            Representation::Fake(fake) => {
                let kept = fake.axis.filter(|_| fake.scale.dims()[0] > 1).map(follow).transpose()?;
                let repeat = |per_channel: &Tensor<2>| match (per_channel.dims()[0], kept) {
                    (1, _) | (_, None) => per_channel.clone(),
                    (channels, Some(Carried { times, tiles, .. })) => {
                        let repeated = per_channel.clone().expand([channels, times]);
                        repeated.reshape([channels * times, 1]).repeat_dim(0, tiles)
                    }
                };
                FakeQuantized {
                    value: fake.value.clone().reshape(shape),
                    scale: repeat(&fake.scale),
                    zero_point: repeat(&fake.zero_point),
                    bit_width: fake.bit_width.clone(),
                    axis: kept.map(|carried| carried.axis),
                    signed: fake.signed,
                    training: fake.training,
                    averaged: fake.averaged,
                }
                .into()
            }
            Representation::Exact(exact) => {
                let codes = exact.codes.clone().reshape(shape);
                if !exact.per_channel() {
                    return Ok(exact.rearranged(codes, 1).into());
                }
                let Carried { axis, times, tiles } = follow(exact.axis)?;
                let scales = repeat_channels(&exact.scales, times, tiles);
                exact.rearranged(codes, axis).with_channels(scales, exact.offset.repeat(times, tiles)).into()
            }
        })
    }

    /// The dimensions in another order: dimension `i` of the result is dimension `axes[i]`.
    ///
    /// # Errors
    ///
    /// If `axes` does not name each dimension once.
    pub fn permute(&self, axes: [usize; D]) -> Result<Self, OperandError> {
        permutation(self.dims(), axes)?;
        let moved = |axis: usize| axes.iter().position(|from| *from == axis).unwrap_or(axis);
        Ok(match &self.representation {
            Representation::Fake(fake) => FakeQuantized {
                value: fake.value.clone().permute(axes),
                axis: fake.axis.map(moved),
                ..(**fake).clone()
            }
            .into(),
            Representation::Exact(exact) => {
                exact.rearranged(exact.codes.clone().permute(axes), moved(exact.axis)).into()
            }
        })
    }

    /// The tensors one behind the other along dimension `dim`. Bit widths and signs must be equal, in evaluation scales
    /// and zero points, too; in training these are averaged.
    ///
    /// # Errors
    ///
    /// If the tensors do not fit each other.
    pub fn cat(tensors: &[&Self], dim: usize) -> Result<Self, OperandError> {
        let Some((first, rest)) = tensors.split_first() else { return Err(OperandError::Empty) };
        for other in rest {
            same_but(&first.dims(), &other.dims(), dim)?;
            first.joins(other, dim)?;
        }
        let fakes: Option<Vec<_>> = tensors.iter().map(|tensor| tensor.fake()).collect();
        if let Some(fakes) = fakes {
            return Ok(FakeQuantized::cat(&fakes, dim)?.into());
        }
        let exacts: Option<Vec<_>> = tensors.iter().map(|tensor| tensor.exact()).collect();
        Ok(ExactTensor::cat(&exacts.ok_or(OperandError::Passes)?, dim)?.into())
    }

    /// The checks of a concatenation, in the order of Brevitas.
    fn joins(&self, other: &Self, dim: usize) -> Result<(), OperandError> {
        if !(self.training() || other.training()) {
            match (self.exact(), other.exact()) {
                (Some(left), Some(right))
                    if left.axis == dim && left.per_channel() && right.per_channel() => {}
                (Some(left), Some(right)) => left.same_scales(right)?,
                _ if self.scale() == other.scale() => {}
                _ => return Err(OperandError::Scales { left: self.scale(), right: other.scale() }),
            }
            let zero_points = |tensor: &Self| match tensor.exact() {
                Some(exact) => vec![exact.zero_point as f32],
                None => tensor.zero_point(),
            };
            let (left, right) = (zero_points(self), zero_points(other));
            if left != right {
                return Err(OperandError::ZeroPoints { left, right });
            }
        }
        let (left, right) = (self.bit_width(), other.bit_width());
        if left != right {
            return Err(OperandError::BitWidths { left, right });
        }
        if self.signed() == other.signed() { Ok(()) } else { Err(OperandError::Signs) }
    }

    /// Zeros around the last dimensions, pairs of before and behind from the last but `N - 1` dimension on. The codes of
    /// the padding are zero points.
    ///
    /// # Errors
    ///
    /// If zero is no code: the tensor is an accumulator with a bias; or if there are fewer dimensions.
    pub fn pad<const N: usize>(&self, pads: [(usize, usize); N]) -> Result<Self, OperandError> {
        if N > D || (self.exact().is_some_and(|exact| exact.offset != Offset::Zero)) {
            return Err(OperandError::Offset);
        }
        let padded = |x: Tensor<D>, zero: f32| x.pad(pads, burn::tensor::ops::PadMode::Constant(zero));
        Ok(match &self.representation {
            Representation::Fake(fake) => {
                FakeQuantized { value: padded(fake.value.clone(), 0.0), ..(**fake).clone() }.into()
            }
            Representation::Exact(exact) => {
                exact.with_codes(padded(exact.codes.clone(), exact.zero_point as f32)).into()
            }
        })
    }

    /// Values below zero become zero.
    ///
    /// # Errors
    ///
    /// If zero is no code: the tensor is an accumulator with a bias, which a `QuantReLU` takes.
    pub fn relu(&self) -> Result<Self, OperandError> {
        match &self.representation {
            Representation::Fake(fake) => {
                Ok(FakeQuantized { value: backend::relu(fake.value.clone()), ..(**fake).clone() }.into())
            }
            Representation::Exact(exact) if exact.offset == Offset::Zero && exact.rises() => {
                Ok(exact.with_codes(exact.codes.clone().clamp_min(exact.zero_point)).into())
            }
            Representation::Exact(_) => Err(OperandError::Offset),
        }
    }

    /// Values limited to `min ..= max`, if the bounds are codes or beyond all codes; `None` if the result is no longer
    /// quantized.
    pub fn hardtanh(&self, min: f32, max: f32) -> Option<Self> {
        if !self.limited_by(min) || !self.limited_by(max) || min > max {
            return None;
        }
        match &self.representation {
            Representation::Fake(fake) => {
                let value = fake.value.clone().clamp(min, max);
                Some(FakeQuantized { value, ..(**fake).clone() }.into())
            }
            Representation::Exact(exact) => {
                let code = |bound: f32| exact.code_of(bound).nearest();
                Some(exact.with_codes(exact.codes.clone().clamp(code(min), code(max))).into())
            }
        }
    }

    /// Whether a bound is a code, or beyond all codes.
    fn limited_by(&self, bound: f32) -> bool {
        match &self.representation {
            Representation::Exact(exact) => {
                if exact.per_channel() || exact.offset != Offset::Zero || !exact.rises() {
                    return false;
                }
                let code = exact.code_of(bound);
                let beyond = code.nearest() > exact.range.hi as f64 || code.nearest() < exact.range.lo as f64;
                beyond || code.exact().is_integer()
            }
            Representation::Fake(fake) => {
                let (scale, zero_point) = (self.scale(), self.zero_point());
                let ([scale], [zero_point]) = (&scale[..], &zero_point[..]) else { return false };
                let code = bound / scale + zero_point;
                let half = 2f32.powf(self.bit_width() - f32::from(u8::from(fake.signed)));
                let (lo, hi) = if fake.signed { (-half, half - 1.0) } else { (0.0, half - 1.0) };
                code <= lo || code >= hi || code == code.trunc()
            }
        }
    }

    /// Whether channels differ in scale or offset.
    pub(crate) fn per_channel(&self) -> bool {
        match &self.representation {
            Representation::Fake(fake) => fake.scale.dims()[0] > 1,
            Representation::Exact(exact) => exact.per_channel(),
        }
    }

    /// The same values in another arrangement: `map` applies to values and to codes alike and keeps channels.
    pub(crate) fn rearrange(&self, map: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Self {
        match &self.representation {
            Representation::Fake(fake) => {
                FakeQuantized { value: map(fake.value.clone()), ..(**fake).clone() }.into()
            }
            Representation::Exact(exact) => exact.with_codes(map(exact.codes.clone())).into(),
        }
    }

    /// As [`rearrange`](Self::rearrange), for a choice of the largest element of each window: where a scale is below
    /// zero the largest value has the least code.
    pub(crate) fn choose_largest(&self, map: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Self {
        match self.exact().filter(|exact| !exact.rises()) {
            None => self.rearrange(map),
            Some(exact) => {
                let sign = |scale: &Real| if scale.is_negative() { -1.0 } else { 1.0 };
                let signs: Vec<f64> = exact.scales.iter().map(sign).collect();
                let groups = signs.len();
                let device = backend::evaluation_device();
                let signs = backend::tensor_f64(signs, [groups, 1], &device);
                let axis = (groups > 1).then_some(exact.axis);
                let signs: Tensor<D> = broadcast(signs.cast(exact.codes.dtype()), axis);
                let chosen = map(exact.codes.clone() * signs.clone()) * signs;
                exact.with_codes(chosen).into()
            }
        }
    }
}

impl<const D: usize> FakeQuantized<D> {
    fn cat(tensors: &[&Self], dim: usize) -> Result<Self, OperandError> {
        let first = tensors[0];
        if let Some(other) = tensors.iter().find(|other| other.scale.dims() != first.scale.dims()) {
            return Err(first.scales_differ(other));
        }
        if let Some(axis) = first.axis.filter(|axis| *axis == dim && first.scale.dims()[0] > 1) {
            return Err(OperandError::Channels { axis });
        }
        let average = |part: fn(&Self) -> &Tensor<2>| {
            let sum = tensors[1..].iter().fold(part(first).clone(), |sum, next| sum + part(next).clone());
            sum / tensors.len() as f64
        };
        let same = tensors.iter().all(|other| {
            super::arithmetic::same_values(&first.scale, &other.scale)
                && super::arithmetic::same_values(&first.zero_point, &other.zero_point)
        });
        Ok(Self {
            value: Tensor::cat(tensors.iter().map(|tensor| tensor.value.clone()).collect(), dim),
            scale: if same { first.scale.clone() } else { average(|tensor| &tensor.scale) },
            zero_point: if same { first.zero_point.clone() } else { average(|tensor| &tensor.zero_point) },
            bit_width: first.bit_width.clone(),
            axis: first.axis,
            signed: first.signed,
            training: tensors.iter().any(|tensor| tensor.training),
            averaged: !same || tensors.iter().any(|tensor| tensor.averaged),
        })
    }
}

impl<const D: usize> ExactTensor<D> {
    fn cat(tensors: &[&Self], dim: usize) -> Result<Self, OperandError> {
        let first = tensors[0];
        let per_channel = tensors.iter().any(|tensor| tensor.per_channel());
        let axis = tensors.iter().find(|tensor| tensor.per_channel()).map_or(first.axis, |t| t.axis);
        if per_channel && tensors.iter().any(|tensor| tensor.per_channel() && tensor.axis != axis) {
            return Err(OperandError::Channels { axis });
        }
        let f64_needed = tensors.iter().any(|tensor| tensor.codes.dtype() == Carrier::F64.dtype().into());
        let carrier = if f64_needed { Carrier::F64 } else { Carrier::F32 };
        let codes = tensors.iter().map(|tensor| tensor.codes.clone().cast(carrier.dtype())).collect();
        let joined = Self { codes: Tensor::cat(codes, dim), axis, ..first.clone() };
        let range = tensors.iter().fold(first.range, |range, tensor| range.union(tensor.range));
        let joined = Self { range, ..joined };
        if !per_channel {
            return Ok(joined);
        }
        if dim != axis {
            // Channels are shared, so their offsets must be, too.
            return match tensors.iter().all(|tensor| tensor.offset == first.offset) {
                true => Ok(joined),
                false => Err(OperandError::Offset),
            };
        }
        let channels = |tensor: &Self| tensor.dims()[axis];
        let scales = tensors
            .iter()
            .flat_map(|t| (0..channels(t)).map(|c| t.scales[c % t.scales.len()].clone()))
            .collect();
        let offsets = tensors.iter().flat_map(|t| (0..channels(t)).map(|c| t.offset.at(c))).collect();
        Ok(joined.with_channels(scales, Offset::Real(offsets)))
    }

    /// Whether larger codes are larger values.
    fn rises(&self) -> bool {
        self.scales.iter().all(|scale| !scale.is_negative() && !scale.is_zero())
    }

    /// The real number of scales from the zero point to a float, plus the zero point; for tensors with one scale.
    fn code_of(&self, value: f32) -> Real {
        let zero_point = Real::from(f64::from(self.zero_point));
        &(&Real::from(value) * &self.scales[0].reciprocal()) + &zero_point
    }
}

/// Where channels are after a reshape.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Carried {
    /// The dimension they became.
    axis: usize,
    /// Elements of the dimension that each channel gets in a row,
    times: usize,
    /// and how often the row of all channels comes.
    tiles: usize,
}

/// Where the channels of dimension `axis` are when `old` is reshaped to `new`. `None` if no dimension takes them whole.
fn carry(old: &[usize], axis: usize, new: &[usize]) -> Option<Carried> {
    let run: usize = old[axis + 1..].iter().product();
    let at = |index: usize| {
        let after: usize = new[index + 1..].iter().product();
        if after == 0 || !run.is_multiple_of(after) {
            return None;
        }
        let row = old[axis] * (run / after);
        let whole = row > 0 && new[index] > 0 && new[index].is_multiple_of(row);
        whole.then(|| Carried { axis: index, times: run / after, tiles: new[index] / row })
    };
    (0..new.len()).find_map(at)
}

fn permutation<const D: usize>(dims: [usize; D], axes: [usize; D]) -> Result<(), OperandError> {
    if (0..D).all(|axis| axes.contains(&axis)) {
        return Ok(());
    }
    Err(OperandError::Shape { found: dims.to_vec(), needed: format!("order of dimensions {axes:?}") })
}

/// Whether shapes are equal but for dimension `dim`.
pub(crate) fn same_but(left: &[usize], right: &[usize], dim: usize) -> Result<(), OperandError> {
    if dim >= left.len() {
        return Err(OperandError::Shape { found: left.to_vec(), needed: format!("dimension {dim}") });
    }
    if (0..left.len()).all(|axis| axis == dim || left[axis] == right[axis]) {
        return Ok(());
    }
    Err(OperandError::Shapes { left: left.to_vec(), right: right.to_vec() })
}
