//! Quantized layers from the operators of a float graph.

use super::error::form;
use super::layer::GraphLayer;
use super::{FloatGraphError, FloatNode, FloatOp, QuantizeConfig, Weighted, WeightedKind, Window};
use crate::Parameter;
use crate::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use crate::quant::ActQuant;

/// Makes layers with the quantizers of a configuration.
pub(super) struct LayerBuilder<'a> {
    pub(super) config: &'a QuantizeConfig,
}

type Built = Result<GraphLayer, FloatGraphError>;

impl<'a> LayerBuilder<'a> {
    pub(super) fn new(config: &'a QuantizeConfig) -> Self {
        Self { config }
    }

    /// A quantizer.
    pub(super) fn identity(&self, name: &str, quant: ActQuant) -> Built {
        Ok(GraphLayer::Identity(QuantIdentity::builder(name).act_quant(quant).build()?))
    }

    /// An activation and its quantizer.
    pub(super) fn activation(&self, node: &FloatNode) -> Built {
        let relu = || QuantReLU::builder(&node.name).act_quant(self.config.act(false));
        match node.op {
            FloatOp::Relu => Ok(GraphLayer::Relu(relu().build()?)),
            // The largest code stands for the bound, so the quantizer clips.
            FloatOp::Clip { min: 0.0, max } => Ok(GraphLayer::Relu(relu().max_val(max).build()?)),
            _ => Err(form(&node.name, format!("operator {}", node.op.name()), "ReLU or a clip from zero")),
        }
    }

    /// A layer with weights.
    pub(super) fn weighted(&self, node: &FloatNode, layer: &Weighted) -> Built {
        let weight = Parameter::new(layer.weight.values.clone(), &layer.weight.shape);
        let bias = layer.bias.as_ref().map(|bias| Parameter::new(bias.clone(), &[bias.len()]));
        let QuantizeConfig { weight_quant, bias_quant, .. } = self.config.clone();
        let (inputs, outputs) = (layer.in_channels(), layer.out_channels());
        match &layer.kind {
            WeightedKind::Linear => Ok(GraphLayer::Linear(
                QuantLinear::builder(&node.name, inputs, outputs)
                    .weight_quant(weight_quant)
                    .bias_quant(bias_quant)
                    .with_parameters(weight, bias)?,
            )),
            WeightedKind::Conv { window, groups } if window.kernel.len() == 2 => {
                let padding = symmetric(node, window)?;
                Ok(GraphLayer::Conv2d(
                    QuantConv2d::builder(&node.name, inputs, outputs, pair(&window.kernel))
                        .stride(pair(&window.stride))
                        .padding(padding)
                        .dilation(pair(&window.dilation))
                        .groups(*groups)
                        .weight_quant(weight_quant)
                        .bias_quant(bias_quant)
                        .with_parameters(weight, bias)?,
                ))
            }
            _ => Err(form(
                &node.name,
                format!("operator {}", node.op.name()),
                "a linear layer or a convolution",
            )),
        }
    }

    /// A pool that keeps codes.
    pub(super) fn pool(&self, node: &FloatNode) -> Built {
        match &node.op {
            FloatOp::MaxPool(window)
                if window.kernel.len() == 2 && window.is_unpadded() && window.dilation == [1, 1] =>
            {
                Ok(GraphLayer::MaxPool2d(MaxPool2d::new(
                    &node.name,
                    pair(&window.kernel),
                    pair(&window.stride),
                )))
            }
            _ => Err(form(
                &node.name,
                "padding, dilation or one dimension",
                "a pool of images without padding",
            )),
        }
    }

    /// A layer that keeps values and changes the shape.
    pub(super) fn shape(&self, node: &FloatNode) -> Built {
        match node.op {
            FloatOp::Flatten => Ok(GraphLayer::Flatten(Flatten::new(&node.name))),
            _ => Err(form(&node.name, format!("operator {}", node.op.name()), "a flattening")),
        }
    }
}

fn symmetric(node: &FloatNode, window: &Window) -> Result<[usize; 2], FloatGraphError> {
    if window.is_symmetric() {
        return Ok(pair(&window.begin));
    }
    let found = format!("padding of {:?} before and {:?} behind", window.begin, window.end);
    Err(form(&node.name, found, "equal padding on both ends"))
}

fn pair(values: &[usize]) -> [usize; 2] {
    [values[0], values[1]]
}
