//! Quantized layers from the operators of a float graph.

use super::error::form;
use super::join::{Add, Concat};
use super::layer::GraphLayer;
use super::rearrange::{Pad, Reshape, Transpose};
use super::softmax::Softmax;
use super::{FloatGraphError, FloatNode, FloatOp, QuantizeConfig, Weighted, WeightedKind, Window};
use crate::nn::{
    AdaptiveAvgPool2d, AvgPool1d, AvgPool2d, BatchNorm, Conv, ConvTranspose, Flatten, MaxPool1d, MaxPool2d,
    OperatorShape, Padding, QuantHardTanh, QuantIdentity, QuantLinear, QuantReLU, QuantSigmoid, QuantTanh,
    Wbiol, WbiolBuilder,
};
use crate::quant::{ActQuant, ActQuantProxy};
use crate::{BuildError, Parameter};

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
            FloatOp::Clip { min, max } => {
                let layer = QuantHardTanh::builder(&node.name, min, max)
                    .bit_width(self.config.signed_act_quant.bit_width)
                    .restrict_scaling_type(self.config.signed_act_quant.restrict_scaling_type);
                Ok(GraphLayer::HardTanh(layer.build()?))
            }
            FloatOp::Sigmoid => {
                let layer = QuantSigmoid::builder(&node.name).act_quant(self.config.act(false));
                Ok(GraphLayer::Sigmoid(layer.build()?))
            }
            FloatOp::Tanh => {
                let layer = QuantTanh::builder(&node.name).act_quant(self.config.act(true));
                Ok(GraphLayer::Tanh(layer.build()?))
            }
            _ => Err(form(&node.name, format!("operator {}", node.op.name()), "an activation")),
        }
    }

    /// A layer with weights.
    pub(super) fn weighted(&self, node: &FloatNode, layer: &Weighted) -> Built {
        match &layer.kind {
            WeightedKind::Linear => {
                let builder = QuantLinear::builder(&node.name, layer.in_channels(), layer.out_channels());
                Ok(GraphLayer::Linear(self.finish(builder, layer)?))
            }
            WeightedKind::Conv { window, groups } if window.kernel.len() == 1 => {
                Ok(GraphLayer::Conv1d(self.finish(conv(node, layer, window, *groups), layer)?))
            }
            WeightedKind::Conv { window, groups } => {
                Ok(GraphLayer::Conv2d(self.finish(conv(node, layer, window, *groups), layer)?))
            }
            WeightedKind::ConvTranspose { window, output_padding, groups } if window.kernel.len() == 1 => {
                let builder = conv_transpose(node, layer, window, output_padding, *groups)?;
                Ok(GraphLayer::ConvTranspose1d(self.finish(builder, layer)?))
            }
            WeightedKind::ConvTranspose { window, output_padding, groups } => {
                let builder = conv_transpose(node, layer, window, output_padding, *groups)?;
                Ok(GraphLayer::ConvTranspose2d(self.finish(builder, layer)?))
            }
        }
    }

    /// The layer with copies of the weights of `layer` and the quantizers of the configuration.
    fn finish<O: OperatorShape>(
        &self,
        builder: WbiolBuilder<O>,
        layer: &Weighted,
    ) -> Result<Wbiol<O>, FloatGraphError> {
        let weight = Parameter::new(layer.weight.values.clone(), &layer.weight.shape);
        let bias = layer.bias.as_ref().map(|bias| Parameter::new(bias.clone(), &[bias.len()]));
        let QuantizeConfig { weight_quant, bias_quant, .. } = self.config.clone();
        let builder = builder.weight_quant(weight_quant).bias_quant(bias_quant).float_bias_where_wide(true);
        Ok(builder.with_parameters(weight, bias)?)
    }

    /// A quantizer for all operands of `node`.
    pub(super) fn shared(&self, node: &FloatNode, quant: ActQuant) -> Result<ActQuantProxy, FloatGraphError> {
        let built = ActQuantProxy::build(quant).map_err(|source| BuildError::Quantizer {
            layer: node.name.clone(),
            quantizer: "act_quant",
            source,
        })?;
        built.ok_or_else(|| form(&node.name, "operands without a quantizer", "a quantizer of activations"))
    }

    /// A layer of several aligned operands.
    pub(super) fn join(&self, node: &FloatNode) -> Built {
        match node.op {
            FloatOp::Add => Ok(GraphLayer::Add(Add::new(&node.name))),
            FloatOp::Concat { axis } => Ok(GraphLayer::Concat(Concat::new(&node.name, axis))),
            _ => Err(form(&node.name, format!("operator {}", node.op.name()), "a sum or a concatenation")),
        }
    }

    /// A pool that keeps codes.
    pub(super) fn pool(&self, node: &FloatNode) -> Built {
        match &node.op {
            FloatOp::MaxPool(window) if window.kernel.len() == 1 => {
                let pool = MaxPool1d::new(&node.name, extents(&window.kernel), extents(&window.stride));
                Ok(GraphLayer::MaxPool1d(pool.padding_ends(ends(window)).dilation(extents(&window.dilation))))
            }
            FloatOp::MaxPool(window) => {
                let pool = MaxPool2d::new(&node.name, extents(&window.kernel), extents(&window.stride));
                Ok(GraphLayer::MaxPool2d(pool.padding_ends(ends(window)).dilation(extents(&window.dilation))))
            }
            _ => Err(form(&node.name, format!("operator {}", node.op.name()), "a max pool")),
        }
    }

    /// A layer that averages, or scales and shifts each channel: its result is no code of its input's quantizer.
    pub(super) fn affine(&self, node: &FloatNode) -> Built {
        match &node.op {
            FloatOp::GlobalAveragePool => {
                Ok(GraphLayer::GlobalAvgPool(AdaptiveAvgPool2d::new(&node.name, [1, 1])))
            }
            FloatOp::AveragePool(pool) if pool.count_include_pad || pool.window.is_unpadded() => {
                let window = &pool.window;
                if window.kernel.len() == 1 {
                    let padding = symmetric::<1>(node, window)?;
                    let pool = AvgPool1d::new(&node.name, extents(&window.kernel), extents(&window.stride));
                    return Ok(GraphLayer::AvgPool1d(pool.padding(padding)));
                }
                let padding = symmetric::<2>(node, window)?;
                let pool = AvgPool2d::new(&node.name, extents(&window.kernel), extents(&window.stride));
                Ok(GraphLayer::AvgPool2d(pool.padding(padding)))
            }
            FloatOp::AveragePool(_) => Err(form(
                &node.name,
                "AveragePool whose mean leaves out padding",
                "count_include_pad 1, or no padding: the mean then has one scale",
            )),
            FloatOp::BatchNorm(norm) => {
                let layer = BatchNorm::new(&node.name, norm.channels()).eps(norm.epsilon);
                layer.weight().set(norm.scale.clone());
                layer.bias().set(norm.bias.clone());
                layer.running_mean().set(norm.mean.clone());
                layer.running_var().set(norm.var.clone());
                Ok(GraphLayer::BatchNorm(layer))
            }
            op => Err(form(
                &node.name,
                format!("operator {}", op.name()),
                "a layer that can be quantized; transform or retrain the network without it",
            )),
        }
    }

    /// A layer that keeps values and changes the shape, or the softmax at the end.
    pub(super) fn shape(&self, node: &FloatNode) -> Built {
        let name = node.name.clone();
        match node.op.clone() {
            FloatOp::Flatten => Ok(GraphLayer::Flatten(Flatten::new(&node.name))),
            FloatOp::Softmax { axis } => Ok(GraphLayer::Softmax(Softmax { name, axis })),
            FloatOp::Reshape { sample_shape } if (1..=3).contains(&sample_shape.len()) => {
                Ok(GraphLayer::Reshape(Reshape { name, sample_shape }))
            }
            FloatOp::Reshape { sample_shape } => {
                let found = format!("a shape of {} dimensions", sample_shape.len() + 1);
                Err(form(&name, found, "2 to 4 dimensions, the batch included"))
            }
            FloatOp::Transpose { perm } => Ok(GraphLayer::Transpose(Transpose { name, perm })),
            FloatOp::Pad { begin, end } => Ok(GraphLayer::Pad(Pad { name, begin, end })),
            _ => {
                Err(form(&node.name, format!("operator {}", node.op.name()), "an operator that moves values"))
            }
        }
    }
}

