//! Sums, products, magnitudes and concatenations of quantized tensors.
//!
//! In evaluation codes are added and multiplied as integers, so operands of sums need equal scales. In training scales
//! may differ and are averaged; such a result has no integer view.

use exactum_runtime::num::IntRange;

use super::width::{Span, bits};
use super::{FakeQuantized, OperandError, QuantTensor, Representation};
use crate::backend::Tensor;
use crate::exact::{Carrier, ExactTensor, Offset};
use crate::real::Real;

impl<const D: usize> QuantTensor<D> {
    /// The sum. Zero points add up; the width holds the sums of all codes.
    ///
    /// # Errors
    ///
    /// If shapes differ, or in evaluation scales.
    pub fn add(&self, other: &Self) -> Result<Self, OperandError> {
        match (&self.representation, &other.representation) {
            (Representation::Fake(left), Representation::Fake(right)) => Ok(left.add(right)?.into()),
            (Representation::Exact(left), Representation::Exact(right)) => Ok(left.add(right)?.into()),
            _ => Err(OperandError::Passes),
        }
    }

    /// The difference.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn sub(&self, other: &Self) -> Result<Self, OperandError> {
        self.add(&other.neg()?)
    }

    /// The element-wise product: scales multiply, widths add up at most.
    ///
    /// # Errors
    ///
    /// If shapes differ, or a zero point or an offset is not zero.
    pub fn mul(&self, other: &Self) -> Result<Self, OperandError> {
        match (&self.representation, &other.representation) {
            (Representation::Fake(left), Representation::Fake(right)) => Ok(left.mul(right)?.into()),
            (Representation::Exact(left), Representation::Exact(right)) => Ok(left.mul(right)?.into()),
            _ => Err(OperandError::Passes),
        }
    }

    /// The negative, which is signed; the zero point changes its sign, too.
    ///
    /// # Errors
    ///
    /// If codes may leave the integers that double precision holds.
    pub fn neg(&self) -> Result<Self, OperandError> {
        match &self.representation {
            Representation::Fake(fake) => Ok(fake.neg().into()),
            Representation::Exact(exact) => Ok(exact.neg()?.into()),
        }
    }

    /// The magnitude, which is unsigned and has no zero point.
    ///
    /// # Errors
    ///
    /// If the tensor is an accumulator with a bias.
    pub fn abs(&self) -> Result<Self, OperandError> {
        match &self.representation {
            Representation::Fake(fake) => Ok(fake.abs()?.into()),
            Representation::Exact(exact) => Ok(exact.abs()?.into()),
        }
    }

    /// The tensor plus a constant: the same codes, with `constant / scale` subtracted from the zero point.
    ///
    /// # Errors
    ///
    /// If the constant is not finite.
    pub fn add_scalar(&self, constant: f32) -> Result<Self, OperandError> {
        if !constant.is_finite() {
            return Err(OperandError::Constant { value: constant });
        }
        Ok(match &self.representation {
            Representation::Fake(fake) => FakeQuantized {
                value: fake.value.clone() + constant,
                zero_point: fake.zero_point.clone() - fake.scale.clone().recip() * constant,
                ..(**fake).clone()
            }
            .into(),
            Representation::Exact(exact) => {
                let offset = exact.offset.sum(&Offset::Real(vec![constant.into()]));
                ExactTensor { offset, ..(**exact).clone() }.into()
            }
        })
    }

    /// The tensor times a constant: the same codes with another scale.
    ///
    /// # Errors
    ///
    /// If the constant is zero or not finite.
    pub fn mul_scalar(&self, constant: f32) -> Result<Self, OperandError> {
        self.rescale(constant, |x| x * constant, || Real::from(constant))
    }

    /// The tensor divided by a constant: the same codes with another scale.
    ///
    /// # Errors
    ///
    /// If the constant is zero or not finite.
    pub fn div_scalar(&self, constant: f32) -> Result<Self, OperandError> {
        self.rescale(constant, |x| x / constant, || Real::from(constant).reciprocal())
    }

    fn rescale(
        &self,
        constant: f32,
        float: impl Fn(Tensor<1>) -> Tensor<1>,
        factor: impl FnOnce() -> Real,
    ) -> Result<Self, OperandError> {
        if !constant.is_finite() || constant == 0.0 {
            return Err(OperandError::Constant { value: constant });
        }
        Ok(match &self.representation {
            Representation::Fake(fake) => {
                let (shape, groups) = (fake.value.dims(), fake.scale.dims()[0]);
                let elems: usize = shape.iter().product();
                FakeQuantized {
                    value: float(fake.value.clone().reshape([elems])).reshape(shape),
                    scale: float(fake.scale.clone().reshape([groups])).reshape([groups, 1]),
                    ..(**fake).clone()
                }
                .into()
            }
            Representation::Exact(exact) => {
                exact.affine(&[factor()], &[Real::from(0.0f32)], exact.axis).into()
            }
        })
    }
}

