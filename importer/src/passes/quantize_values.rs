//! From floats to integers: every value becomes codes or accumulators with an exact meaning.
//!
//! Walks the nodes once and keeps, for each float value of the file, what carries it ([`Known`]): an integer value, the
//! real function of its integers, and moves of elements that wait. Scales, biases, batch norms and activations change
//! the function only; a quantizer ends it in a `requantize`.

mod domain;
mod edges;
mod elementwise;
mod extremes;
mod halves;
mod join;
mod known;
mod layer;
mod moved;
pub(super) mod parameters;
mod pool;
mod products;
mod quantizers;
mod regrid;
mod sources;
mod sums;

use std::collections::BTreeMap;

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{FileNodeId, Graph, Level, Node, Op, Type, Value, ValueId, joined};
use known::Known;

pub(super) const PASS: Pass = Pass {
    name: "quantize-values",
    about: "replace floats by integer codes and accumulators with exact meanings",
    from: Level::Imported,
    to: Level::Quantized,
    run: Run::Always(run),
};

struct Quantizer<'a> {
    from: &'a Graph,
    to: Graph,
    known: BTreeMap<ValueId, Known>,
    /// Values of the new graph that hold one of the old, beside those that are `known`.
    moved: Vec<(ValueId, ValueId)>,
    /// Values of the new graph with an axis brought to axis 1, by value and axis.
    turns: BTreeMap<(ValueId, usize), ValueId>,
    /// The inputs that are given what another is given, each with that one.
    twins: BTreeMap<ValueId, ValueId>,
    /// Origin of the node that is at hand.
    origin: Vec<FileNodeId>,
}

/// How far the new graph had come before an attempt.
#[derive(Clone, Copy)]
struct Mark {
    values: usize,
    nodes: usize,
    moved: usize,
}

fn run(graph: &mut Graph) -> Result<()> {
    let mut quantizer = Quantizer::new(graph);
    let mut problems = vec![];
    for id in &graph.inputs {
        let value = quantizer.to.add(graph.value(*id).clone());
        quantizer.to.inputs.push(value);
        quantizer.known.insert(*id, Known::float(value));
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        // Whatever depends on a node with a problem is left out, so each problem is told once.
        let reachable = !problems.is_empty() && node.inputs.iter().any(|id| quantizer.missing(*id));
        if reachable {
            continue;
        }
        quantizer.origin.clone_from(&node.origin);
        if let Err(problem) = quantizer.node(index, node) {
            problems.push(problem);
        }
    }
    if problems.is_empty() {
        for (position, id) in graph.outputs.iter().enumerate() {
            quantizer.origin = graph.origin_near(*id);
            if let Err(problem) = quantizer.output(*id, &graph.result(position).name) {
                problems.push(problem);
            }
        }
    }
    quantizer.write_sources();
    // An input that nothing reads is none of the program's.
    let mut to = quantizer.to;
    to.inputs.retain(|id| to.nodes.iter().any(|node| node.inputs.contains(id)));
    Report::check(problems, ())?;
    to.results = std::mem::take(&mut graph.results);
    *graph = to;
    Ok(())
}

impl<'a> Quantizer<'a> {
    fn new(from: &'a Graph) -> Self {
        Self {
            from,
            to: Graph { file: from.file.clone(), ..Graph::new(from.name.clone(), Level::Quantized) },
            known: BTreeMap::new(),
            moved: vec![],
            turns: BTreeMap::new(),
            twins: BTreeMap::new(),
            origin: vec![],
        }
    }

    fn mark(&self) -> Mark {
        Mark { values: self.to.values.len(), nodes: self.to.nodes.len(), moved: self.moved.len() }
    }