/// A convolution over `N` dimensions.
fn conv<const N: usize>(
    node: &FloatNode,
    layer: &Weighted,
    window: &Window,
    groups: usize,
) -> WbiolBuilder<Conv<N>> {
    let kernel: [usize; N] = extents(&window.kernel);
    let builder = Wbiol::<Conv<N>>::builder(&node.name, layer.in_channels(), layer.out_channels(), kernel);
    builder
        .stride(extents::<N>(&window.stride))
        .padding(Padding::Ends(ends::<N>(window)))
        .dilation(extents::<N>(&window.dilation))
        .groups(groups)
}

/// A transposed convolution over `N` dimensions.
fn conv_transpose<const N: usize>(
    node: &FloatNode,
    layer: &Weighted,
    window: &Window,
    output_padding: &[usize],
    groups: usize,
) -> Result<WbiolBuilder<ConvTranspose<N>>, FloatGraphError> {
    let kernel: [usize; N] = extents(&window.kernel);
    let builder =
        Wbiol::<ConvTranspose<N>>::builder(&node.name, layer.in_channels(), layer.out_channels(), kernel);
    Ok(builder
        .stride(extents::<N>(&window.stride))
        .padding(symmetric::<N>(node, window)?)
        .output_padding(extents::<N>(output_padding))
        .dilation(extents::<N>(&window.dilation))
        .groups(groups))
}

fn symmetric<const N: usize>(node: &FloatNode, window: &Window) -> Result<[usize; N], FloatGraphError> {
    if window.is_symmetric() {
        return Ok(extents(&window.begin));
    }
    let found = format!("padding of {:?} before and {:?} behind", window.begin, window.end);
    let needed = "equal padding on both ends; export with equal pads, and slice or pad the result";
    Err(form(&node.name, found, needed))
}

/// Padding before and behind each dimension.
fn ends<const N: usize>(window: &Window) -> [(usize, usize); N] {
    std::array::from_fn(|axis| (window.begin[axis], window.end[axis]))
}

/// One extent per dimension.
fn extents<const N: usize>(values: &[usize]) -> [usize; N] {
    std::array::from_fn(|axis| values[axis])
}
