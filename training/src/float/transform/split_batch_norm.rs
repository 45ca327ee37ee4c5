//! Batch norm behind a concatenation of channels is one batch norm for each operand, which can then be merged.

use crate::float::{FloatGraph, FloatNode, FloatOp};

/// Moves batch norms before the concatenation whose output they alone read.
pub fn move_split_batch_norm_before_concat(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    while let Some(concat) = next(graph) {
        split(graph, concat);
        changes += 1;
    }
    changes
}

/// A concatenation of channels that a batch norm alone reads.
fn next(graph: &FloatGraph) -> Option<usize> {
    let is_concat = |node: &FloatNode| node.op == FloatOp::Concat { axis: 1 };
    graph.nodes.iter().position(|node| {
        is_concat(node)
            && graph
                .only_consumer(&node.output)
                .is_some_and(|reader| matches!(graph.nodes[reader].op, FloatOp::BatchNorm(_)))
    })
}

fn split(graph: &mut FloatGraph, mut concat: usize) {
    let Ok(shapes) = graph.shapes() else { return };
    let Some(reader) = graph.only_consumer(&graph.nodes[concat].output) else { return };
    let FloatNode { name, op: FloatOp::BatchNorm(norm), .. } = graph.nodes[reader].clone() else { return };
    graph.bypass(reader);
    let mut from = 0;
    for operand in 0..graph.nodes[concat].inputs.len() {
        let source = graph.nodes[concat].inputs[operand].clone();
        let channels = shapes[&source][1];
        let output = graph.fresh_name(&format!("{source}_norm"));
        let node = FloatNode {
            name: graph.fresh_name(&format!("{name}_{operand}")),
            op: FloatOp::BatchNorm(norm.slice(from, channels)),
            inputs: vec![source],
            output: output.clone(),
        };
        graph.nodes[concat].inputs[operand] = output;
        graph.nodes.insert(concat, node);
        concat += 1;
        from += channels;
    }
}
