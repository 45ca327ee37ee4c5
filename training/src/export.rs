//! Export to ONNX, in two flavours: QONNX in the form current Brevitas writes ([`to_qonnx`]), which says everything, and
//! QCDQ ([`to_qcdq`]), standard operators for 8 bits and less.
//!
//! The forward code of the network runs once on a traced activation; one file per layer turns its record into nodes.
//! Weights are written as the values of their codes, so that quantizing them again gives the codes back.

mod constant;
mod conv;
mod flatten;
mod function;
mod interface;
mod linear;
mod qcdq;
mod quant;
mod structural;
mod warning;

pub use interface::rename_interface;
pub use warning::{Warning, warnings};

use exactum_qonnx::{DEFAULT_DOMAIN, Dim, ElemType, Graph, Model, Node, Tensor, ValueInfo};
use thiserror::Error;

use crate::network::Network;
use crate::trace::{Operator, Record, Step, Trace, Tracer};
use crate::{Activation, ForwardError};

/// Name of the tool that writes the files.
const PRODUCER: &str = "exactum";

/// Name of the symbolic first dimension of all values.
const BATCH: &str = "batch";

/// A network cannot be exported.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ExportError {
    /// The forward pass failed.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The forward pass recorded nothing: the network returned a new activation instead of one from its layers.
    #[error("the forward pass of the network has no layer that can be exported")]
    Empty,
    /// The flavour cannot say what a quantizer does.
    #[error("`{name}`: {flavour} cannot express {found}; {help}")]
    Unsupported {
        /// Name of the quantizer.
        name: String,
        /// The flavour of ONNX.
        flavour: &'static str,
        /// What it cannot say.
        found: String,
        /// What to change.
        help: &'static str,
    },
    /// Two layers with weights have one name, so their weights would have, too.
    #[error("two layers are called `{name}`; give each layer its own name")]
    DuplicateName {
        /// The name.
        name: String,
    },
}

/// How quantizers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    /// `Quant` and `BipolarQuant` nodes of any width.
    Qonnx,
    /// `QuantizeLinear`, `Clip` and `DequantizeLinear`.
    Qcdq,
}

/// Exports `network` to QONNX as a model called `name`, with a float input `input` and an output `output`.
///
/// Check [`warnings`] as well: a network without calibrated scales exports, but computes little.
///
/// # Errors
///
/// If the forward pass fails, as it does for scales that are not known before the input is; if it records no layer or
/// has two layers of one name; if a rounding has no name in QONNX.
pub fn to_qonnx<const D: usize, const E: usize>(
    network: &impl Network<D, E>,
    name: &str,
) -> Result<Model, ExportError> {
    trace_to_qonnx(&trace(network)?, name)
}

/// Exports `network` to ONNX without operators of QONNX: activations pass `QuantizeLinear`, a `Clip` where the codes
/// are fewer than those of 8 bits, and `DequantizeLinear`; weights and biases are integers before `DequantizeLinear`.
///
/// # Errors
///
/// As [`to_qonnx`]; if a quantizer has more than 8 bits (32 for biases in units of the accumulator), is bipolar, or does
/// not round half to even; if a pool truncates codes.
pub fn to_qcdq<const D: usize, const E: usize>(
    network: &impl Network<D, E>,
    name: &str,
) -> Result<Model, ExportError> {
    trace_to_qcdq(&trace(network)?, name)
}

/// The layers of a forward pass over one sample.
fn trace<const D: usize, const E: usize>(network: &impl Network<D, E>) -> Result<Trace, ExportError> {
    let tracer = Tracer::new();
    let mut shape = network.input_shape();
    shape[0] = 1;
    network.forward(&Activation::traced(shape, &tracer))?;
    Ok(tracer.trace())
}

/// Exports a recorded forward pass to QONNX.
///
/// # Errors
///
/// If it has no step, or two layers of one name, or a rounding without a name in QONNX.
pub fn trace_to_qonnx(trace: &Trace, name: &str) -> Result<Model, ExportError> {
    let graph = write(trace, name, Flavour::Qonnx)?;
    Ok(Model::new(graph).produced_by(PRODUCER, env!("CARGO_PKG_VERSION")))
}

