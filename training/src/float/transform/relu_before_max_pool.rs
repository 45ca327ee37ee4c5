//! Rectifying and taking the largest element commute: both keep the order of values. With the rectifier first, one
//! quantizer serves both.

use crate::float::{FloatGraph, FloatOp};

/// Exchanges max pools with the rectifier, or the clip, that alone reads them.
pub fn move_relu_before_max_pool(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    for index in 0..graph.nodes.len() {
        if !matches!(graph.nodes[index].op, FloatOp::MaxPool(_)) {
            continue;
        }
        let Some(reader) = graph.only_consumer(&graph.nodes[index].output) else { continue };
        if !matches!(graph.nodes[reader].op, FloatOp::Relu | FloatOp::Clip { .. }) {
            continue;
        }
        // The nodes keep their places and values and exchange what they compute.
        let pool = graph.nodes[index].clone();
        let activation = graph.nodes[reader].clone();
        (graph.nodes[index].op, graph.nodes[index].name) = (activation.op, activation.name);
        (graph.nodes[reader].op, graph.nodes[reader].name) = (pool.op, pool.name);
        changes += 1;
    }
    changes
}
