//! Puts channels last, where the runtime's kernels want them.
//!
//! Convolutions and pools change their layout, weights their order of axes. Inputs and outputs of the graph keep the
//! file's order; between the two orders stands a `transpose`, unless the value has one channel or one pixel and both
//! orders are the same bytes. A dense layer after a flatten takes the new order into its weights instead. An input that is to be
//! taken with its channels last has its last order from the start.

use std::collections::BTreeMap;

use super::{Pass, Run};
use crate::diagnostic::Result;
use crate::graph::{
    ChannelMap, Codes, Constant, Conv, ConvTranspose, FileNodeId, Graph, Layout, Level, Node, Op, Pool,
    Quantize, Requantize, RequantizePair, SumPool, Type, Value, ValueId,
};
use exactum_host::elements::permuted;

pub(super) const PASS: Pass = Pass {
    name: "channels-last",
    about: "reorder spatial values and weights to channels last, with as few transposes as possible",
    from: Level::Integer,
    to: Level::Integer,
    run: Run::Always(run),
};

/// Batch, height, width, channels of a convolution's weights or of a spatial value.
const TO_LAST: [usize; 4] = [0, 2, 3, 1];

/// New axis order of a value with channels along axis 1: batch, the others, channels.
fn to_last(rank: usize) -> Vec<usize> {
    let mut perm: Vec<usize> = (0..rank).filter(|axis| *axis != 1).collect();
    perm.extend((rank > 1).then_some(1));
    perm
}

/// And back.
fn to_first(rank: usize) -> Vec<usize> {
    let mut perm: Vec<usize> = (0..rank.min(1)).collect();
    perm.extend((rank > 1).then_some(rank - 1));
    perm.extend(1..rank.saturating_sub(1));
    perm
}

struct Rewriter {
    graph: Graph,
    /// Channels-last twin of each channels-first value that has one.
    last: BTreeMap<ValueId, ValueId>,
    /// Channels-first twin, made when somebody needs it.
    first: BTreeMap<ValueId, ValueId>,
    /// Origin of the node that is at hand.
    origin: Vec<FileNodeId>,
}

fn run(graph: &mut Graph) -> Result<()> {
    let ends: Vec<Vec<FileNodeId>> = graph.outputs.iter().map(|id| graph.origin_near(*id)).collect();
    let nodes = std::mem::take(&mut graph.nodes);
    let mut rewriter = Rewriter {
        graph: std::mem::replace(graph, Graph::new("", Level::Integer)),
        last: BTreeMap::new(),
        first: BTreeMap::new(),
        origin: vec![],
    };
    rewriter.inputs();
    for (index, node) in nodes.iter().enumerate() {
        rewriter.node(node, &nodes[index + 1..]);
    }
    for (index, origin) in ends.into_iter().enumerate() {
        let id = rewriter.graph.outputs[index];
        rewriter.origin = origin;
        rewriter.graph.outputs[index] = rewriter.channels_first(id);
    }
    *graph = rewriter.graph;
    Ok(())
}

impl Rewriter {
    /// Inputs of integers that are taken channels last.
    fn inputs(&mut self) {
        for position in 0..self.graph.inputs.len() {
            let id = self.graph.inputs[position];
            if self.is_taken_last(id) && self.graph.value(id).codes().is_some() {
                let twin = self.twin(id);
                self.graph.inputs[position] = twin;
            }
        }
    }

    fn is_taken_last(&self, id: ValueId) -> bool {
        self.graph.inputs.contains(&id)
            && self.graph.value(id).tensor.as_ref().is_some_and(|tensor| tensor.channels_last)
    }

