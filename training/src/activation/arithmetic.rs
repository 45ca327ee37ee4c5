//! Arithmetic on activations: on codes where all operands are quantized, else on floats.
//!
//! Functions that are not invariant decay to floats: their results have no codes until the next quantizer.

use super::{Activation, Data};
use crate::backend::{self, Tensor};
use crate::error::ForwardError;
use crate::quant_tensor::{OperandError, QuantTensor, same_but};
use crate::trace::{Record, Structural};

type Binary<const D: usize> = (
    fn(&QuantTensor<D>, &QuantTensor<D>) -> Result<QuantTensor<D>, OperandError>,
    fn(Tensor<D>, Tensor<D>) -> Tensor<D>,
);

impl<const D: usize> Activation<D> {
    /// The sum; see [`QuantTensor::add`].
    ///
    /// # Errors
    ///
    /// If the operands do not fit each other.
    pub fn add(&self, other: &Self) -> Result<Self, ForwardError> {
        self.add_as(&self.step_name("add"), other)
    }

    /// The sum, by a layer called `name`.
    pub(crate) fn add_as(&self, name: &str, other: &Self) -> Result<Self, ForwardError> {
        self.binary(name, Structural::Add, other, (QuantTensor::add, |left, right| left + right))
    }

    /// The difference; see [`QuantTensor::sub`].
    ///
    /// # Errors
    ///
    /// If the operands do not fit each other.
    pub fn sub(&self, other: &Self) -> Result<Self, ForwardError> {
        let name = self.step_name("sub");
        self.binary(&name, Structural::Sub, other, (QuantTensor::sub, |left, right| left - right))
    }

    /// The element-wise product; see [`QuantTensor::mul`].
    ///
    /// # Errors
    ///
    /// If the operands do not fit each other.
    pub fn mul(&self, other: &Self) -> Result<Self, ForwardError> {
        let name = self.step_name("mul");
        self.binary(&name, Structural::Mul, other, (QuantTensor::mul, |left, right| left * right))
    }

    /// The negative; see [`QuantTensor::neg`].
    ///
    /// # Errors
    ///
    /// If codes leave the integers that double precision holds.
    pub fn neg(&self) -> Result<Self, ForwardError> {
        self.unary(Structural::Neg, QuantTensor::neg, Tensor::neg)
    }

    /// The magnitude; see [`QuantTensor::abs`].
    ///
    /// # Errors
    ///
    /// If the input is an accumulator with a bias.
    pub fn abs(&self) -> Result<Self, ForwardError> {
        self.unary(Structural::Abs, QuantTensor::abs, Tensor::abs)
    }

    /// Values below zero become zero; see [`QuantTensor::relu`].
    ///
    /// # Errors
    ///
    /// If the input is an accumulator with a bias.
    pub fn relu(&self) -> Result<Self, ForwardError> {
        self.unary(Structural::Relu, QuantTensor::relu, backend::relu)
    }

    /// The input plus a constant; see [`QuantTensor::add_scalar`].
    ///
    /// # Errors
    ///
    /// If the constant is not finite.
    pub fn add_scalar(&self, constant: f32) -> Result<Self, ForwardError> {
        self.unary(Structural::AddScalar(constant), |x| x.add_scalar(constant), |x| x + constant)
    }

    /// The input times a constant; see [`QuantTensor::mul_scalar`].
    ///
    /// # Errors
    ///
    /// If the constant is zero or not finite.
    pub fn mul_scalar(&self, constant: f32) -> Result<Self, ForwardError> {
        self.unary(Structural::MulScalar(constant), |x| x.mul_scalar(constant), |x| x * constant)
    }

    /// The input divided by a constant; see [`QuantTensor::div_scalar`].
    ///
    /// # Errors
    ///
    /// If the constant is zero or not finite.
    pub fn div_scalar(&self, constant: f32) -> Result<Self, ForwardError> {
        self.unary(Structural::DivScalar(constant), |x| x.div_scalar(constant), |x| x / constant)
    }

    /// Values limited to `min ..= max`: quantized if the bounds are codes or beyond all codes, else floats.
    #[must_use]
    pub fn hardtanh(&self, min: f32, max: f32) -> Self {
        let limited = self.quant().and_then(|quant| quant.hardtanh(min, max));
        let data = limited.map_or_else(|| Data::Float(self.value().clamp(min, max)), Data::from);
        let operator = Structural::Clip { min, max };
        self.next(data, || Record::Structural { name: self.step_name("hardtanh"), operator })
    }

    /// Values limited to `0 ..= 6`; see [`hardtanh`](Self::hardtanh).
    #[must_use]
    pub fn relu6(&self) -> Self {
        self.hardtanh(0.0, 6.0)
    }