    /// Takes back what an attempt has added since `mark`; attempts only add.
    fn rewind(&mut self, mark: Mark) {
        self.to.values.truncate(mark.values);
        self.to.nodes.truncate(mark.nodes);
        self.moved.truncate(mark.moved);
        self.turns.retain(|_, turned| turned.index() < mark.values);
        self.twins.retain(|twin, _| twin.index() < mark.values);
        self.to.inputs.retain(|input| input.index() < mark.values);
    }

    /// Whether `id` should be known and is not, because its node had a problem.
    fn missing(&self, id: ValueId) -> bool {
        self.from.value(id).constant.is_none() && !self.known.contains_key(&id)
    }

    fn node(&mut self, index: usize, node: &Node) -> Result<(), Diagnostic> {
        let at = self.from.location_of(index, node);
        match &node.op {
            Op::Quant(attributes) => self.quant(&at, index, node, attributes),
            Op::BipolarQuant => self.bipolar_quant(&at, node),
            Op::Trunc(attributes) => self.trunc(&at, node, attributes),
            Op::MultiThreshold(attributes) => self.multi_threshold(&at, node, attributes),
            Op::Affine(affine) => self.affine(&at, node, affine),
            Op::Activation(activation) => self.activation(&at, node, activation),
            Op::Gemm { .. } | Op::Conv(_) | Op::ConvTranspose(_) => self.layer(&at, node),
            Op::Add | Op::Sub => self.add(&at, node),
            Op::Mul => self.multiply(&at, node),
            Op::Max => self.extreme(&at, node, false),
            Op::Min => self.extreme(&at, node, true),
            Op::Where => self.choose(&at, node),
            Op::MaxPool(pool) => self.extreme_pool(&at, node, pool, false),
            Op::MinPool(pool) => self.extreme_pool(&at, node, pool, true),
            Op::AveragePool(pool) => self.average_pool(&at, node, pool),
            Op::Reshape | Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. } => {
                self.move_elements(&at, node)
            }
            Op::Concat { axis } => self.concat(&at, node, *axis),
            Op::Pad { before, after, value } => self.pad(&at, node, (before, after), *value),
            Op::TopK { k, largest, values: true, .. } => self.top_values(&at, node, *k, *largest),
            Op::TopK { k, largest, .. } => self.top_k(&at, node, *k, *largest),
            Op::Softmax { axis } => self.softmax(&at, node, *axis),
            op => Err(Diagnostic::new(
                Code::UnsupportedOperator,
                at,
                format!("{} of computed values", op.name()),
                "layers, activations, pools, sums, products and moves of elements",
            )),
        }
    }

    /// What carries the float value `id`.
    fn known(&self, at: &Location, id: ValueId) -> Result<Known, Diagnostic> {
        let value = self.from.value(id);
        let named = |known: &Known| Known { name: value.name.clone(), of: Some(id), ..known.clone() };
        self.known.get(&id).map(named).ok_or_else(|| {
            let what = if value.constant.is_some() { "a constant of the file" } else { "which is float" };
            let found = format!("`{}`, {what}", value.name);
            Diagnostic::new(Code::MissingScale, at.clone(), found, "a quantized value")
        })
    }

    /// A value of the new graph with the name and shape of `id`.
    fn result(&mut self, id: ValueId, ty: Type) -> ValueId {
        let Value { name, shape, .. } = self.from.value(id);
        self.to.add(Value::new(name.clone(), shape.clone(), ty))
    }

    /// Emits `op` under the name of `node`, for everything `known` waited for as well.
    fn push(&mut self, node: &Node, waited: &[FileNodeId], op: Op, inputs: Vec<ValueId>, output: ValueId) {
        let origin = joined(&node.origin, waited);
        self.to.nodes.push(Node::new(node.name.clone(), origin, op, inputs, output));
    }

    /// Emits `op`, which helps the node at hand, as `name`.
    fn push_helper(&mut self, name: String, op: Op, inputs: Vec<ValueId>, output: ValueId) {
        let origin = self.origin.clone();
        self.to.nodes.push(Node::new(name, origin, op, inputs, output));
    }
}
