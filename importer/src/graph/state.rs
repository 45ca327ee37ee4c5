//! States: values that live from one run to the next.

use super::{Graph, Op, ValueId};

/// A value that keeps its elements between runs. Nodes read what the runs before have left, until a `push` changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The codes.
    pub value: ValueId,
    /// What its elements are before the first run.
    pub fill: i64,
}

impl Graph {
    /// The position among the states of the one in whose place `id` lies: the state itself, what a `push` makes of it, or
    /// another shape of that.
    pub fn state_of(&self, id: ValueId) -> Option<usize> {
        if let Some(position) = self.states.iter().position(|state| state.value == id) {
            return Some(position);
        }
        let node = &self.nodes[self.producer(id)?];
        let renames = matches!(node.op, Op::Push) || node.op == Op::Reshape;
        self.state_of(*node.inputs.first().filter(|_| renames)?)
    }
}
