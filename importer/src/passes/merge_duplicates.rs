//! Merges nodes that compute the same of the same operands.
//!
//! Exporters write a quantizer that layers share once for each of them; a layer's result then has several readers, none of
//! which can be part of it.

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Graph, Level, Node, ValueId};

pub(super) const PASS: Pass = Pass {
    name: "merge-duplicates",
    about: "merge nodes that compute the same, such as a shared quantizer written twice",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

/// Constants of more elements are equal if they are one.
const MAX_ELEMS: usize = 4096;

fn run(graph: &mut Graph) -> Result<()> {
    let mut kept: Vec<Node> = vec![];
    for index in 0..graph.nodes.len() {
        let node = graph.nodes[index].clone();
        let first = node.inputs.first().copied();
        let earlier = kept.iter().filter(|other| other.inputs.first().copied() == first);
        let same = earlier.into_iter().find(|other| {
            let operands = node.inputs.iter().zip(&other.inputs);
            other.op == node.op
                && node.inputs.len() == other.inputs.len()
                && operands.into_iter().all(|(a, b)| equal(graph, *a, *b))
                && graph.value(node.output).shape == graph.value(other.output).shape
        });
        // Each output of the graph keeps a value of its own.
        match same.map(|other| other.output) {
            Some(output) if !graph.outputs.contains(&node.output) => graph.replace_uses(node.output, output),
            _ => kept.push(node),
        }
    }
    Ok(())
}

/// Whether two operands are one value, or equal constants.
fn equal(graph: &Graph, a: ValueId, b: ValueId) -> bool {
    let (left, right) = (graph.value(a), graph.value(b));
    let small = left.elems() <= MAX_ELEMS && left.constant.is_some();
    a == b || small && (&left.shape, &left.ty, &left.constant) == (&right.shape, &right.ty, &right.constant)
}
