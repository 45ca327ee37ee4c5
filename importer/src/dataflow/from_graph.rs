//! From nodes of the integer graph to stages that are not yet unrolled, and the links between them.
//!
//! Moves of elements rename streams where these have the same order, and are a stage where they do not (`moved`).
//! A value that several stages read, or that is read and given to the host too, is duplicated where it is made. A
//! quantized float input stays with the host: the stream starts with its codes.

mod bipolar;
mod joins;
mod layers;
mod moved;
mod pools;
mod select;
mod transposed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use exactum_runtime::num::IntRange;

use super::device::Device;
use super::moves::stream_order;
use super::network::{DEFAULT_FIFO_WORDS, End, Link};
use super::parameters::{CodeFunction, Parameters};
use super::stage::{DuplicateStreams, Thresholding, Unit};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Graph, Level, Node, Op, Requantize, RequantizePair, Type, Value, ValueId};
use moved::Moved;

/// A stage before its folding is chosen.
pub(super) struct Unfolded {
    /// Kind and dimensions.
    pub(super) unit: Unit,
    /// Positions of the nodes that it computes; none for a duplicator.
    pub(super) nodes: Vec<usize>,
    /// What it computes with.
    pub(super) parameters: Parameters,
    /// The first of its nodes, or where it stands.
    pub(super) at: Location,
}

/// Stages in an order in which each is behind those whose streams it reads, and their links.
pub(super) struct Unconnected {
    pub(super) stages: Vec<Unfolded>,
    pub(super) links: Vec<Link>,
}

/// The stages of `graph`.
///
/// # Errors
/// E0603 for each node that has no stage.
pub(super) fn stages(graph: &Graph, device: &Device) -> Result<Unconnected> {
    if graph.level != Level::Integer {
        let at = Location::part("graph");
        return Err(refused(at, format!("the {} level", graph.level.name()), "the integer level"));
    }
    let mut builder = Builder::new(graph, device);
    let mut problems = vec![];
    for (position, id) in graph.inputs.iter().enumerate() {
        if graph.value(*id).codes().is_some() {
            builder.write(*id, End::Host(position), &Location::part(format!("input {position}")));
        }
    }
    for (index, layer) in graph.steps() {
        if let Err(report) = builder.step(index, layer) {
            problems.extend_from_slice(report.diagnostics());
            // What depends on it is not told again.
            builder.write(graph.nodes[index].output, End::Host(0), &graph.location(index));
        }
    }
    if problems.is_empty()
        && let Err(report) = builder.outputs()
    {
        problems.extend_from_slice(report.diagnostics());
    }
    if problems.is_empty() && builder.made.stages.is_empty() {
        problems.push(refuse(Location::part("graph"), "no layer", "one layer at least"));
    }
    Report::check(problems, builder.made)
}

fn refuse(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::NotDataflow, at, found, needed)
}

fn refused(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Report {
    refuse(at, found, needed).into()
}

struct Builder<'a> {
    graph: &'a Graph,
    device: &'a Device,
    made: Unconnected,
    /// How often each value is read, by the value that its reshapes rename.
    uses: BTreeMap<ValueId, usize>,
    /// Streams of values that are still to be read.
    free: BTreeMap<ValueId, VecDeque<End>>,
    moved: Moved,
    bipolar: BTreeSet<ValueId>,
}

/// A node, the requantization that is part of it, and where it is.
#[derive(Clone)]
struct Step<'a> {
    index: usize,
    node: &'a Node,
    requantize: Option<(usize, &'a Node)>,
    at: Location,
}

