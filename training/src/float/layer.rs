//! The layers that networks made from graphs consist of, and how each is applied.

use burn::module::Module;

use super::any_activation::{AnyActivation, with_rank};
use crate::ForwardError;
use crate::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};

/// A layer of a network made from a graph.
#[derive(Module, Debug)]
pub enum GraphLayer {
    /// A quantizer.
    Identity(QuantIdentity),
    /// A rectifier with quantizer.
    Relu(QuantReLU),
    /// A fully connected layer.
    Linear(QuantLinear),
    /// A two-dimensional convolution.
    Conv2d(QuantConv2d),
    /// A two-dimensional max pool.
    MaxPool2d(MaxPool2d),
    /// A flattening.
    Flatten(Flatten),
}

impl GraphLayer {
    /// The output for `inputs`; `name` is that of the layer.
    ///
    /// # Errors
    ///
    /// If the layer fails, or takes another rank.
    pub(super) fn forward(
        &self,
        name: &str,
        inputs: &[&AnyActivation],
    ) -> Result<AnyActivation, ForwardError> {
        use AnyActivation::{Four, Three, Two};
        let x = inputs[0];
        match self {
            Self::Identity(layer) => Ok(match x {
                Two(x) => Two(layer.forward(x)?),
                Three(x) => Three(layer.forward(x)?),
                Four(x) => Four(layer.forward(x)?),
            }),
            Self::Relu(layer) => Ok(match x {
                Two(x) => Two(layer.forward(x)?),
                Three(x) => Three(layer.forward(x)?),
                Four(x) => Four(layer.forward(x)?),
            }),
            Self::Linear(layer) => match x {
                Two(x) => layer.forward(x).map(Two),
                _ => Err(x.misfit(name, "[batch, features]")),
            },
            Self::Conv2d(layer) => match x {
                Four(x) => layer.forward(x).map(Four),
                _ => Err(x.misfit(name, "[batch, channels, height, width]")),
            },
            Self::MaxPool2d(layer) => match x {
                Four(x) => layer.forward(x).map(Four),
                _ => Err(x.misfit(name, "[batch, channels, height, width]")),
            },
            Self::Flatten(layer) => Ok(Two(with_rank!(x, x => layer.forward(x)))),
        }
    }
}