    /// The quantizer `node` of a float input that is taken channels last.
    fn quantizer(&mut self, node: &Node, edge: &Quantize) {
        let before = self.graph.value(node.output).shape.clone();
        let perm = to_last(before.len());
        let input = self.graph.value_mut(node.inputs[0]);
        input.shape = perm.iter().map(|axis| before[*axis]).collect();
        let (id, shape) = (node.inputs[0], input.shape.clone());
        self.turn_sources(id, id, Some((&before, &perm)));
        let twin = self.twin(node.output);
        let channels = (edge.tail.channels() > 1).then(|| {
            let axis = edge.channels.as_ref().and_then(|map| map.axis(&before)).unwrap_or(1);
            ChannelMap::along(&shape, perm.iter().position(|from| *from == axis).unwrap_or(axis))
        });
        let op = Op::Quantize(Quantize { tail: edge.tail.clone(), channels });
        self.graph.nodes.push(Node { op, output: twin, ..node.clone() });
    }

    /// A twin of `id` that has the channels last; whoever makes it is the caller's to say.
    fn twin(&mut self, id: ValueId) -> ValueId {
        let original = self.graph.value(id).clone();
        let (before, perm) = (original.shape.clone(), to_last(original.shape.len()));
        let mut ty = original.ty.clone();
        if let Type::Codes(Codes { axis: Some(axis), .. }) = &mut ty {
            *axis = perm.iter().position(|from| from == axis).unwrap_or(*axis);
        }
        let shape = perm.iter().map(|axis| before[*axis]).collect();
        let twin = self.graph.add(Value { shape, ty, ..original });
        self.turn_sources(id, twin, Some((&before, &perm)));
        self.last.insert(id, twin);
        // The twin is at the edge; what is turned back to the file's order is not, unless it is an output, too.
        if !self.graph.outputs.contains(&id) {
            let inside = self.graph.value_mut(id);
            inside.ty = inside.ty.without_meaning();
        }
        twin
    }

    fn node(&mut self, node: &Node, later: &[Node]) {
        self.origin.clone_from(&node.origin);
        let x = node.inputs[0];
        let layout = Layout::ChannelsLast;
        match &node.op {
            Op::Quantize(edge) if self.is_taken_last(x) => self.quantizer(node, edge),
            Op::Conv2d(conv) => self.layer(node, Op::Conv2d(Conv { layout, ..*conv })),
            Op::ConvTranspose2d(conv) => {
                self.layer(node, Op::ConvTranspose2d(ConvTranspose { layout, ..*conv }));
            }
            Op::MaxPool(pool) => self.spatial(node, Op::MaxPool(Pool { layout, ..*pool })),
            Op::SumPool(pool) => {
                let pool = SumPool { pool: Pool { layout, ..pool.pool }, ..*pool };
                self.spatial(node, Op::SumPool(pool));
            }
            Op::Reshape if self.last.contains_key(&x) && self.only_dense_follows(node, later) => {
                let shape = self.graph.value(x).shape.clone();
                let x = self.channels_last(x);
                self.turn_sources(node.output, node.output, Some((&shape, &TO_LAST)));
                self.graph.nodes.push(Node { inputs: vec![x], ..node.clone() });
                for dense in later.iter().filter(|later| later.inputs[0] == node.output) {
                    self.reorder_columns(dense.inputs[1], &shape);
                }
            }
            Op::Reshape if self.last.contains_key(&x) && self.keeps_channels(node) => {
                self.spatial(node, Op::Reshape);
            }
            op if self.goes_last(node) => {
                let perm = to_last(self.graph.value(node.output).shape.len());
                let op = turned_op(op, &perm);
                self.spatial(node, op);
            }
            _ => {
                let inputs = node.inputs.iter().map(|id| self.channels_first(*id)).collect();
                self.graph.nodes.push(Node { inputs, ..node.clone() });
            }
        }
    }