impl Step<'_> {
    fn nodes(&self) -> Vec<usize> {
        [self.index].into_iter().chain(self.requantize.map(|(index, _)| index)).collect()
    }

    /// The value that leaves.
    fn output(&self) -> ValueId {
        self.requantize.map_or(self.node.output, |(_, node)| node.output)
    }

    /// From its sums to codes.
    fn codes(&self) -> Option<CodeFunction> {
        match self.requantize.map(|(_, node)| &node.op) {
            Some(Op::Requantize(Requantize::Certified(certified))) => Some(CodeFunction::of(certified)),
            _ => None,
        }
    }

    /// The same with thresholds where the weights of the channels whose codes fall can be negative ones; none if that changes
    /// nothing.
    fn turned_codes(&self, channels: usize, weights: &[Vec<i32>], weight_bits: u32) -> Option<Turned> {
        let Some(Op::Requantize(Requantize::Certified(certified))) =
            self.requantize.map(|(_, node)| &node.op)
        else {
            return None;
        };
        let (codes, falls) = CodeFunction::turned(certified)?;
        let falls: Vec<bool> = (0..channels).map(|channel| falls[channel % falls.len()]).collect();
        // The negative of the most negative weight would need one bit more; of bipolar weights there is none.
        let least = -1i64 << (weight_bits.max(2) - 1);
        let fits = weights
            .iter()
            .zip(&falls)
            .all(|(row, falls)| !falls || row.iter().all(|weight| i64::from(*weight) > least));
        (falls.contains(&true) && fits).then_some(Turned { codes, falls })
    }
}

/// A function of sums that are turned around in some channels.
struct Turned {
    codes: CodeFunction,
    /// Which these are.
    falls: Vec<bool>,
}

/// A stream on its way through the stages of one node: who writes it, and the value it becomes part of.
#[derive(Clone, Copy)]
struct Flow {
    from: End,
    value: ValueId,
}

impl<'a> Builder<'a> {
    fn new(graph: &'a Graph, device: &'a Device) -> Self {
        let made = Unconnected { stages: vec![], links: vec![] };
        let (uses, free) = (BTreeMap::new(), BTreeMap::new());
        let moved = Moved::of(graph);
        let bipolar = bipolar::values(graph, &moved);
        let mut builder = Self { graph, device, made, uses, free, moved, bipolar };
        for node in &graph.nodes {
            if is_move(&node.op) || matches!(node.op, Op::Dequantize(_)) {
                continue;
            }
            for (operand, id) in node.inputs.iter().enumerate() {
                let in_any_order = operand == 0 && node.op == Op::Dense;
                builder.claim(*id, in_any_order);
            }
        }
        for id in &graph.outputs {
            builder.claim(graph.integers(*id), false);
        }
        builder
    }

    /// Counts a reader of `id`.
    fn claim(&mut self, id: ValueId, in_any_order: bool) {
        let id = self.moved.standing(id);
        if !self.moved.is_shuffled(id) {
            *self.uses.entry(id).or_default() += 1;
        } else if in_any_order && self.moved.elements(self.graph, id).is_some() {
            *self.uses.entry(self.moved.root(id)).or_default() += 1;
        } else {
            let uses = self.uses.entry(id).or_default();
            *uses += 1;
            if *uses == 1 {
                *self.uses.entry(self.moved.root(id)).or_default() += 1;
            }
        }
    }

    /// Bits of an element of `id` in a stream.
    fn bits(&self, id: ValueId) -> u32 {
        if self.bipolar.contains(&id) { 1 } else { elem_bits(self.graph.value(id)) }
    }

    /// Makes what `from` writes the value `id`, for all its readers.
    fn write(&mut self, id: ValueId, from: End, at: &Location) {
        let uses = self.uses.get(&id).copied().unwrap_or(0);
        let value = self.graph.value(id);
        if uses < 2 {
            self.free.insert(id, [from].into());
            return;
        }
        let [channels, pixels] = frame(value);
        let unit = DuplicateStreams { channels, pixels, outputs: uses, code_bits: self.bits(id) };
        let flow = self.stage_at(Unit::DuplicateStreams(unit), vec![], at, &[Flow { from, value: id }], id);
        if let End::Stage { stage, .. } = flow.from {
            self.free.insert(id, (0..uses).map(|port| End::Stage { stage, port }).collect());
        }
    }

    /// The stream of operand `index` of a step.
    fn read(&mut self, step: &Step<'_>, index: usize) -> Result<Flow> {
        let id = self.moved.standing(step.node.inputs[index]);
        self.flow(step, id)
    }

    /// The stream of operand `index` in whatever order, and for each of its places the index in the operand.
    fn read_in_any_order(&mut self, step: &Step<'_>, index: usize) -> Result<(Flow, Vec<usize>)> {
        let id = step.node.inputs[index];
        match self.moved.elements(self.graph, id) {
            Some(order) => Ok((self.taken(step, self.moved.root(id))?, order)),
            None => Ok((self.read(step, index)?, stream_order(&self.graph.value(id).shape))),
        }
    }

