//! Identities and dropout do nothing outside training.

use crate::float::{FloatGraph, FloatOp};

/// Removes identities and dropout.
pub fn drop_identity(graph: &mut FloatGraph) -> usize {
    let before = graph.nodes.len();
    while let Some(index) =
        graph.nodes.iter().position(|node| matches!(node.op, FloatOp::Identity | FloatOp::Dropout { .. }))
    {
        graph.bypass(index);
    }
    before - graph.nodes.len()
}
