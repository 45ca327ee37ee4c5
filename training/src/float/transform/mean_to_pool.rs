//! A mean over all spatial dimensions is a global average pool.

use crate::float::{FloatGraph, FloatNode, FloatOp};

/// Replaces means over exactly the spatial dimensions; where these disappear, a flattening follows the pool.
pub fn mean_to_global_average_pool(graph: &mut FloatGraph) -> usize {
    let Ok(shapes) = graph.shapes() else { return 0 };
    let mut changes = 0;
    for index in (0..graph.nodes.len()).rev() {
        let FloatOp::Mean { axes, keep_dims } = &graph.nodes[index].op else { continue };
        let rank = shapes[&graph.nodes[index].inputs[0]].len();
        if rank < 3 || !axes.iter().copied().eq(2..rank) {
            continue;
        }
        let flat = !keep_dims;
        graph.nodes[index].op = FloatOp::GlobalAveragePool;
        if flat {
            let output = graph.nodes[index].output.clone();
            let pooled = graph.fresh_name(&format!("{output}_pool"));
            let name = graph.fresh_name(&format!("{}_flatten", graph.nodes[index].name));
            graph.nodes[index].output.clone_from(&pooled);
            let flatten = FloatNode { name, op: FloatOp::Flatten, inputs: vec![pooled], output };
            graph.nodes.insert(index + 1, flatten);
        }
        changes += 1;
    }
    changes
}
