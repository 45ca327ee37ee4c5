//! The importer's graph: one type with four levels, from the file as it is to a scheduled program.
//!
//! `lift` makes it, `passes` rewrite it, `lower` and `dataflow` read it. It prints as text and parses back
//! ([`Graph`]'s `Display` and `FromStr`), and [`verify`](Graph::verify) states what holds at each level.

mod channel_map;
pub(crate) mod channels;
mod op;
mod origin;
mod packing;
mod parse;
mod print;
mod requantization;
mod rules;
pub mod shape;
mod source;
mod state;
mod storage;
mod tensor_type;
mod value;
mod verify;

use std::collections::BTreeMap;

use exactum_runtime::program::Packing;

pub use channel_map::ChannelMap;
pub use op::{
    Activation, Affine, AveragePool, Conv, ConvTranspose, Layout, MultiThreshold, Op, Pool, QuantAttributes,
    SumPool, Window,
};
pub(crate) use origin::joined;
pub use origin::{FileNode, FileNodeId};
pub use parse::ParseError;
pub use requantization::{Certified, Dequantize, Quantize, Requantize, RequantizePair, Softmax, Tail};
pub use source::{Order, Source};
pub use state::State;
pub use storage::Storage;
pub use tensor_type::{FileOutput, TensorType};
pub use value::{Codes, Constant, Meaning, MemoryPlan, Outside, Placement, Type, Value, ValueId};
pub(crate) use value::{exact_scale, narrowest};
pub use verify::Violation;

use crate::diagnostic::Location;

/// How far a graph has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Faithful to the file: names kept, all shapes known, the batch is one sample.
    Imported,
    /// Every value has an integer type and an exact meaning.
    Quantized,
    /// No scale is left inside; accumulators have proven bounds, requantizations certified forms.
    Integer,
    /// Channels last, nodes in execution order, every value at its place in the arena.
    Scheduled,
}

impl Level {
    /// All levels, in order.
    pub const ALL: [Self; 4] = [Self::Imported, Self::Quantized, Self::Integer, Self::Scheduled];

    /// The name in printed graphs and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Quantized => "quantized",
            Self::Integer => "integer",
            Self::Scheduled => "scheduled",
        }
    }
}

/// A computation: values, and nodes in an order in which they can be executed.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Name in the file.
    pub name: String,
    /// What holds; see [`Level`].
    pub level: Level,
    /// The arena, on the scheduled level.
    pub memory: Option<MemoryPlan>,
    /// Which ports lie outside the arena, on the scheduled level.
    pub outside: Outside,
    /// All values, constants included, indexed by [`ValueId`].
    pub values: Vec<Value>,
    /// Nodes; each reads only inputs, constants and results of nodes before it.
    pub nodes: Vec<Node>,
    /// Values the caller provides.
    pub inputs: Vec<ValueId>,
    /// Values that live from one run to the next.
    pub states: Vec<State>,
    /// Values the caller gets.
    pub outputs: Vec<ValueId>,
    /// What the file has in the place of each output; empty if that is not known.
    pub results: Vec<FileOutput>,
    /// Nodes of the file, those at least that nodes come from.
    pub file: BTreeMap<FileNodeId, FileNode>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name, from the file where it has one.
    pub name: String,
    /// The file's nodes that it comes from: first the one it is called after, then those it computes as well.
    pub origin: Vec<FileNodeId>,
    /// What it does.
    pub op: Op,
    /// Operands in the operator's order.
    pub inputs: Vec<ValueId>,
    /// Its one result.
    pub output: ValueId,
    /// How the weights of a layer lie in flash, once that is chosen.
    pub packing: Option<Packing>,
    /// Where its kernel works, on the scheduled level, if it needs memory for that.
    pub scratch: Option<Placement>,
}

impl Node {
    /// A node of which nothing is chosen yet that only programs have.
    pub fn new(
        name: impl Into<String>,
        origin: Vec<FileNodeId>,
        op: Op,
        inputs: Vec<ValueId>,
        output: ValueId,
    ) -> Self {
        Self { name: name.into(), origin, op, inputs, output, packing: None, scratch: None }
    }
}

impl Graph {
    /// An empty graph.
    pub fn new(name: impl Into<String>, level: Level) -> Self {
        Self {
            name: name.into(),
            level,
            memory: None,
            outside: Outside::default(),
            values: vec![],
            nodes: vec![],
            inputs: vec![],
            states: vec![],
            outputs: vec![],
            results: vec![],
            file: BTreeMap::new(),
        }
    }

    /// Adds a value.
    pub fn add(&mut self, value: Value) -> ValueId {
        let id = ValueId::new(self.values.len());
        self.values.push(value);
        id
    }

