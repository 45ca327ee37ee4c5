//! Export to QONNX, in the form current Brevitas writes.
//!
//! The forward code of the network runs once on a traced activation; one file per layer turns its record into nodes.
//! Weights are written as the values of their codes, so that quantizing them again gives the codes back.

mod constant;
mod conv;
mod conv_transpose;
mod flatten;
mod linear;
mod quant;
mod relu;
mod structural;

use exactum_qonnx::{Dim, ElemType, Graph, Model, Node, Tensor, ValueInfo};
use thiserror::Error;

use crate::network::Network;
use crate::trace::{Operator, Record, Step, Trace, Tracer};
use crate::{Activation, ForwardError};

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
    /// A quantizer rounds in a way that QONNX cannot name.
    #[error(
        "quantizer `{name}` rounds as a DPU does, which QONNX has no name for; use another float_to_int_impl_type"
    )]
    Rounding {
        /// The quantizer's node.
        name: String,
    },
    /// Two layers with weights have one name, so their weights would have, too.
    #[error("two layers are called `{name}`; give each layer its own name")]
    DuplicateName {
        /// The name.
        name: String,
    },
}

/// Exports `network` as a model called `name`, with a float input `input` and an output `output`.
///
/// # Errors
///
/// If the forward pass fails, records no layer, or has two layers of one name.
pub fn to_qonnx<const D: usize, const E: usize>(
    network: &impl Network<D, E>,
    name: &str,
) -> Result<Model, ExportError> {
    let tracer = Tracer::new();
    let mut shape = network.input_shape();
    shape[0] = 1;
    network.forward(&Activation::traced(shape, &tracer))?;
    trace_to_qonnx(&tracer.trace(), name)
}

/// Exports a recorded forward pass.
///
/// # Errors
///
/// If it has no step, or two layers of one name.
pub fn trace_to_qonnx(trace: &Trace, name: &str) -> Result<Model, ExportError> {
    let mut writer = GraphWriter { graph: Graph::new(name), values: vec!["input".to_owned()] };
    writer.graph.inputs.push(value_info("input", &trace.input_shape));
    let (last, rest) = trace.steps.split_last().ok_or(ExportError::Empty)?;
    for step in rest {
        let output = format!("{}_out", step.record.name());
        writer.step(step, output.clone())?;
        writer.graph.value_info.push(value_info(&output, &step.output_shape));
    }
    writer.step(last, "output".to_owned())?;
    writer.graph.outputs.push(value_info("output", &last.output_shape));
    Ok(Model::new(writer.graph).produced_by("exactum", env!("CARGO_PKG_VERSION")))
}

/// A graph under construction.
struct GraphWriter {
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
            Record::Quant { name, quantizer } => {
                self.quant(name, &input, &output, quantizer, &step.output_shape)?;
            }
            Record::Relu { name } => self.relu(name, &input, &output),
            Record::Structural { name, operator } => self.structural(name, operator, inputs, &output)?,
            Record::Flatten { name } => self.flatten(name, &input, &output),
            Record::Weighted(layer) => match layer.operator {
                Operator::Linear => self.linear(layer, &input, &output)?,
                Operator::Conv { ref stride, ref pads, ref dilation, groups } => {
                    self.conv(layer, &input, &output, &conv::Window { stride, pads, dilation, groups })?;
                }
                Operator::ConvTranspose {
                    ref stride,
                    ref padding,
                    ref output_padding,
                    ref dilation,
                    groups,
                } => {
                    let window = conv_transpose::Window { stride, padding, output_padding, dilation, groups };
                    self.conv_transpose(layer, &input, &output, &window)?;
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
