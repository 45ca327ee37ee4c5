//! Removes nodes that change nothing, and writes every change of shape as `reshape` with the shape in its result.

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Graph, Level, Op};

pub(super) const PASS: Pass = Pass {
    name: "remove-identity",
    about: "drop identities and no-op transposes; write flatten and reshape in one form",
    from: Level::Imported,
    to: Level::Imported,
    run: Run::Always(run),
};

fn run(graph: &mut Graph) -> Result<()> {
    for index in 0..graph.nodes.len() {
        let node = &mut graph.nodes[index];
        if matches!(node.op, Op::Flatten { .. } | Op::Reshape) {
            node.op = Op::Reshape;
            node.inputs.truncate(1);
        }
        let (from, to) = (node.output, node.inputs[0]);
        let same_shape = graph.value(from).shape == graph.value(to).shape;
        let removable = match &graph.nodes[index].op {
            Op::Identity => true,
            Op::Reshape => same_shape,
            Op::Transpose { perm } => perm.iter().copied().eq(0..perm.len()),
            _ => false,
        };
        if removable {
            graph.replace_uses(from, to);
        }
    }
    Ok(())
}
