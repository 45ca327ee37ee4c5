//! Which values are -1 and 1 alone, so that one bit holds them in every stream.

use std::collections::BTreeSet;

use super::moved::Moved;
use crate::dataflow::parameters::CodeFunction;
use crate::exact::Quantizer;
use crate::graph::{Constant, Graph, Node, Op, Requantize, Value, ValueId};

/// The bipolar values among those that are computed.
pub(super) fn values(graph: &Graph, moved: &Moved) -> BTreeSet<ValueId> {
    let mut found = BTreeSet::new();
    // Padding that is zero is a third code.
    let padded: BTreeSet<ValueId> =
        graph.nodes.iter().filter_map(zero_padded).map(|id| moved.root(id)).collect();
    for node in &graph.nodes {
        let bipolar = match &node.op {
            Op::Quantize(edge) => matches!(edge.tail.quantizer, Quantizer::Sign),
            Op::Requantize(Requantize::Certified(certified)) => {
                let range = graph.value(node.output).codes().map(|codes| codes.range);
                range.is_some_and(|range| (range.lo, range.hi) == (-1, 1))
                    && CodeFunction::of(certified).is_bipolar()
            }
            Op::MaxPool(_) | Op::Concat { .. } => {
                node.inputs.iter().all(|id| found.contains(id) || is_constant(graph.value(*id)))
            }
            Op::Reshape | Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. } | Op::Border { .. } => {
                found.contains(&moved.root(node.output))
                    && moved.codes(node.output).all(|code| code.abs() == 1)
            }
            _ => false,
        };
        if bipolar && !padded.contains(&moved.root(node.output)) {
            found.insert(node.output);
        }
    }
    found
}

fn zero_padded(node: &Node) -> Option<ValueId> {
    let window = match &node.op {
        Op::Conv2d(conv) => &conv.window,
        Op::SumPool(pool) => &pool.pool.window,
        // What it inserts is zero.
        Op::ConvTranspose2d(_) => return node.inputs.first().copied(),
        _ => return None,
    };
    window.is_padded().then(|| node.inputs[0])
}

/// Whether the constant `value` is bipolar.
pub(super) fn is_constant(value: &Value) -> bool {
    match &value.constant {
        Some(Constant::Codes(codes)) => codes.iter().all(|code| code.abs() == 1),
        _ => false,
    }
}