impl<const D: usize> FakeQuantized<D> {
    pub(super) fn span(&self) -> Span {
        Span::of(&self.bit_width.clone().ceil(), self.signed)
    }

    /// Checks that element-wise operands fit; the dimension of channels of the result.
    fn align(&self, other: &Self) -> Result<Option<usize>, OperandError> {
        shapes(self.value.dims(), other.value.dims())?;
        match (self.axis, other.axis) {
            (Some(left), Some(right)) if left != right => Err(OperandError::Axes { left, right }),
            (left, right) => Ok(left.or(right)),
        }
    }

    fn add(&self, other: &Self) -> Result<Self, OperandError> {
        let axis = self.align(other)?;
        let training = self.training || other.training;
        let same = same_values(&self.scale, &other.scale);
        if !training && !same {
            return Err(self.scales_differ(other));
        }
        let signed = self.signed || other.signed;
        Ok(Self {
            value: self.value.clone() + other.value.clone(),
            scale: (self.scale.clone() + other.scale.clone()) / 2.0,
            zero_point: self.zero_point.clone() + other.zero_point.clone(),
            bit_width: self.span().add(other.span()).bit_width(signed),
            axis,
            signed,
            training,
            averaged: self.averaged || other.averaged || !same,
        })
    }

    fn mul(&self, other: &Self) -> Result<Self, OperandError> {
        let axis = self.align(other)?;
        if !all_zero(&self.zero_point) || !all_zero(&other.zero_point) {
            let (left, right) = (to_vec(&self.zero_point), to_vec(&other.zero_point));
            return Err(OperandError::ZeroPointProduct { left, right });
        }
        let scale = self.scale.clone() * other.scale.clone();
        Ok(Self {
            value: self.value.clone() * other.value.clone(),
            zero_point: self.zero_point.clone() * other.zero_point.clone(),
            scale,
            bit_width: self.bit_width.clone() + other.bit_width.clone(),
            axis,
            signed: self.signed || other.signed,
            training: self.training || other.training,
            averaged: self.averaged || other.averaged,
        })
    }

    fn neg(&self) -> Self {
        Self {
            value: self.value.clone().neg(),
            zero_point: self.zero_point.clone().neg(),
            bit_width: self.span().neg().bit_width(true),
            signed: true,
            ..self.clone()
        }
    }

    fn abs(&self) -> Result<Self, OperandError> {
        if !all_zero(&self.zero_point) {
            let left = to_vec(&self.zero_point);
            return Err(OperandError::ZeroPointProduct { right: left.clone(), left });
        }
        let bit_width = if self.signed { self.span().abs().bit_width(false) } else { self.bit_width.clone() };
        Ok(Self { value: self.value.clone().abs(), bit_width, signed: false, ..self.clone() })
    }

    pub(super) fn scales_differ(&self, other: &Self) -> OperandError {
        OperandError::Scales { left: to_vec(&self.scale), right: to_vec(&other.scale) }
    }
}

impl<const D: usize> ExactTensor<D> {
    /// Checks that element-wise operands fit; the dimension of channels of the result.
    fn align(&self, other: &Self) -> Result<usize, OperandError> {
        shapes(self.dims(), other.dims())?;
        match (self.per_channel(), other.per_channel()) {
            (true, true) if self.axis != other.axis => {
                Err(OperandError::Axes { left: self.axis, right: other.axis })
            }
            (true, _) => Ok(self.axis),
            (false, _) => Ok(other.axis),
        }
    }

    pub(crate) fn same_scales(&self, other: &Self) -> Result<(), OperandError> {
        let channels = self.scales.len().max(other.scales.len());
        let scale = |tensor: &Self, c: usize| tensor.scales[c % tensor.scales.len()].clone();
        if (0..channels).all(|c| scale(self, c) == scale(other, c)) {
            return Ok(());
        }
        let floats = |tensor: &Self| tensor.scales.iter().map(|scale| scale.nearest() as f32).collect();
        Err(OperandError::Scales { left: floats(self), right: floats(other) })
    }

