//! What activation layers compute before they quantize.

use burn::tensor::activation::sigmoid;
use exactum_host::functions;

use crate::backend::{Tensor, relu};
use crate::exact::{self, ExactTensor};
use crate::quant::FixedQuantizer;
use crate::trace::Record;

/// A function of single elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Identity,
    Relu,
    HardTanh { min: f32, max: f32 },
    Sigmoid,
    Tanh,
}

impl Function {
    /// In floats, with gradients.
    pub(super) fn of_floats<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Identity => x,
            Self::Relu => relu(x),
            Self::HardTanh { min, max } => x.clamp(min, max),
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh(),
        }
    }

    /// The exact codes of the function of floats, by one scale or one per index of dimension `axis`.
    pub(super) fn quantize<const D: usize>(
        self,
        x: &Tensor<D>,
        quantizer: &FixedQuantizer,
        axis: usize,
    ) -> ExactTensor<D> {
        match self {
            Self::Identity => exact::quantize(x, quantizer, axis, false),
            Self::Relu => exact::quantize(x, quantizer, axis, true),
            Self::HardTanh { min, max } => {
                exact::clip(exact::quantize(x, quantizer, axis, false), quantizer, [min, max])
            }
            Self::Sigmoid => exact::quantize_function(x, quantizer, axis, functions::sigmoid),
            Self::Tanh => exact::quantize_function(x, quantizer, axis, functions::tanh),
        }
    }

    /// The exact codes of the function of codes, by one scale or one per index of dimension `axis`.
    pub(super) fn requantize<const D: usize>(
        self,
        x: &ExactTensor<D>,
        quantizer: &FixedQuantizer,
        axis: usize,
    ) -> ExactTensor<D> {
        match self {
            Self::Identity => exact::requantize(x, quantizer, axis, false),
            Self::Relu => exact::requantize(x, quantizer, axis, true),
            Self::HardTanh { min, max } => {
                exact::clip(exact::requantize(x, quantizer, axis, false), quantizer, [min, max])
            }
            Self::Sigmoid => exact::requantize_function(x, quantizer, axis, functions::sigmoid),
            Self::Tanh => exact::requantize_function(x, quantizer, axis, functions::tanh),
        }
    }

    /// What an export needs; `None` where there is nothing to compute.
    pub(super) fn record(self, name: String) -> Option<Record> {
        match self {
            Self::Identity => None,
            Self::Relu => Some(Record::Relu { name }),
            Self::HardTanh { min, max } => Some(Record::HardTanh { name, min, max }),
            Self::Sigmoid => Some(Record::Sigmoid { name }),
            Self::Tanh => Some(Record::Tanh { name }),
        }
    }

    /// The suffix of its node behind the layer's name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::HardTanh { .. } => "hard_tanh",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
        }
    }
}