    /// The stream that stands for `id`, shuffled if it has to be and is not yet.
    fn flow(&mut self, step: &Step<'_>, id: ValueId) -> Result<Flow> {
        if self.moved.is_shuffled(id) && !self.free.contains_key(&id) {
            let flow = self.shuffled(step, id)?;
            self.write(id, flow.from, &step.at);
        }
        self.taken(step, id)
    }

    fn taken(&mut self, step: &Step<'_>, id: ValueId) -> Result<Flow> {
        match self.free.get_mut(&id).and_then(VecDeque::pop_front) {
            Some(from) => Ok(Flow { from, value: id }),
            None => {
                let found = format!("{:?}, which no stage streams", self.graph.value(id).name);
                Err(refused(step.at.clone(), found, "a computed value"))
            }
        }
    }

    /// Adds the stage `unit` of `step`, which reads `operands` on the way to the step's result.
    fn stage(&mut self, step: &Step<'_>, unit: Unit, operands: &[Flow]) -> Flow {
        self.stage_at(unit, vec![step.index], &step.at, operands, step.node.output)
    }

    fn stage_at(
        &mut self,
        unit: Unit,
        nodes: Vec<usize>,
        at: &Location,
        operands: &[Flow],
        value: ValueId,
    ) -> Flow {
        let stage = self.made.stages.len();
        let links = operands.iter().enumerate().map(|(port, flow)| Link {
            from: flow.from,
            to: End::Stage { stage, port },
            value: flow.value,
            fifo_words: DEFAULT_FIFO_WORDS,
        });
        self.made.links.extend(links);
        self.made.stages.push(Unfolded { unit, nodes, parameters: Parameters::default(), at: at.clone() });
        Flow { from: End::Stage { stage, port: 0 }, value }
    }

    /// Gives the stage that was added last what it computes with.
    fn parameters(&mut self, parameters: Parameters) {
        if let Some(stage) = self.made.stages.last_mut() {
            stage.parameters = parameters;
        }
    }

    fn outputs(&mut self) -> Result<()> {
        for (position, id) in self.graph.outputs.iter().enumerate() {
            let id = self.moved.standing(self.graph.integers(*id));
            let index = self.graph.producer(self.moved.root(id)).unwrap_or(0);
            let at = Location::part(format!("output {position}"));
            let Some(node) = self.graph.nodes.get(index) else {
                return Err(refused(at, "a value that no stage streams", "a computed value"));
            };
            let step = Step { index, node, requantize: None, at };
            let flow = self.flow(&step, id)?;
            let to = End::Host(position);
            self.made.links.push(Link { from: flow.from, to, value: id, fifo_words: DEFAULT_FIFO_WORDS });
        }
        Ok(())
    }

    fn step(&mut self, index: usize, layer: Option<usize>) -> Result<()> {
        let first = layer.unwrap_or(index);
        let node = &self.graph.nodes[first];
        let requantize = layer.map(|_| (index, &self.graph.nodes[index]));
        let step = Step { index: first, node, requantize, at: self.graph.location(first) };
        let flow = match &node.op {
            Op::Quantize(_) => {
                let position = self.graph.inputs.iter().position(|input| *input == node.inputs[0]);
                Flow { from: End::Host(position.unwrap_or(0)), value: node.output }
            }
            Op::Dequantize(_) => return Ok(()),
            op if is_move(op) => return Ok(()),
            Op::Dense => self.dense(&step)?,
            Op::Conv2d(conv) => self.convolution(&step, conv)?,
            Op::Requantize(function) => self.thresholding(&step, function)?,
            Op::MaxPool(pool) => self.max_pool(&step, &pool.window)?,
            Op::SumPool(pool) => self.sum_pool(&step, pool)?,
            Op::ConvTranspose2d(conv) => self.transposed_convolution(&step, conv)?,
            Op::Sum { multipliers } => self.sum(&step, multipliers)?,
            Op::Product { zero_points } => self.product(&step, *zero_points)?,
            Op::Concat { axis } => self.concat(&step, *axis)?,
            Op::RequantizePair(RequantizePair::Certified { multipliers, certified }) => {
                self.pair(&step, multipliers, certified)?
            }
            Op::TopK { .. } => self.label_select(&step)?,
            Op::Push => {
                let needed = "the network of the whole window: compile without steps";
                return Err(refused(step.at, "a state from run to run", needed));
            }
            _ => {
                return Err(refused(
                    step.at,
                    format!("operator {}", node.op.name()),
                    "a layer, pool, sum, product, requantization, choice or move of the integer level",
                ));
            }
        };
        self.write(step.output(), flow.from, &step.at);
        Ok(())
    }

