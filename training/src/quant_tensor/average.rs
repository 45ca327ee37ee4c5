//! Averages: exact sums of codes by a scale divided by the number of elements.

use exactum_runtime::num::IntRange;

use super::arithmetic::all_zero;
use super::width::bits;
use super::{FakeQuantized, OperandError, QuantTensor, Representation};
use crate::backend::Tensor;
use crate::exact::{Carrier, ExactTensor, Offset};
use crate::real::Real;

impl<const D: usize> QuantTensor<D> {
    /// Averages of windows of `count` elements. `mean` averages values; `sum` adds up codes without zero point and may
    /// add zeros, of which there are none unless `padded`.
    ///
    /// # Errors
    ///
    /// If sums may leave the integers that double precision holds, or padding meets an accumulator with a bias.
    pub(crate) fn average(
        &self,
        count: usize,
        padded: bool,
        mean: impl FnOnce(Tensor<D>) -> Tensor<D>,
        sum: impl FnOnce(Tensor<D>) -> Tensor<D>,
    ) -> Result<Self, OperandError> {
        match &self.representation {
            Representation::Fake(fake) => Ok(fake.average(mean(fake.value.clone()), count).into()),
            Representation::Exact(exact) => Ok(exact.average(count, padded, sum)?.into()),
        }
    }
}

impl<const D: usize> FakeQuantized<D> {
    fn average(&self, value: Tensor<D>, count: usize) -> Self {
        let symmetric = all_zero(&self.zero_point);
        let signed = self.signed || !symmetric;
        // Codes around a zero point differ from it by less than the number of codes.
        let span = if symmetric { self.span() } else { self.span().around() };
        Self {
            value,
            scale: self.scale.clone() / count as f64,
            zero_point: self.zero_point.zeros_like(),
            bit_width: span.sum(count).bit_width(signed),
            signed,
            ..self.clone()
        }
    }
}

impl<const D: usize> ExactTensor<D> {
    fn average(
        &self,
        count: usize,
        padded: bool,
        sum: impl FnOnce(Tensor<D>) -> Tensor<D>,
    ) -> Result<Self, OperandError> {
        if padded && self.offset != Offset::Zero {
            return Err(OperandError::Offset);
        }
        let zero_point = i64::from(self.zero_point);
        let centred = IntRange { lo: self.range.lo - zero_point, hi: self.range.hi - zero_point };
        let centred = if padded { centred.union(IntRange::point(0)) } else { centred };
        let range = centred.checked_scale(count as i64).ok_or(OperandError::Overflow { bound: u64::MAX })?;
        let bound = range.lo.unsigned_abs().max(range.hi.unsigned_abs());
        let operands = self.range.lo.unsigned_abs().max(self.range.hi.unsigned_abs());
        let carrier = Carrier::for_bound(bound.max(operands)).ok_or(OperandError::Overflow { bound })?;
        let signed = self.signed || zero_point != 0;
        Ok(Self {
            codes: sum(self.centred(carrier)),
            range,
            scales: self.scales.iter().map(|scale| scale.over(count)).collect::<Vec<Real>>(),
            zero_point: 0,
            signed,
            declared_bits: bits(range, signed)?,
            ..self.clone()
        })
    }
}
