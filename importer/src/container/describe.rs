//! From a compiled model to the messages of its container.

use exactum_runtime::num::IntRange;

use super::{curve, steps, wire};
use crate::Compiled;
use crate::certify::{LayerCertificate, Scope};
use crate::graph::{Graph, Op, Requantize, RequantizePair, Type};
use crate::interface::Port;

/// The contents for `compiled`, made from `model`, whose file has the digest `sha256`.
pub(super) fn contents(compiled: &Compiled, model: &exactum_qonnx::Model, sha256: &[u8]) -> wire::Contents {
    let inputs = compiled.interface.inputs.iter().zip(&compiled.interface.given);
    wire::Contents {
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        source: Some(wire::Source {
            sha256: sha256.to_vec(),
            graph_name: model.graph.name.clone(),
            producer: model.producer.clone(),
            producer_version: model.producer_version.clone(),
        }),
        target: compiled.target.facts.name.clone(),
        steps: compiled.streamed.as_ref().map(|streamed| steps::described(&streamed.steps)),
        image: compiled.image.clone(),
        inputs: inputs.map(|(own, input)| wire::Port { input: *input as u32, ..port(own) }).collect(),
        input_names: compiled.interface.input_names.clone(),
        outputs: compiled.interface.outputs.iter().map(port).collect(),
        ops: compiled.ops.iter().map(op).collect(),
        layers: layers(&compiled.integer),
        memory: Some(wire::MemoryPlan {
            arena_bytes: compiled.memory.arena_bytes as u64,
            lower_bound_bytes: compiled.memory.lower_bound_bytes as u64,
            optimal: compiled.memory.optimal,
        }),
    }
}

fn port(port: &Port) -> wire::Port {
    let kind =
        if port.holds_accumulators() { wire::port::Kind::Accumulators } else { wire::port::Kind::Codes };
    wire::Port {
        name: port.name.clone(),
        shape: port.shape.iter().map(|dim| *dim as u64).collect(),
        r#type: port.int.to_string(),
        zero_point: port.zero_point,
        stored_less: port.stored_less,
        scale: port.scale.clone(),
        offset: port.offset.clone(),
        axis: port.axis as u32,
        channel_digits: port.channels.iter().flat_map(|channels| &channels.digits).map(digit).collect(),
        channel_order: port.channels.iter().flat_map(|channels| channels.order.clone()).collect(),
        kind: kind.into(),
        preprocessed: port.preprocessed,
        functions: port.functions.iter().map(curve::describe).collect(),
        input: 0,
        file_type: port.tensor.elem.name().to_owned(),
        file_scale: port.tensor.scale.clone(),
        file_zero_point: port.tensor.zero_point.clone(),
        file_axis: port.tensor.axis.map(|axis| axis as u32),
        channels_last: port.tensor.channels_last,
    }
}

fn digit([stride, count]: &[usize; 2]) -> wire::Digit {
    wire::Digit { stride: *stride as u64, count: *count as u64 }
}

fn op(origin: &crate::lower::OpOrigin) -> wire::Op {
    wire::Op {
        kind: origin.kind.to_owned(),
        name: origin.name.clone(),
        nodes: origin.nodes.clone(),
        weight_bytes: origin.weight_bytes as u64,
        table_bytes: origin.table_bytes as u64,
        macs: origin.macs,
    }
}

/// Bounds and proofs of the layers of an integer graph: a requantization belongs to the layer it reads, if any.
fn layers(graph: &Graph) -> Vec<wire::Layer> {
    let mut layers: Vec<wire::Layer> = vec![];
    let mut layer_of = vec![None; graph.values.len()];
    for node in &graph.nodes {
        match &node.op {
            op if op.accumulates() => {
                layer_of[node.output.index()] = Some(layers.len());
                let accumulators = match &graph.value(node.output).ty {
                    Type::Accumulators { bounds, .. } => bounds.iter().map(|bounds| range(*bounds)).collect(),
                    _ => vec![],
                };
                layers.push(wire::Layer { name: node.name.clone(), accumulators, certificate: None });
            }
            // Its accumulators are sums of its own, not those of a layer it reads.
            Op::RequantizePair(RequantizePair::Certified { certified, .. }) => layers.push(wire::Layer {
                name: node.name.clone(),
                accumulators: vec![],
                certificate: Some(certificate(&certified.certificate)),
            }),
            Op::Requantize(Requantize::Certified(certified)) => {
                let certificate = Some(certificate(&certified.certificate));
                match layer_of[node.inputs[0].index()] {
                    Some(layer) if layers[layer].certificate.is_none() => {
                        layers[layer].certificate = certificate
                    }
                    _ => layers.push(wire::Layer {
                        name: node.name.clone(),
                        accumulators: vec![],
                        certificate,
                    }),
                }
            }
            _ => {}
        }
    }
    layers
}

fn certificate(certificate: &LayerCertificate) -> wire::Certificate {
    let scope = match certificate.scope {
        Scope::Proven => wire::certificate::Scope::Proven,
        Scope::Exhaustive => wire::certificate::Scope::Exhaustive,
    };
    let channel = |channel: &crate::certify::ChannelProof| wire::ChannelProof {
        range: Some(range(channel.range)),
        runs: channel.runs,
        points: channel.points,
        thresholds_digest: channel.thresholds_digest,
    };
    wire::Certificate {
        scope: scope.into(),
        form: certificate.form.to_string(),
        codes: Some(range(certificate.codes)),
        shared: certificate.shared,
        multiplier_bits: certificate.multiplier_bits,
        channels: certificate.channels.iter().map(channel).collect(),
        operands: certificate.operands.into_iter().flatten().map(range).collect(),
    }
}

fn range(range: IntRange) -> wire::Range {
    wire::Range { lo: range.lo, hi: range.hi }
}
