//! ReLU6 without its upper bound: the quantizer behind it clips anyway, at a bound found by calibration.

use crate::float::{FloatGraph, FloatOp};

/// Replaces clips to 0 and 6 by ReLU. Values above 6 then pass, so the graph computes something else for them.
pub fn relu6_to_relu(graph: &mut FloatGraph) -> usize {
    let mut changes = 0;
    for node in &mut graph.nodes {
        if node.op == (FloatOp::Clip { min: 0.0, max: 6.0 }) {
            node.op = FloatOp::Relu;
            changes += 1;
        }
    }
    changes
}
