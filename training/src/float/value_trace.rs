//! From forward code to a float graph, by running the code on a real input.
//!
//! Conditions on values and shapes take the branch that the input takes, tuples are unpacked, loops run as often as
//! they run: the graph holds the layers that were called, in that order, once for each call.

use std::collections::BTreeSet;

use super::error::form;
use super::{
    Array, AveragePool, BatchNorm, FloatGraph, FloatGraphError, FloatNode, FloatOp, Weighted, WeightedKind,
    Window,
};
use crate::backend::Tensor;
use crate::trace::{Constant, Operator, Record, Structural, Trace, Tracer, Weighted as WeightedRecord};
use crate::{Activation, ForwardError};

/// The graph, called `name`, of the layers that `forward` calls for `input`.
///
/// ```
/// use exactum_training::float::value_trace;
/// use exactum_training::nn::QuantLinear;
/// use exactum_training::{Activation, Init};
///
/// let mut init = Init::from_seed(1);
/// let mut linear = |name, inputs| QuantLinear::builder(name, inputs, 2).weight_quant(None).build(&mut init);
/// let (first, second) = (linear("first", 3)?, linear("second", 2)?);
/// let input = Activation::from_values(vec![0.5, 0.25, 1.0], [1, 3]).value();
/// let graph = value_trace("net", input, |x| second.forward(&first.forward(x)?))?;
/// assert_eq!(graph.nodes.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If `forward` fails, or calls a layer that is no float layer: the error names it.
pub fn value_trace<const D: usize, const E: usize>(
    name: &str,
    input: Tensor<D>,
    forward: impl FnOnce(&Activation<D>) -> Result<Activation<E>, ForwardError>,
) -> Result<FloatGraph, FloatGraphError> {
    let tracer = Tracer::new();
    let output = forward(&Activation::eval(input).traced_by(&tracer))?;
    let output = output.traced_value().ok_or_else(|| FloatGraphError::Interface {
        network: name.to_owned(),
        found: "an output that does not come from a layer".into(),
        needed: "forward code that returns what a layer returns".into(),
    })?;
    from_trace(name, &tracer.trace(), output)
}

/// The graph of a recorded forward pass whose result is value `output`.
fn from_trace(name: &str, trace: &Trace, output: usize) -> Result<FloatGraph, FloatGraphError> {
    let mut values = vec!["input".to_owned()];
    let mut taken = BTreeSet::from(["input".to_owned()]);
    let mut nodes = Vec::new();
    for step in &trace.steps {
        let stem = format!("{}_out", step.record.name());
        let candidates = (0..).map(|n| if n == 0 { stem.clone() } else { format!("{stem}_{n}") });
        let value = candidates.into_iter().find(|candidate| !taken.contains(candidate)).unwrap_or_default();
        taken.insert(value.clone());
        nodes.push(FloatNode {
            name: step.record.name().to_owned(),
            op: operator(&step.record)?,
            inputs: step.inputs.iter().map(|input| values[*input].clone()).collect(),
            output: value.clone(),
        });
        values.push(value);
    }
    let input_shape =
        trace.input_shape.iter().enumerate().map(|(axis, extent)| if axis == 0 { 1 } else { *extent });
    let graph = FloatGraph {
        name: name.to_owned(),
        input: values[0].clone(),
        input_shape: input_shape.collect(),
        nodes,
        output: values[output].clone(),
    };
    graph.check()?;
    Ok(graph)
}

fn operator(record: &Record) -> Result<FloatOp, FloatGraphError> {
    match record {
        Record::Relu { .. } => Ok(FloatOp::Relu),
        Record::Flatten { .. } => Ok(FloatOp::Flatten),
        Record::Structural { name, operator } => structural(name, operator),
        Record::Weighted(layer) => weighted(layer),
        other => Err(form(other.name(), "a layer that is no float layer", "layers without quantizers")),
    }
}

fn structural(name: &str, operator: &Structural) -> Result<FloatOp, FloatGraphError> {
    match operator {
        Structural::MaxPool { kernel_size, stride, padding, dilation, ceil_mode: false } => {
            let (begin, end) = padding.iter().copied().unzip();
            let (stride, dilation) = (stride.clone(), dilation.clone());
            Ok(FloatOp::MaxPool(Window { kernel: kernel_size.clone(), stride, dilation, begin, end }))
        }
        Structural::Add => Ok(FloatOp::Add),
        Structural::Relu => Ok(FloatOp::Relu),
        Structural::Clip { min, max } => Ok(FloatOp::Clip { min: *min, max: *max }),
        Structural::Tanh => Ok(FloatOp::Tanh),
        Structural::Sigmoid => Ok(FloatOp::Sigmoid),
        Structural::Concat { dim } => Ok(FloatOp::Concat { axis: *dim }),
        Structural::Softmax { dim } => Ok(FloatOp::Softmax { axis: *dim }),
        Structural::GlobalAveragePool => Ok(FloatOp::GlobalAveragePool),
        Structural::Transpose { axes } => Ok(FloatOp::Transpose { perm: axes.clone() }),
        Structural::AveragePool { kernel_size, stride, padding } => {
            let window = Window {
                stride: stride.clone(),
                begin: padding.clone(),
                end: padding.clone(),
                ..Window::new(kernel_size)
            };
            Ok(FloatOp::AveragePool(AveragePool { window, count_include_pad: true }))
        }
        Structural::BatchNorm { weight, bias, mean, variance, epsilon } => {
            Ok(FloatOp::BatchNorm(BatchNorm {
                scale: weight.clone(),
                bias: bias.clone(),
                mean: mean.clone(),
                var: variance.clone(),
                epsilon: *epsilon,
            }))
        }
        Structural::Pad { pads } => pad(name, pads),
        Structural::Reshape { shape } if shape.len() == 2 => Ok(FloatOp::Flatten),
        Structural::Reshape { shape } => {
            Ok(FloatOp::Reshape { sample_shape: shape.get(1..).unwrap_or_default().to_vec() })
        }
        other => Err(form(name, other.node(), "an operator that float graphs have")),
    }
}

/// Zeros before each dimension, then zeros behind each: of spatial dimensions alone.
fn pad(name: &str, pads: &[usize]) -> Result<FloatOp, FloatGraphError> {
    let (begin, end) = pads.split_at(pads.len() / 2);
    let of_spatial = begin.len() > 2 && begin[..2] == [0, 0] && end[..2] == [0, 0];
    of_spatial
        .then(|| FloatOp::Pad { begin: begin[2..].to_vec(), end: end[2..].to_vec() })
        .ok_or_else(|| form(name, format!("pads {pads:?}"), "zeros around spatial dimensions"))
}

fn weighted(record: &WeightedRecord) -> Result<FloatOp, FloatGraphError> {
    let floats = |constant: &Constant| match constant {
        Constant::Float(values) => Ok(values.clone()),
        Constant::Quantized { .. } => {
            Err(form(&record.name, "quantized weights", "a float layer, whose weight_quant is None"))
        }
    };
    let kind = match &record.operator {
        Operator::Linear => WeightedKind::Linear,
        Operator::Conv { window, groups } => WeightedKind::Conv { window: window.clone(), groups: *groups },
        Operator::ConvTranspose { window, output_padding, groups } => WeightedKind::ConvTranspose {
            window: window.clone(),
            output_padding: output_padding.clone(),
            groups: *groups,
        },
    };
    let weight = Array { shape: record.weight_shape.clone(), values: floats(&record.weight)? };
    let bias = record.bias.as_ref().map(floats).transpose()?;
    Ok(FloatOp::Weighted(Weighted { kind, weight, bias }))
}
