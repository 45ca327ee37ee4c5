//! Drops chains of transposes and reshapes that leave every element where it was.
//!
//! A product over the last axis of a sequence, say, is a convolution between transposes, and channels-last adds two
//! more: together they move nothing. Transposes in a row that move something become one.

use std::collections::BTreeMap;

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{Graph, Level, Op, ValueId};
use exactum_host::elements::permuted;

pub(super) const PASS: Pass = Pass {
    name: "cancel-transposes",
    about: "drop chains of transposes and reshapes that move nothing; make transposes in a row one",
    from: Level::Integer,
    to: Level::Integer,
    run: Run::Always(run),
};

/// Values with more elements keep their transposes.
const MOST_ELEMS: usize = 1 << 22;

/// Where the elements of a value come from: `order[i]` is the element of `source` that became element `i`.
struct Moved {
    source: ValueId,
    order: Vec<u32>,
}

fn run(graph: &mut Graph) -> Result<()> {
    let mut moved: BTreeMap<ValueId, Moved> = BTreeMap::new();
    for index in 0..graph.nodes.len() {
        compose(graph, index);
        let node = &graph.nodes[index];
        let x = node.inputs[0];
        let value = graph.value(x);
        if !matches!(node.op, Op::Transpose { .. } | Op::Reshape) || value.elems() > MOST_ELEMS {
            continue;
        }
        // A chain that has not turned anything yet has nothing to cancel.
        let turning = matches!(node.op, Op::Transpose { .. }) || moved.contains_key(&x);
        if !turning {
            continue;
        }
        let (source, order) = match moved.get(&x) {
            Some(before) => (before.source, before.order.clone()),
            None => (x, (0..value.elems() as u32).collect()),
        };
        let order = match &node.op {
            Op::Transpose { perm } => permuted(&order, &value.shape, perm),
            _ => order,
        };
        let output = node.output;
        if order.iter().copied().eq(0..order.len() as u32) {
            let node = &mut graph.nodes[index];
            node.op = Op::Reshape;
            node.inputs = vec![source];
        } else {
            moved.insert(output, Moved { source, order });
        }
    }
    // A reshape to the same shape is its operand.
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (from, to) = (node.inputs[0], node.output);
        let (before, after) = (graph.value(from), graph.value(to));
        let same = before.shape == after.shape && before.ty == after.ty;
        if node.op == Op::Reshape && same && !graph.outputs.contains(&to) {
            graph.replace_uses(to, from);
        }
    }
    Ok(())
}

/// Makes a transpose of a transpose one of what that reads.
fn compose(graph: &mut Graph, index: usize) {
    let Op::Transpose { perm } = &graph.nodes[index].op else { return };
    let Some(before) = graph.producer(graph.nodes[index].inputs[0]) else { return };
    let Op::Transpose { perm: first } = &graph.nodes[before].op else { return };
    let perm = perm.iter().map(|axis| first[*axis]).collect();
    let inputs = graph.nodes[before].inputs.clone();
    let node = &mut graph.nodes[index];
    (node.op, node.inputs) = (Op::Transpose { perm }, inputs);
}