    fn add(&self, other: &Self) -> Result<Self, OperandError> {
        let axis = self.align(other)?;
        self.same_scales(other)?;
        let range = self.range.checked_add(other.range).ok_or(OperandError::Overflow { bound: u64::MAX })?;
        let zero_point = self.zero_point.checked_add(other.zero_point);
        let signed = self.signed || other.signed;
        let (left, right) = wide(range, &self.codes, &other.codes)?;
        Ok(Self {
            codes: left + right,
            range,
            scales: if self.scales.len() > 1 { self.scales.clone() } else { other.scales.clone() },
            zero_point: zero_point.ok_or(OperandError::Overflow { bound: u64::MAX })?,
            offset: self.offset.sum(&other.offset),
            axis,
            signed,
            declared_bits: bits(range, signed)?,
        })
    }

    fn mul(&self, other: &Self) -> Result<Self, OperandError> {
        let axis = self.align(other)?;
        if self.zero_point != 0 || other.zero_point != 0 {
            let (left, right) = (vec![self.zero_point as f32], vec![other.zero_point as f32]);
            return Err(OperandError::ZeroPointProduct { left, right });
        }
        if self.offset != Offset::Zero || other.offset != Offset::Zero {
            return Err(OperandError::Offset);
        }
        let ends = [self.range.lo, self.range.hi]
            .into_iter()
            .flat_map(|left| [other.range.lo, other.range.hi].map(|right| left.checked_mul(right)))
            .collect::<Option<Vec<i64>>>()
            .ok_or(OperandError::Overflow { bound: u64::MAX })?;
        let range = ends.into_iter().map(IntRange::point).reduce(IntRange::union).unwrap_or(self.range);
        let signed = self.signed || other.signed;
        let channels = self.scales.len().max(other.scales.len());
        let scale = |c: usize| &self.scales[c % self.scales.len()] * &other.scales[c % other.scales.len()];
        let (left, right) = wide(range, &self.codes, &other.codes)?;
        Ok(Self {
            codes: left * right,
            range,
            scales: (0..channels).map(scale).collect(),
            zero_point: 0,
            offset: Offset::Zero,
            axis,
            signed,
            declared_bits: bits(range, signed)?,
        })
    }

    fn neg(&self) -> Result<Self, OperandError> {
        let range = IntRange { lo: -self.range.hi, hi: -self.range.lo };
        Ok(Self {
            codes: self.codes.clone().neg(),
            range,
            zero_point: -self.zero_point,
            offset: self.offset.neg(),
            signed: true,
            declared_bits: bits(range, true)?,
            ..self.clone()
        })
    }

    fn abs(&self) -> Result<Self, OperandError> {
        if self.offset != Offset::Zero || self.scales.iter().any(Real::is_negative) {
            return Err(OperandError::Offset);
        }
        let zero_point = i64::from(self.zero_point);
        let range = IntRange {
            lo: 0,
            hi: (self.range.lo - zero_point).abs().max((self.range.hi - zero_point).abs()),
        };
        let (codes, _) = wide(range, &self.codes, &self.codes)?;
        let codes = if zero_point == 0 { codes } else { codes - zero_point as f64 };
        Ok(Self {
            codes: codes.abs(),
            range,
            zero_point: 0,
            signed: false,
            declared_bits: bits(range, false)?,
            ..self.clone()
        })
    }
}

/// Codes of two operands in a float type that holds the codes of their result.
pub(super) fn wide<const D: usize>(
    range: IntRange,
    left: &Tensor<D>,
    right: &Tensor<D>,
) -> Result<(Tensor<D>, Tensor<D>), OperandError> {
    let bound = range.lo.unsigned_abs().max(range.hi.unsigned_abs());
    let carrier = Carrier::for_bound(bound).ok_or(OperandError::Overflow { bound })?;
    // Operands may need the wider type although their result does not.
    let carrier = if [left, right].iter().any(|codes| codes.dtype() == Carrier::F64.dtype().into()) {
        Carrier::F64
    } else {
        carrier
    };
    Ok((left.clone().cast(carrier.dtype()), right.clone().cast(carrier.dtype())))
}

fn shapes<const D: usize>(left: [usize; D], right: [usize; D]) -> Result<(), OperandError> {
    if left == right {
        return Ok(());
    }
    Err(OperandError::Shapes { left: left.to_vec(), right: right.to_vec() })
}

pub(super) fn to_vec(x: &Tensor<2>) -> Vec<f32> {
    crate::backend::to_f32(x)
}

pub(super) fn same_values(left: &Tensor<2>, right: &Tensor<2>) -> bool {
    let (left, right) = (to_vec(left), to_vec(right));
    (0..left.len().max(right.len())).all(|i| left[i % left.len().max(1)] == right[i % right.len().max(1)])
}

pub(super) fn all_zero(x: &Tensor<2>) -> bool {
    to_vec(x).iter().all(|value| *value == 0.0)
}