    /// The value `id`.
    ///
    /// # Panics
    /// If `id` belongs to another graph.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.index()]
    }

    /// The value `id`, to change.
    ///
    /// # Panics
    /// If `id` belongs to another graph.
    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.index()]
    }

    /// The codes of each input, in order: of a float input those that its quantizer makes.
    pub fn input_codes(&self) -> Vec<ValueId> {
        let quantized = |input: &ValueId| {
            self.nodes.iter().find(|node| node.inputs[0] == *input && matches!(node.op, Op::Quantize(_)))
        };
        self.inputs.iter().map(|input| quantized(input).map_or(*input, |node| node.output)).collect()
    }

    /// Index of the node that computes `id`; `None` for inputs, states and constants.
    pub fn producer(&self, id: ValueId) -> Option<usize> {
        self.nodes.iter().position(|node| node.output == id)
    }

    /// Indices of the nodes that read `id`.
    pub fn consumers(&self, id: ValueId) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().enumerate().filter(move |(_, node)| node.inputs.contains(&id)).map(|(i, _)| i)
    }

    /// What the file has in the place of output `position`.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn result(&self, position: usize) -> FileOutput {
        self.results.get(position).cloned().unwrap_or_else(|| FileOutput {
            name: self.value(self.outputs[position]).name.clone(),
            tensor: TensorType::default(),
        })
    }

    /// The integers of output `id`: what its `dequantize` reads, where it has one.
    pub fn integers(&self, id: ValueId) -> ValueId {
        let producer = self.producer(id).map(|index| &self.nodes[index]);
        producer.filter(|node| matches!(node.op, Op::Dequantize(_))).map_or(id, |node| node.inputs[0])
    }

    /// The requantization that takes node `layer`'s accumulators as they are made, so that they need no place: the
    /// only reader of a node that accumulates.
    pub fn fused_requantize(&self, layer: usize) -> Option<usize> {
        let node = self.nodes.get(layer).filter(|node| node.op.accumulates())?;
        let mut readers = self.consumers(node.output);
        let reader = readers.next().filter(|reader| matches!(self.nodes[*reader].op, Op::Requantize(_)))?;
        (readers.next().is_none() && !self.outputs.contains(&node.output)).then_some(reader)
    }

    /// The nodes that the program executes, each with the layer that runs as part of it.
    pub fn steps(&self) -> impl Iterator<Item = (usize, Option<usize>)> + '_ {
        let layer_of = |index: usize| {
            let producer = self.producer(*self.nodes[index].inputs.first()?)?;
            (self.fused_requantize(producer) == Some(index)).then_some(producer)
        };
        (0..self.nodes.len())
            .filter(|index| self.fused_requantize(*index).is_none())
            .map(move |index| (index, layer_of(index)))
    }

    /// Replaces every use of `from`, also as an output of the graph, by `to`, which has the same elements.
    pub fn replace_uses(&mut self, from: ValueId, to: ValueId) {
        let uses = self.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut()).chain(&mut self.outputs);
        for used in uses.filter(|used| **used == from) {
            *used = to;
        }
        self.add_sources(from, to);
    }

    /// Removes nodes whose result nobody reads, and values nobody mentions; renumbers the values.
    pub fn compact(&mut self) {
        let mut live = vec![false; self.values.len()];
        for id in self.inputs.iter().chain(&self.outputs) {
            live[id.index()] = true;
        }
        // What the next run reads of a state is a use of what is pushed in this one.
        let mut grows = true;
        while grows {
            grows = false;
            for node in self.nodes.iter().rev() {
                let kept = node.op == Op::Push && live[node.inputs[0].index()];
                if live[node.output.index()] || kept {
                    for id in node.inputs.iter().chain([&node.output]) {
                        grows |= !std::mem::replace(&mut live[id.index()], true);
                    }
                }
            }
        }
        self.states.retain(|state| live[state.value.index()]);
        self.nodes.retain(|node| live[node.output.index()]);
        let mut next = 0;
        let renumbered: Vec<ValueId> = live
            .iter()
            .map(|live| {
                let id = ValueId::new(next);
                next += usize::from(*live);
                id
            })
            .collect();
        let mut keep = live.iter();
        self.values.retain(|_| keep.next().copied().unwrap_or(false));
        let uses = self.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain([&mut node.output]));
        let states = self.states.iter_mut().map(|state| &mut state.value);
        for id in uses.chain(&mut self.inputs).chain(&mut self.outputs).chain(states) {
            *id = renumbered[id.index()];
        }
    }

    /// Where node `index` is, for a diagnostic: the file's node that it comes from, or itself.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn location(&self, index: usize) -> Location {
        self.location_of(index, &self.nodes[index])
    }

    /// As [`location`](Self::location), for a node that is or was at `index`.
    pub(crate) fn location_of(&self, index: usize, node: &Node) -> Location {
        match node.origin.first().and_then(|id| Some((*id, self.file.get(id)?))) {
            Some((id, known)) => Location::node(self.outermost(id).index(), &known.name, &known.op),
            None => Location::made(index, &node.name, node.op.name()),
        }
    }
}