    fn thresholding(&mut self, step: &Step<'_>, function: &Requantize) -> Result<Flow> {
        let Requantize::Certified(certified) = function else {
            return Err(refused(
                step.at.clone(),
                "a requantization without an integer form",
                "a certified one",
            ));
        };
        let flow = self.read(step, 0)?;
        let (x, y) = (step.node.inputs[0], step.node.output);
        Ok(self.requantized(step, flow, CodeFunction::of(certified), vec![], (x, self.bits(x)), y))
    }

    /// The stage that makes `codes` of the elements of `x`, with `offsets` added.
    fn requantized(
        &mut self,
        step: &Step<'_>,
        flow: Flow,
        codes: CodeFunction,
        offsets: Vec<i64>,
        (x, input_bits): (ValueId, u32),
        y: ValueId,
    ) -> Flow {
        let [mut channels, mut pixels] = frame(self.graph.value(x));
        if channels == 1 {
            // One function of all elements can take as many at a time as there are.
            (channels, pixels) = (pixels, 1);
        }
        let output_bits = self.bits(y);
        let requantization = codes.requantization();
        let threshold_bits = codes.threshold_bits().unwrap_or(input_bits);
        let unit = Thresholding { channels, pixels, input_bits, threshold_bits, output_bits, requantization };
        let flow = self.stage(step, Unit::Thresholding(unit), &[flow]);
        self.parameters(Parameters { offsets, codes: Some(codes), ..Parameters::default() });
        if let (Some((index, _)), Some(stage)) = (step.requantize, self.made.stages.last_mut()) {
            stage.nodes = vec![index];
        }
        flow
    }
}

/// Whether `op` only moves elements, with codes beside them or not.
const fn is_move(op: &Op) -> bool {
    matches!(
        op,
        Op::Reshape | Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. } | Op::Border { .. }
    )
}

/// Channels and pixels of a frame.
fn frame(value: &Value) -> [usize; 2] {
    let channels = value.shape.get(1).copied().unwrap_or(1);
    [channels, value.elems().checked_div(channels).unwrap_or(0)]
}

/// The axes of a value of rank `N`, none of them empty.
fn axes<const N: usize>(value: &Value, at: &Location) -> Result<[usize; N]> {
    let axes = <[usize; N]>::try_from(value.shape.as_slice()).ok().filter(|axes| !axes.contains(&0));
    axes.ok_or_else(|| {
        let found = format!("{:?} of shape {:?}", value.name, value.shape);
        refused(at.clone(), found, format!("{N} axes that are not empty"))
    })
}

/// The integers that an element can be; of accumulators over all channels.
fn range(value: &Value) -> IntRange {
    let ranges: &[IntRange] = match &value.ty {
        Type::Codes(codes) => &[codes.range],
        Type::Accumulators { bounds, .. } => bounds,
        Type::Float | Type::Shape => &[],
    };
    ranges.iter().copied().reduce(IntRange::union).unwrap_or(IntRange::point(0))
}

/// The integers that an element of `channel` can be.
fn channel_range(value: &Value, channel: usize) -> IntRange {
    match &value.ty {
        Type::Accumulators { bounds, .. } if !bounds.is_empty() => bounds[channel % bounds.len()],
        _ => range(value),
    }
}

/// Bits of an element in a stream: of the codes' type, or of the sums' bounds.
fn elem_bits(value: &Value) -> u32 {
    value.codes().map_or_else(|| range(value).signed_bits(), |codes| codes.int.width.bits().into())
}