    /// Whether an operator that takes any layout gets its operands channels last: where one of them is already, or
    /// where channels have constants or operands of their own, which kernels look for along the last axis.
    fn goes_last(&self, node: &Node) -> bool {
        let shape = &self.graph.value(node.output).shape;
        let alike = node.inputs.iter().all(|id| self.graph.value(*id).shape.len() == shape.len());
        let free = matches!(
            node.op,
            Op::Requantize(_)
                | Op::RequantizePair(_)
                | Op::Sum { .. }
                | Op::Product { .. }
                | Op::Concat { .. }
                | Op::Repeat { .. }
                | Op::Slice { .. }
                | Op::Border { .. }
        ) || node.op == Op::Reshape && self.graph.value(node.inputs[0]).shape == *shape;
        let by_channel = match &node.op {
            Op::Requantize(Requantize::Certified(certified)) => certified.certificate.channels.len() > 1,
            Op::RequantizePair(RequantizePair::Certified { certified, .. })
                if certified.certificate.channels.len() > 1 =>
            {
                true
            }
            Op::Sum { multipliers } if multipliers.len() > 1 => true,
            Op::RequantizePair(_) | Op::Sum { .. } | Op::Product { .. } => {
                self.graph.value(node.inputs[1]).shape != *shape
            }
            _ => false,
        };
        free && alike
            && shape.len() > 2
            && (by_channel || node.inputs.iter().any(|id| self.last.contains_key(id)))
    }

    /// Whether a reshape leaves batch and channels as they are, so that it is one of values with channels last as well.
    fn keeps_channels(&self, reshape: &Node) -> bool {
        let shapes = [reshape.inputs[0], reshape.output].map(|id| self.graph.value(id).shape.as_slice());
        shapes.iter().all(|shape| shape.len() > 2) && shapes[0][..2] == shapes[1][..2]
    }

    fn layer(&mut self, node: &Node, op: Op) {
        let x = self.channels_last(node.inputs[0]);
        let weight = self.permuted_constant(node.inputs[1], &TO_LAST);
        let inputs = [x, weight].into_iter().chain(node.inputs.get(2).copied()).collect();
        self.emit(node, op, inputs);
    }

    /// Emits `node` as `op` with all its operands channels last.
    fn spatial(&mut self, node: &Node, op: Op) {
        let inputs = node.inputs.iter().map(|id| self.channels_last(*id)).collect();
        self.emit(node, op, inputs);
    }

    /// Emits `node` with a channels-last twin of its result.
    fn emit(&mut self, node: &Node, op: Op, inputs: Vec<ValueId>) {
        let original = self.graph.value(node.output).clone();
        let (before, perm) = (original.shape.clone(), to_last(original.shape.len()));
        let shape = perm.iter().map(|axis| before[*axis]).collect();
        let twin = self.graph.add(Value { shape, ty: original.ty.without_meaning(), ..original });
        self.turn_sources(node.output, twin, Some((&before, &perm)));
        self.last.insert(node.output, twin);
        self.graph.nodes.push(Node { op, inputs, output: twin, ..node.clone() });
    }

    fn channels_last(&mut self, id: ValueId) -> ValueId {
        if let Some(twin) = self.last.get(&id) {
            return *twin;
        }
        let perm = to_last(self.graph.value(id).shape.len());
        let twin = self.turned(id, id, &perm);
        let value = self.graph.value_mut(twin);
        value.ty = value.ty.without_meaning();
        let before = self.graph.value(id).shape.clone();
        self.turn_sources(id, twin, Some((&before, &perm)));
        self.last.insert(id, twin);
        twin
    }

    /// `id` in the file's order; made from its twin if only that exists.
    fn channels_first(&mut self, id: ValueId) -> ValueId {
        let Some(twin) = self.last.get(&id).copied() else { return id };
        if self.graph.inputs.contains(&id) || self.graph.producer(id).is_some() {
            return id;
        }
        if let Some(made) = self.first.get(&id) {
            return *made;
        }
        let perm = to_first(self.graph.value(id).shape.len());
        let made = self.turned(twin, id, &perm);
        self.turn_sources(id, made, None);
        self.first.insert(id, made);
        made
    }

