//! What flows between layers: a float or quantized tensor, the mode and purpose of the pass, and the tracer of an
//! export.

mod arithmetic;
mod pixel_shuffle;
mod shape;

use crate::backend::{self, Tensor};
use crate::exact::ExactTensor;
use crate::pass::Mode;
use crate::purpose::Purpose;
use crate::quant_tensor::QuantTensor;
use crate::trace::{Record, TraceHandle, Tracer};

/// A tensor on its way through a network.
///
/// Networks start from [`train`](Self::train), [`eval`](Self::eval), [`traced`](Self::traced) or a pass of
/// [`calibrate`](crate::calibrate); layers turn one activation into the next and keep mode, purpose and tracer.
#[derive(Clone)]
pub struct Activation<const D: usize> {
    data: Data<D>,
    mode: Mode,
    purpose: Purpose,
    trace: Option<TraceHandle>,
}

#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "one value per layer and pass; a box would only add a step")]
pub(crate) enum Data<const D: usize> {
    Float(Tensor<D>),
    Quant(QuantTensor<D>),
}

impl<const D: usize> From<QuantTensor<D>> for Data<D> {
    fn from(quant: QuantTensor<D>) -> Self {
        Self::Quant(quant)
    }
}

impl<const D: usize> Activation<D> {
    /// Floats into a training pass.
    pub fn train(values: Tensor<D>) -> Self {
        Self {
            data: Data::Float(values.autodiff()),
            mode: Mode::Train,
            purpose: Purpose::Output,
            trace: None,
        }
    }

    /// Floats into an exact evaluation.
    pub fn eval(values: Tensor<D>) -> Self {
        Self::with_purpose(values, Purpose::Output)
    }

    /// Floats into an evaluation that does more than compute the output.
    pub(crate) fn with_purpose(values: Tensor<D>, purpose: Purpose) -> Self {
        Self { data: Data::Float(values.inner()), mode: Mode::Eval, purpose, trace: None }
    }

    /// Zeros of `shape` into an evaluation whose layers `tracer` records.
    pub fn traced(shape: [usize; D], tracer: &Tracer) -> Self {
        Self::eval(Tensor::zeros(shape, &backend::evaluation_device())).traced_by(tracer)
    }

    /// The same values as the input of a network whose layers `tracer` records.
    #[must_use]
    pub fn traced_by(self, tracer: &Tracer) -> Self {
        Self { trace: Some(tracer.input(self.dims().to_vec())), ..self }
    }

    /// The number of this value in its trace.
    pub(crate) fn traced_value(&self) -> Option<usize> {
        self.trace.as_ref().map(TraceHandle::value)
    }

    /// Row-major floats into an exact evaluation.
    ///
    /// # Panics
    ///
    /// If the number of values is not the product of `shape`.
    pub fn from_values(values: Vec<f32>, shape: [usize; D]) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of a tensor of shape {shape:?}");
        Self::eval(backend::tensor(values, shape, &backend::evaluation_device()))
    }

    /// Extents of the dimensions.
    pub fn dims(&self) -> [usize; D] {
        match &self.data {
            Data::Float(value) => value.dims(),
            Data::Quant(quant) => quant.exact().map_or_else(|| quant.value().dims(), ExactTensor::dims),
        }
    }

    /// The values as floats, whether quantized or not.
    pub fn value(&self) -> Tensor<D> {
        match &self.data {
            Data::Float(value) => value.clone(),
            Data::Quant(quant) => quant.value(),
        }
    }

    /// The quantized tensor, if this is one.
    pub fn quant(&self) -> Option<&QuantTensor<D>> {
        match &self.data {
            Data::Float(_) => None,
            Data::Quant(quant) => Some(quant),
        }
    }

    /// The values alone, at the same place of a trace.
    pub(crate) fn to_float(&self) -> Self {
        Self { data: Data::Float(self.value()), ..self.clone() }
    }

    /// The purpose of the pass.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What the pass does beside computing its output.
    pub(crate) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    pub(crate) fn data(&self) -> &Data<D> {
        &self.data
    }

    /// The result of a layer, without a place in a trace: what passes of training and calibration go on with.
    pub(crate) fn untraced_next<const E: usize>(&self, data: Data<E>) -> Activation<E> {
        Activation { data, mode: self.mode, purpose: self.purpose.clone(), trace: None }
    }

    /// The result of a layer on this activation; `record` is what an export needs to know of the layer.
    pub(crate) fn next<const E: usize>(
        &self,
        data: Data<E>,
        record: impl FnOnce() -> Record,
    ) -> Activation<E> {
        self.join(&[], data, record)
    }

    /// The result of a layer on this and `others`, activations of one pass.
    pub(crate) fn join<const E: usize>(
        &self,
        others: &[&Self],
        data: Data<E>,
        record: impl FnOnce() -> Record,
    ) -> Activation<E> {
        let mut next = self.untraced_next(data);
        let operands = std::iter::once(&self).chain(others);
        let traces: Option<Vec<&TraceHandle>> = operands.map(|operand| operand.trace.as_ref()).collect();
        next.trace = traces.and_then(|traces| TraceHandle::push(&traces, record(), next.dims().to_vec()));
        next
    }

    /// A name for a step that the caller did not name.
    pub(crate) fn step_name(&self, operator: &str) -> String {
        self.trace.as_ref().map_or_else(|| operator.to_owned(), |trace| trace.step_name(operator))
    }
}
