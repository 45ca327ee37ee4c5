//! The layers that networks made from graphs consist of, and how each is applied.

use burn::module::Module;

use super::any_activation::{AnyActivation, with_rank};
use super::join::{Add, Concat};
use super::rearrange::{Pad, Reshape, Transpose};
use super::softmax::Softmax;
use crate::ForwardError;
use crate::component::Component;
use crate::nn::{
    AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, BatchNorm, Flatten, MaxPool1d, MaxPool2d, OperatorShape,
    QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d, QuantHardTanh, QuantIdentity,
    QuantLinear, QuantReLU, QuantSigmoid, QuantTanh, Wbiol,
};
use crate::quant::FixedQuantizer;

macro_rules! graph_layers {
    ($($(#[$doc:meta])* $variant:ident($layer:ty),)*) => {
        /// A layer of a network made from a graph.
        #[derive(Module, Debug)]
        pub enum GraphLayer {
            $($(#[$doc])* $variant($layer),)*
        }

        impl GraphLayer {
            /// The layer as a component.
            pub fn component(&self) -> &dyn Component {
                match self {
                    $(Self::$variant(layer) => layer,)*
                }
            }
        }
    };
}

graph_layers! {
    /// A quantizer.
    Identity(QuantIdentity),
    /// A rectifier with quantizer.
    Relu(QuantReLU),
    /// A clip with quantizer.
    HardTanh(QuantHardTanh),
    /// The logistic function with quantizer.
    Sigmoid(QuantSigmoid),
    /// The hyperbolic tangent with quantizer.
    Tanh(QuantTanh),
    /// A fully connected layer.
    Linear(QuantLinear),
    /// A one-dimensional convolution.
    Conv1d(QuantConv1d),
    /// A two-dimensional convolution.
    Conv2d(QuantConv2d),
    /// A one-dimensional transposed convolution.
    ConvTranspose1d(QuantConvTranspose1d),
    /// A two-dimensional transposed convolution.
    ConvTranspose2d(QuantConvTranspose2d),
    /// A one-dimensional max pool.
    MaxPool1d(MaxPool1d),
    /// A two-dimensional max pool.
    MaxPool2d(MaxPool2d),
    /// A one-dimensional average pool.
    AvgPool1d(AvgPool1d),
    /// A two-dimensional average pool.
    AvgPool2d(AvgPool2d),
    /// A global average pool.
    GlobalAvgPool(AdaptiveAvgPool2d),
    /// Batch norm that could not be merged.
    BatchNorm(BatchNorm),
    /// A sum of two values.
    Add(Add),
    /// A concatenation.
    Concat(Concat),
    /// A flattening.
    Flatten(Flatten),
    /// Another shape.
    Reshape(Reshape),
    /// Another order of dimensions.
    Transpose(Transpose),
    /// Zeros around values.
    Pad(Pad),
    /// Shares at the end.
    Softmax(Softmax),
}

impl GraphLayer {
    /// The kind of layer, such as `QuantConv2d`.
    pub fn kind(&self) -> String {
        let label = self.component().label();
        label.split('(').next().unwrap_or_default().to_owned()
    }

    /// The quantizer of the weight, if the layer has one.
    pub fn weight_quantizer(&self) -> Option<FixedQuantizer> {
        fn of<O: OperatorShape>(layer: &Wbiol<O>) -> Option<FixedQuantizer> {
            layer.weight_quant()?.codes(layer.weight()).ok().map(|(_, quantizer)| quantizer)
        }
        match self {
            Self::Linear(layer) => of(layer),
            Self::Conv1d(layer) => of(layer),
            Self::Conv2d(layer) => of(layer),
            Self::ConvTranspose1d(layer) => of(layer),
            Self::ConvTranspose2d(layer) => of(layer),
            _ => None,
        }
    }

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
        /// Applies a layer that takes every rank.
        macro_rules! any_rank {
            ($layer:expr) => {
                match x {
                    Two(x) => $layer.forward(x).map(Two),
                    Three(x) => $layer.forward(x).map(Three),
                    Four(x) => $layer.forward(x).map(Four),
                }
            };
        }
        /// Applies a layer that takes one rank.
        macro_rules! one_rank {
            ($rank:ident, $layer:expr, $needed:literal) => {
                match x {
                    $rank(x) => $layer.forward(x).map($rank),
                    _ => Err(x.misfit(name, $needed)),
                }
            };
        }
        match self {
            Self::Identity(layer) => any_rank!(layer),
            Self::Relu(layer) => any_rank!(layer),
            Self::HardTanh(layer) => any_rank!(layer),
            Self::Sigmoid(layer) => any_rank!(layer),
            Self::Tanh(layer) => any_rank!(layer),
            Self::Linear(layer) => one_rank!(Two, layer, "[batch, features]"),
            Self::Conv1d(layer) => one_rank!(Three, layer, "[batch, channels, length]"),
            Self::ConvTranspose1d(layer) => one_rank!(Three, layer, "[batch, channels, length]"),
            Self::Conv2d(layer) => one_rank!(Four, layer, "[batch, channels, height, width]"),
            Self::ConvTranspose2d(layer) => one_rank!(Four, layer, "[batch, channels, height, width]"),
            Self::MaxPool1d(layer) => one_rank!(Three, layer, "[batch, channels, length]"),
            Self::MaxPool2d(layer) => one_rank!(Four, layer, "[batch, channels, height, width]"),
            Self::AvgPool1d(layer) => one_rank!(Three, layer, "[batch, channels, length]"),
            Self::AvgPool2d(layer) => one_rank!(Four, layer, "[batch, channels, height, width]"),
            Self::GlobalAvgPool(layer) => one_rank!(Four, layer, "[batch, channels, height, width]"),
            Self::BatchNorm(layer) => any_rank!(layer),
            Self::Add(layer) => match inputs {
                [Two(x), Two(y)] => layer.forward([x, y]).map(Two),
                [Three(x), Three(y)] => layer.forward([x, y]).map(Three),
                [Four(x), Four(y)] => layer.forward([x, y]).map(Four),
                _ => Err(x.misfit(name, "two operands of one rank")),
            },
            Self::Concat(layer) => {
                /// The operands, if all have the rank.
                macro_rules! operands {
                    ($rank:ident) => {
                        inputs
                            .iter()
                            .map(|x| if let $rank(x) = x { Some(x) } else { None })
                            .collect::<Option<Vec<_>>>()
                    };
                }
                match (operands!(Two), operands!(Three), operands!(Four)) {
                    (Some(operands), _, _) => layer.forward(&operands).map(Two),
                    (_, Some(operands), _) => layer.forward(&operands).map(Three),
                    (_, _, Some(operands)) => layer.forward(&operands).map(Four),
                    _ => Err(x.misfit(name, "operands of one rank")),
                }
            }
            Self::Flatten(layer) => Ok(Two(with_rank!(x, x => layer.forward(x)))),
            Self::Reshape(layer) => layer.forward(x),
            Self::Transpose(layer) => layer.forward(x),
            Self::Pad(layer) => layer.forward(x),
            Self::Softmax(layer) => layer.forward(x),
        }
    }
}