    /// Emits `from` with its axes in the order `perm`, called as `named`.
    fn turned(&mut self, from: ValueId, named: ValueId, perm: &[usize]) -> ValueId {
        let source = self.graph.value(from).clone();
        let shape: Vec<usize> = perm.iter().map(|axis| source.shape[*axis]).collect();
        // The same bytes if at most one axis is longer than 1, or the long ones keep their order.
        let order = |axes: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
            axes.filter(|axis| source.shape[*axis] > 1).collect()
        };
        let same_bytes = order(&mut perm.iter().copied()) == order(&mut (0..perm.len()));
        let op = if same_bytes { Op::Reshape } else { Op::Transpose { perm: perm.to_vec() } };
        let Value { name, ty, .. } = self.graph.value(named).clone();
        let output = self.graph.add(Value { shape, ty, ..source });
        let origin = self.origin.clone();
        self.graph.nodes.push(Node::new(name, origin, op, vec![from], output));
        output
    }

    /// Gives `to` the sources of `from`, whose axes of a shape are in a new order there.
    fn turn_sources(&mut self, from: ValueId, to: ValueId, order: Option<(&[usize], &[usize])>) {
        let sources = self.graph.value(from).sources.clone();
        self.graph.value_mut(to).sources = match order {
            Some((shape, perm)) => sources.iter().filter_map(|source| source.turned(shape, perm)).collect(),
            None => sources,
        };
    }

    fn permuted_constant(&mut self, id: ValueId, perm: &[usize]) -> ValueId {
        let mut value = self.graph.value(id).clone();
        if let Some(Constant::Codes(codes)) = &value.constant {
            value.constant = Some(Constant::Codes(permuted(codes, &value.shape, perm)));
        }
        value.shape = perm.iter().map(|axis| value.shape[*axis]).collect();
        self.graph.add(value)
    }

    /// Whether `reshape` flattens a spatial value for dense layers alone, each with weights of its own.
    fn only_dense_follows(&self, reshape: &Node, later: &[Node]) -> bool {
        let flat = self.graph.value(reshape.output).shape.len() == 2;
        let spatial = self.graph.value(reshape.inputs[0]).shape.len() == 4;
        let mut readers = later.iter().filter(|node| node.inputs.contains(&reshape.output)).peekable();
        let own_weights =
            |dense: &Node| later.iter().filter(|node| node.inputs.contains(&dense.inputs[1])).count() == 1;
        flat && spatial
            && readers.peek().is_some()
            && !self.graph.outputs.contains(&reshape.output)
            && readers.all(|node| node.op == Op::Dense && own_weights(node))
    }

    /// Reorders a dense weight's columns, which belong to a value of the channels-first `shape`.
    fn reorder_columns(&mut self, weight: ValueId, shape: &[usize]) {
        let value = self.graph.value_mut(weight);
        let rows = value.shape[0];
        if let Some(Constant::Codes(codes)) = &mut value.constant {
            *codes = permuted(codes, &[rows, shape[1], shape[2], shape[3]], &TO_LAST);
        }
    }
}

/// `op` for operands whose axes are in the order `perm`.
fn turned_op(op: &Op, perm: &[usize]) -> Op {
    fn turn<T: Copy>(values: &[T], perm: &[usize]) -> Vec<T> {
        perm.iter().map(|axis| values[*axis]).collect()
    }
    match op {
        Op::Concat { axis } => {
            Op::Concat { axis: perm.iter().position(|from| from == axis).unwrap_or(*axis) }
        }
        Op::Repeat { factors } => Op::Repeat { factors: turn(factors, perm) },
        Op::Slice { starts, steps, sizes } => {
            Op::Slice { starts: turn(starts, perm), steps: turn(steps, perm), sizes: turn(sizes, perm) }
        }
        Op::Border { before, after, code } => {
            Op::Border { before: turn(before, perm), after: turn(after, perm), code: *code }
        }
        op => op.clone(),
    }
}