    /// The hyperbolic tangent: not invariant, so the result is floats.
    #[must_use]
    pub fn tanh(&self) -> Self {
        self.decay(Structural::Tanh, Tensor::tanh)
    }

    /// The logistic function: not invariant, so the result is floats.
    #[must_use]
    pub fn sigmoid(&self) -> Self {
        self.decay(Structural::Sigmoid, burn::tensor::activation::sigmoid)
    }

    /// Shares along dimension `dim` that add up to one: not invariant, so the result is floats.
    ///
    /// # Errors
    ///
    /// If there is no such dimension.
    pub fn softmax(&self, dim: usize) -> Result<Self, ForwardError> {
        self.softmax_as(&self.step_name("softmax"), dim)
    }

    /// The shares, by a layer called `name`.
    pub(crate) fn softmax_as(&self, name: &str, dim: usize) -> Result<Self, ForwardError> {
        if dim >= D {
            let needed = format!("a tensor with a dimension {dim}");
            let found = self.dims().to_vec();
            return Err(ForwardError::Shape { layer: name.to_owned(), found, needed });
        }
        let data = Data::Float(backend::softmax(self.value(), dim));
        let operator = Structural::Softmax { dim };
        Ok(self.next(data, || Record::Structural { name: name.to_owned(), operator }))
    }

    /// The tensors one behind the other along dimension `dim`; see [`QuantTensor::cat`].
    ///
    /// # Errors
    ///
    /// If the tensors do not fit each other.
    pub fn cat(tensors: &[&Self], dim: usize) -> Result<Self, ForwardError> {
        let name = tensors.first().map_or_else(|| "cat".to_owned(), |first| first.step_name("cat"));
        Self::cat_as(&name, tensors, dim)
    }

    /// The concatenation, by a layer called `name`.
    pub(crate) fn cat_as(name: &str, tensors: &[&Self], dim: usize) -> Result<Self, ForwardError> {
        let failed = |source| ForwardError::Operands { layer: name.to_owned(), source };
        let Some((first, rest)) = tensors.split_first() else { return Err(failed(OperandError::Empty)) };
        for other in rest {
            first.one_pass(name, other)?;
            same_but(&first.dims(), &other.dims(), dim).map_err(failed)?;
        }
        let quantized: Option<Vec<_>> = tensors.iter().map(|tensor| tensor.quant()).collect();
        let data = match quantized {
            Some(tensors) => QuantTensor::cat(&tensors, dim).map_err(failed)?.into(),
            None => Data::Float(Tensor::cat(tensors.iter().map(|tensor| tensor.value()).collect(), dim)),
        };
        let operator = Structural::Concat { dim };
        Ok(first.join(rest, data, || Record::Structural { name: name.to_owned(), operator }))
    }

    fn binary(
        &self,
        name: &str,
        operator: Structural,
        other: &Self,
        (codes, floats): Binary<D>,
    ) -> Result<Self, ForwardError> {
        let failed = |source| ForwardError::Operands { layer: name.to_owned(), source };
        self.one_pass(name, other)?;
        let (left, right) = (self.dims(), other.dims());
        if left != right {
            return Err(failed(OperandError::Shapes { left: left.to_vec(), right: right.to_vec() }));
        }
        let data = match (self.quant(), other.quant()) {
            (Some(left), Some(right)) => codes(left, right).map_err(failed)?.into(),
            _ => Data::Float(floats(self.value(), other.value())),
        };
        Ok(self.join(&[other], data, || Record::Structural { name: name.to_owned(), operator }))
    }

    fn unary(
        &self,
        operator: Structural,
        codes: impl FnOnce(&QuantTensor<D>) -> Result<QuantTensor<D>, OperandError>,
        floats: impl FnOnce(Tensor<D>) -> Tensor<D>,
    ) -> Result<Self, ForwardError> {
        let name = self.step_name(&operator.node().to_lowercase());
        let data = match self.data() {
            Data::Float(value) => Data::Float(floats(value.clone())),
            Data::Quant(quant) => match codes(quant) {
                Ok(result) => result.into(),
                Err(source) => return Err(ForwardError::Operands { layer: name, source }),
            },
        };
        Ok(self.next(data, || Record::Structural { name, operator }))
    }

    fn decay(&self, operator: Structural, floats: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Self {
        let name = self.step_name(&operator.node().to_lowercase());
        self.next(Data::Float(floats(self.value())), || Record::Structural { name, operator })
    }

    /// Checks that both come from one pass.
    fn one_pass(&self, name: &str, other: &Self) -> Result<(), ForwardError> {
        let source = if self.mode() != other.mode() {
            OperandError::Passes
        } else if self.trace.is_some() != other.trace.is_some() {
            OperandError::Untraced
        } else {
            return Ok(());
        };
        Err(ForwardError::Operands { layer: name.to_owned(), source })
    }
}