/// Exports a recorded forward pass as [`to_qcdq`] does.
///
/// # Errors
///
/// As [`trace_to_qonnx`], and if standard operators cannot say what a quantizer does.
pub fn trace_to_qcdq(trace: &Trace, name: &str) -> Result<Model, ExportError> {
    let graph = write(trace, name, Flavour::Qcdq)?;
    let model = Model { ir_version: 10, graph, ..Model::default() };
    Ok(model.opset(DEFAULT_DOMAIN, 20).produced_by(PRODUCER, env!("CARGO_PKG_VERSION")))
}

fn write(trace: &Trace, name: &str, flavour: Flavour) -> Result<Graph, ExportError> {
    let mut writer = GraphWriter { flavour, graph: Graph::new(name), values: vec!["input".to_owned()] };
    writer.graph.inputs.push(value_info("input", &trace.input_shape));
    let (last, rest) = trace.steps.split_last().ok_or(ExportError::Empty)?;
    for step in rest {
        let output = format!("{}_out", step.record.name());
        writer.step(step, output.clone())?;
        writer.graph.value_info.push(value_info(&output, &step.output_shape));
    }
    writer.step(last, "output".to_owned())?;
    writer.graph.outputs.push(value_info("output", &last.output_shape));
    Ok(writer.graph)
}

/// A graph under construction.
struct GraphWriter {
    flavour: Flavour,
    graph: Graph,
    /// Names of the trace's values.
    values: Vec<String>,
}

impl GraphWriter {
    fn step(&mut self, step: &Step, output: String) -> Result<(), ExportError> {
        let name = step.record.name();
        if self.graph.nodes.iter().any(|node| node.name == name) {
            return Err(ExportError::DuplicateName { name: name.to_owned() });
        }
        let inputs: Vec<String> = step.inputs.iter().map(|value| self.values[*value].clone()).collect();
        let input = inputs.first().ok_or(ExportError::Empty)?.clone();
        match &step.record {
            Record::Quant { name, quantizer, axis } => {
                self.quant(name, &input, &output, (quantizer, *axis), &step.output_shape)?;
            }
            Record::Relu { name } => self.function("Relu", name, &input, &output),
            Record::Sigmoid { name } => self.function("Sigmoid", name, &input, &output),
            Record::Tanh { name } => self.function("Tanh", name, &input, &output),
            Record::HardTanh { name, min, max } => {
                self.hard_tanh(name, &input, &output, [*min, *max]);
            }
            Record::Structural { name, operator } => self.structural(name, operator, inputs, &output)?,
            Record::Flatten { name } => self.flatten(name, &input, &output),
            Record::Weighted(layer) => match layer.operator {
                Operator::Linear => self.linear(layer, &input, &output)?,
                Operator::Conv { ref window, groups } => {
                    self.conv("Conv", layer, [&input, &output], (window, None), groups)?;
                }
                Operator::ConvTranspose { ref window, ref output_padding, groups } => {
                    let windows = (window, Some(output_padding.as_slice()));
                    self.conv("ConvTranspose", layer, [&input, &output], windows, groups)?;
                }
            },
        }
        self.values.push(output);
        Ok(())
    }

    fn node(&mut self, node: Node) {
        self.graph.nodes.push(node);
    }

    fn initializer(&mut self, tensor: Tensor) -> String {
        let name = tensor.name.clone();
        self.graph.initializers.push(tensor);
        name
    }
}

fn value_info(name: &str, shape: &[usize]) -> ValueInfo {
    let rest = shape.iter().skip(1).map(|extent| Dim::Known(*extent));
    let dims = std::iter::once(Dim::Symbol(BATCH.to_owned())).chain(rest).collect();
    ValueInfo::with_dims(name, ElemType::F32, dims)
}

/// Extents as an attribute.
fn ints(values: &[usize]) -> Vec<i64> {
    values.iter().map(|value| *value as i64).collect()
}
