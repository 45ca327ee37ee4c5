//! A concatenation of concatenations along one dimension is one concatenation, with one scale for all operands.

use crate::float::{FloatGraph, FloatOp};

/// Joins each concatenation with those that it alone reads.
pub fn collapse_consecutive_concats(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    while let Some((inner, outer)) = next(graph) {
        let inner = graph.nodes.remove(inner);
        // The inner node was before the outer one.
        let outer = &mut graph.nodes[outer - 1];
        if let Some(place) = outer.inputs.iter().position(|input| *input == inner.output) {
            outer.inputs.splice(place..=place, inner.inputs);
        }
        changes += 1;
    }
    changes
}

fn next(graph: &FloatGraph) -> Option<(usize, usize)> {
    graph.nodes.iter().enumerate().find_map(|(index, node)| {
        let FloatOp::Concat { axis } = node.op else { return None };
        let outer = graph.only_consumer(&node.output)?;
        (graph.nodes[outer].op == FloatOp::Concat { axis }).then_some((index, outer))
    })
}
