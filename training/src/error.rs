//! What can be wrong with building a layer and with a forward pass. Every variant names the layer.

mod operand;
mod quantizer;

pub use operand::OperandError;
pub use quantizer::QuantizerBuildError;

use thiserror::Error;

use crate::backend::{self, Tensor};
use crate::codes::QuantizerError;

/// A layer cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BuildError {
    /// A quantizer cannot be built from its definition.
    #[error("layer `{layer}`, {quantizer}: {source}")]
    Quantizer {
        /// The layer.
        layer: String,
        /// Which of its quantizers.
        quantizer: &'static str,
        /// What is wrong.
        source: QuantizerBuildError,
    },
    /// A parameter does not fit the layer.
    #[error("layer `{layer}`: found a {name} of shape {found:?}, needed {needed:?}")]
    Parameter {
        /// The layer.
        layer: String,
        /// The parameter.
        name: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        needed: Vec<usize>,
    },
    /// Settings of a layer that no input fits.
    #[error("layer `{layer}`: needed {needed}")]
    Operator {
        /// The layer.
        layer: String,
        /// What to set.
        needed: String,
    },
}

/// A layer cannot compute its output.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ForwardError {
    /// A quantized bias needs the scale of the input.
    #[error(
        "layer `{layer}` is not correctly configured: the bias is quantized in units of the accumulator, but the \
         {missing} no scale; {help}"
    )]
    BiasScale {
        /// The layer.
        layer: String,
        /// The operand without a scale.
        missing: &'static str,
        /// What to change.
        help: &'static str,
    },
    /// The input does not fit the layer.
    #[error("layer `{layer}`: found input of shape {found:?}, needed {needed}")]
    Shape {
        /// The layer.
        layer: String,
        /// The shape of the input.
        found: Vec<usize>,
        /// What fits.
        needed: String,
    },
    /// A quantizer's parameters are no integer quantizer.
    #[error("layer `{layer}`: {source}")]
    Quantizer {
        /// The layer.
        layer: String,
        /// What is wrong.
        source: QuantizerError,
    },
    /// Operands do not fit each other, or the operation.
    #[error("layer `{layer}`: {source}")]
    Operands {
        /// The layer.
        layer: String,
        /// What does not fit.
        source: OperandError,
    },
    /// A value is infinite or not a number.
    #[error(
        "layer `{layer}`: value {index} is {value}, needed finite numbers; look for it in the data and in the weights of \
         earlier layers"
    )]
    NotFinite {
        /// The layer that met it.
        layer: String,
        /// Row-major index of the first such value.
        index: usize,
        /// What was found.
        value: f32,
    },
    /// Bias correction compares one output of a layer per pass.
    #[error(
        "layer `{layer}`: called twice in one pass of bias correction; give each call a layer of its own, or leave bias \
         correction out"
    )]
    CorrectedTwice {
        /// The layer.
        layer: String,
    },
    /// The input is an accumulator that has no common scale, so sums of its integers have no meaning.
    #[error(
        "layer `{layer}`: the input is an accumulator with a bias or with one scale per channel; quantize it before \
         the layer, or give the layer an input_quant"
    )]
    Accumulated {
        /// The layer.
        layer: String,
    },
    /// Sums may leave the integers that double precision holds.
    #[error(
        "layer `{layer}`: partial sums may reach {bound}, needed below 2^53; use fewer inputs or narrower codes"
    )]
    Accumulator {
        /// The layer.
        layer: String,
        /// The largest magnitude of a partial sum.
        bound: u64,
    },
}

/// Checks values that a layer is about to collect or to pass on.
pub(crate) fn check_finite<const D: usize>(layer: &str, x: &Tensor<D>) -> Result<(), ForwardError> {
    if backend::is_finite(x) {
        return Ok(());
    }
    let values = backend::to_f32(x);
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ForwardError::NotFinite { layer: layer.to_owned(), index, value: values[index] }),
        None => Ok(()),
    }
}
