//! Zeros added before a convolution or an average pool that counts them are its padding.

use crate::float::{FloatGraph, FloatOp, WeightedKind, Window};

/// Merges paddings into the node that alone reads them.
pub fn merge_pad(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    for index in (0..graph.nodes.len()).rev() {
        let FloatOp::Pad { begin, end } = graph.nodes[index].op.clone() else { continue };
        let Some(reader) = graph.only_consumer(&graph.nodes[index].output) else { continue };
        if let Some(window) = padded_window(&mut graph.nodes[reader].op) {
            for axis in 0..begin.len() {
                window.begin[axis] += begin[axis];
                window.end[axis] += end[axis];
            }
            graph.bypass(index);
            changes += 1;
        }
    }
    changes
}

/// The window of an operator whose padding is zeros.
fn padded_window(op: &mut FloatOp) -> Option<&mut Window> {
    match op {
        FloatOp::Weighted(layer) => match &mut layer.kind {
            WeightedKind::Conv { window, .. } => Some(window),
            WeightedKind::Linear | WeightedKind::ConvTranspose { .. } => None,
        },
        FloatOp::AveragePool(pool) if pool.count_include_pad || pool.window.is_unpadded() => {
            pool.count_include_pad = true;
            Some(&mut pool.window)
        }
        _ => None,
    }
}
