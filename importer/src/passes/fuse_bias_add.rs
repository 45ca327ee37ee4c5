//! Gives a constant that is added to a layer's result to the layer as its bias.
//!
//! Exporters write `MatMul` and `Add`, or `Gemm` and `Conv` with a bias operand; later passes see the second form only.

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Codes, Graph, Level, Op, Type, Value, ValueId, joined};

pub(super) const PASS: Pass = Pass {
    name: "fuse-bias-add",
    about: "turn an added constant into the bias of the layer before, and matrix products into gemm",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

fn run(graph: &mut Graph) -> Result<()> {
    for node in &mut graph.nodes {
        if node.op == Op::MatMul {
            node.op = Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false };
        }
    }
    for add in 0..graph.nodes.len() {
        if graph.nodes[add].op != Op::Add {
            continue;
        }
        let &[a, b] = graph.nodes[add].inputs.as_slice() else { continue };
        let Some((layer, bias)) = biased_layer(graph, a, b).or_else(|| biased_layer(graph, b, a)) else {
            continue;
        };
        let sum = graph.nodes[add].output;
        if graph.value(sum).shape != graph.value(graph.nodes[layer].output).shape {
            continue;
        }
        let bias = flat(graph, bias);
        let origin = std::mem::take(&mut graph.nodes[add].origin);
        let node = &mut graph.nodes[layer];
        // The factor of a bias that was not there does not hold for this one.
        if let Op::Gemm { beta, .. } = &mut node.op {
            *beta = 1.0;
        }
        let result = node.output;
        node.inputs.push(bias);
        node.origin = joined(&node.origin, &origin);
        // The result is the sum now, and is called so wherever it is looked for by name.
        let name = graph.value(sum).name.clone();
        let value = graph.value_mut(result);
        value.name = name;
        value.sources.clear();
        graph.replace_uses(sum, result);
    }
    Ok(())
}

/// The layer that computes `x` without a bias and for this sum alone, and `bias` if it has an element per channel.
fn biased_layer(graph: &Graph, x: ValueId, bias: ValueId) -> Option<(usize, ValueId)> {
    let layer = graph.producer(x)?;
    let node = &graph.nodes[layer];
    let value = graph.value(x);
    let constant = graph.value(bias);
    // Shapes broadcast from the right, so the axis of the channels is counted from there.
    let from_right = match node.op {
        Op::Gemm { .. } => 1,
        Op::Conv(_) | Op::ConvTranspose(_) => value.shape.len() - 1,
        _ => return None,
    };
    let along = |shape: &[usize]| shape.len().checked_sub(from_right).map(|axis| shape[axis]);
    let channels = along(&value.shape)?;
    let per_channel = along(&constant.shape) == Some(channels) && constant.elems() == channels;
    let alone = node.inputs.len() == 2 && graph.consumers(x).count() == 1 && !graph.outputs.contains(&x);
    (constant.constant.is_some() && per_channel && alone).then_some((layer, bias))
}

/// The constant `bias`, which has an element per channel along some axis, with that axis alone.
fn flat(graph: &mut Graph, bias: ValueId) -> ValueId {
    let value = graph.value(bias);
    if value.shape.len() == 1 {
        return bias;
    }
    let ty = match &value.ty {
        Type::Codes(codes) => Type::Codes(Codes { axis: codes.axis.map(|_| 0), ..codes.clone() }),
        other => other.clone(),
    };
    let flat = Value { shape: vec![value.elems()], ty, ..value.clone() };
    graph.add(flat)
}
