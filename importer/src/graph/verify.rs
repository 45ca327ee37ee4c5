//! What holds in a graph, checked after every pass. A violation is a fault of the compiler, never of a model.
//!
//! Every level:
//! - each value is an input, a state, a constant, or the result of exactly one node;
//! - nodes read only inputs, states, constants and results of nodes before them;
//! - each operator is allowed at the level and has as many operands as it takes;
//! - each result has the shape that its operands and attributes imply;
//! - constants have as many elements as their shape, of the kind of their type;
//! - nodes come from nodes of the file that the graph knows, as do nodes of branches from theirs;
//! - the order in which a value has the elements of its source is one of all its elements;
//! - what the file has in the place of outputs is known of all or of none.
//!
//! Quantized and below:
//! - only inputs of the graph are float, and only `quantize` reads them, and only outputs that `dequantize` makes;
//! - layers read codes and constant weight codes, and produce accumulators; sums, products and pools produce them too;
//! - codes lie in their type: ranges in `int`, constants in `range`, the zero point among the codes of `int`;
//! - scales are positive and finite, and there are as many as channels, or one;
//! - states hold codes, their fill among them; each is changed by one `push`, after which nothing reads it.
//!
//! Quantized: every code has a scale and every accumulator a meaning.
//!
//! Integer and below:
//! - scales and meanings stay at the graph's inputs and outputs only;
//! - every accumulator has bounds, within 32 bits unless it stays in registers, that hold the bounds a second method
//!   derives here from weights and input range.
//!
//! Scheduled:
//! - the arena holds every place and is no smaller than its lower bound;
//! - packings are of layers, and ones that the layer may have and that hold its weights;
//! - every value that is no constant, no float input and does not stay in registers has a place; places of values alive at the same time do not overlap, unless a
//!   value takes over the place of one that dies there;
//! - states lie behind everything else, in their order, and what is pushed to them in their place.

use exactum_runtime::num::IntRange;

use super::{
    Codes, Constant, FileNodeId, Graph, Level, Node, Op, Requantize, RequantizePair, Source, Type, Value,
    ValueId, shape,
};
use crate::diagnostic::Location;

mod bounds;
mod places;
mod states;

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {rule}; found {found}")]
pub struct Violation {
    /// Node, or value of the graph.
    pub at: Location,
    /// The rule.
    pub rule: &'static str,
    /// What is there instead.
    pub found: String,
}

/// Collects violations.
struct Verifier<'a> {
    graph: &'a Graph,
    violations: Vec<Violation>,
}

impl Graph {
    /// Checks every rule of the graph's level.
    ///
    /// # Errors
    /// All violations.
    pub fn verify(&self) -> Result<(), Vec<Violation>> {
        let mut verifier = Verifier { graph: self, violations: vec![] };
        if verifier.structure() {
            for (index, node) in self.nodes.iter().enumerate() {
                verifier.node(index, node);
            }
            for (index, value) in self.values.iter().enumerate() {
                verifier.value(ValueId::new(index), value);
            }
            states::verify(&mut verifier);
            if self.level >= Level::Integer {
                bounds::verify(&mut verifier);
            }
            if self.level >= Level::Scheduled {
                places::verify(&mut verifier);
            }
        }
        if verifier.violations.is_empty() { Ok(()) } else { Err(verifier.violations) }
    }
}

impl Verifier<'_> {
    fn require(&mut self, holds: bool, at: &Location, rule: &'static str, found: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(Violation { at: at.clone(), rule, found: found() });
        }
    }

    /// Who makes which value, and in which order. Nothing else is safe to look at before this holds.
    fn structure(&mut self) -> bool {
        let graph = self.graph;
        let count = graph.values.len();
        let ids = graph.nodes.iter().flat_map(|node| node.inputs.iter().chain([&node.output]));
        let states = graph.states.iter().map(|state| &state.value);
        let foreign = ids
            .chain(&graph.inputs)
            .chain(&graph.outputs)
            .chain(states)
            .filter(|id| id.index() >= count)
            .count();
        let here = Location::part("graph");
        self.require(foreign == 0, &here, "every id belongs to a value", || format!("{foreign} others"));
        if foreign > 0 {
            return false;
        }
        let results = graph.results.len();
        let holds = [0, graph.outputs.len()].contains(&results);
        self.require(holds, &here, "every output is known in the file, or none", || results.to_string());
        let mut made = vec![0usize; count];
        for id in &graph.inputs {
            made[id.index()] += 1;
        }
        for state in &graph.states {
            made[state.value.index()] += 1;
        }
        for (made, value) in made.iter_mut().zip(&graph.values) {
            *made += usize::from(value.constant.is_some());
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                let early = made[input.index()] > 0;
                self.require(early, &graph.location(index), "operands are made before they are read", || {
                    input.to_string()
                });
            }
            made[node.output.index()] += 1;
        }
        let unknown = |within: &Option<FileNodeId>, id: FileNodeId| {
            within.is_some_and(|within| within >= id || !graph.file.contains_key(&within))
        };
        let strays = graph.file.iter().filter(|(id, node)| unknown(&node.within, **id)).count();
        let origins = graph.nodes.iter().flat_map(|node| &node.origin);
        let strays = strays + origins.filter(|id| !graph.file.contains_key(id)).count();
        self.require(strays == 0, &here, "nodes come from known nodes of the file", || {
            format!("{strays} that are unknown")
        });
        for (index, made) in made.iter().enumerate() {
            let at = Location::part(ValueId::new(index).to_string());
            self.require(*made == 1, &at, "each value is made exactly once", || format!("{made} times"));
        }
        self.violations.is_empty()
    }

    fn node(&mut self, index: usize, node: &Node) {
        let graph = self.graph;
        let at = graph.location(index);
        let (first, last) = node.op.levels();
        let allowed = (first..=last).contains(&graph.level);
        self.require(allowed, &at, "the level allows the operator", || graph.level.name().to_owned());
        let (fewest, most) = node.op.arity();
        let count = node.inputs.len();
        self.require((fewest..=most).contains(&count), &at, "the operator takes that many operands", || {
            count.to_string()
        });
        if count < fewest {
            return;
        }
        let operands: Vec<&Value> = node.inputs.iter().map(|id| graph.value(*id)).collect();
        let output = graph.value(node.output);
        match shape::infer(&node.op, &operands, Some(&output.shape)) {
            Ok(shape) => self.require(shape == output.shape, &at, "the result has the implied shape", || {
                format!("{:?} instead of {shape:?}", output.shape)
            }),
            Err(error) => self.require(false, &at, "the operands' shapes fit", || error.found),
        }
        if let Some(packing) = node.packing {
            let may = graph.level >= Level::Integer && graph.may_pack(index, packing);
            self.require(may, &at, "weights are packed as their layer and their width allow", || {
                packing.name().to_owned()
            });
        }
        if graph.level >= Level::Quantized {
            self.integer_node(&at, node, &operands, output);
        }
    }

    /// Checks how many channels the factors of a sum are made for.
    fn factors(&mut self, at: &Location, output: &Value, counts: &[usize]) {
        // Where layers read channels last, sums do.
        let channels = [output.shape.get(1), output.shape.last()];
        let suits = |count: &usize| *count == 1 || channels.contains(&Some(count));
        self.require(
            counts.iter().all(suits),
            at,
            "factors are one for all channels, or one for each",
            || format!("{counts:?} for {:?}", output.shape),
        );
    }

    fn integer_node(&mut self, at: &Location, node: &Node, operands: &[&Value], output: &Value) {
        let is_codes = |value: &Value| matches!(value.ty, Type::Codes(_));
        let sums = |value: &Value| matches!(value.ty, Type::Accumulators { .. });
        let found = || format!("{:?} to {:?}", operands[0].ty, output.ty);
        match &node.op {
            Op::Quantize(_) => {
                let holds = operands[0].ty == Type::Float && is_codes(output);
                self.require(holds, at, "quantize goes from float to codes", found);
            }
            Op::Dequantize(_) => {
                let holds = operands[0].ty != Type::Float && output.ty == Type::Float;
                self.require(holds, at, "dequantize goes from integers to float", found);
            }
            op if op.is_layer() => {
                let weights = matches!(operands[1].constant, Some(Constant::Codes(_)));
                let holds = is_codes(operands[0]) && weights && sums(output);
                self.require(holds, at, "layers go from codes and constant weights to accumulators", found);
            }
            Op::Sum { .. } | Op::Product { .. } | Op::SumPool(_) => {
                if let Op::Sum { multipliers } = &node.op {
                    self.factors(at, output, &[multipliers.len()]);
                }
                let holds = operands.iter().all(|value| value.ty != Type::Float) && sums(output);
                self.require(holds, at, "sums go from integers to accumulators", found);
            }
            Op::Requantize(_) | Op::RequantizePair(_) => {
                match &node.op {
                    Op::RequantizePair(RequantizePair::Certified { multipliers, .. }) => {
                        self.factors(at, output, &[multipliers.len()]);
                    }
                    Op::RequantizePair(RequantizePair::Exact { gains, .. }) => {
                        let counts: Vec<usize> = gains.iter().map(Vec::len).collect();
                        self.require(counts.len() == 2, at, "each of two operands has gains", || {
                            counts.len().to_string()
                        });
                        self.factors(at, output, &counts);
                    }
                    _ => {}
                }
                let integers = operands.iter().all(|value| value.ty != Type::Float);
                self.require(integers && is_codes(output), at, "requantize ends in codes", found);
                let range = match &node.op {
                    Op::Requantize(Requantize::Exact(tail))
                    | Op::RequantizePair(RequantizePair::Exact { tail, .. }) => tail.quantizer.codes(),
                    Op::Requantize(Requantize::Certified(certified))
                    | Op::RequantizePair(RequantizePair::Certified { certified, .. }) => {
                        certified.params.view().range()
                    }
                    _ => IntRange::point(0),
                };
                let holds = output.codes().is_some_and(|codes| range.contains_range(codes.range));
                self.require(holds, at, "codes of a requantization lie in its clamp", || range.to_string());
            }
            Op::Concat { .. } | Op::Border { .. } => {
                let ranges = operands.iter().map(|value| match &value.ty {
                    Type::Codes(codes) => Some(codes.range),
                    Type::Accumulators { bounds, .. } => {
                        let all = bounds.iter().copied().reduce(IntRange::union);
                        all.or(output.codes().map(|codes| codes.range))
                    }
                    Type::Float | Type::Shape => None,
                });
                let held = |range: Option<IntRange>| {
                    output.codes().zip(range).is_some_and(|(codes, range)| codes.range.contains_range(range))
                };
                let fill = match &node.op {
                    Op::Border { code, .. } => Some(IntRange::point(*code)),
                    _ => output.codes().map(|codes| codes.range),
                };
                let holds = ranges.chain([fill]).all(held);
                self.require(holds, at, "joined codes lie in the range of the result", found);
            }
            Op::TopK { values: false, .. } => {
                let holds = operands[0].ty != Type::Float && is_codes(output);
                self.require(holds, at, "top_k gives indices", found);
            }
            _ => {
                // What codes stand for may change; below the quantized level only the edge of the graph says it.
                let moved = |value: &Value| value.codes().map(|codes| (codes.int, codes.range));
                let same = moved(operands[0]).is_none_or(|from| {
                    moved(output).is_some_and(|to| from.0 == to.0 && to.1.contains_range(from.1))
                }) || sums(output);
                self.require(same, at, "moving elements keeps their type", found);
            }
        }
    }

    fn value(&mut self, id: ValueId, value: &Value) {
        let graph = self.graph;
        let at = Location::part(format!("{id} {:?}", value.name));
        if let Some(constant) = &value.constant {
            let (count, fits) = match (constant, &value.ty) {
                (Constant::Float(values), ty) => (values.len(), *ty == Type::Float),
                (Constant::Shape(values), ty) => (values.len(), *ty == Type::Shape),
                (Constant::Codes(values), Type::Codes(codes)) => {
                    (values.len(), values.iter().all(|code| codes.range.contains(i64::from(*code))))
                }
                (Constant::Codes(values), _) => (values.len(), false),
            };
            self.require(fits && count == value.elems(), &at, "a constant fits its shape and type", || {
                format!("{count} elements for {:?}", value.shape)
            });
        }
        let ordered = |source: &Source| source.order.as_ref().is_none_or(|order| order.is_of(value.elems()));
        self.require(
            value.sources.iter().all(ordered),
            &at,
            "sources have an order of their elements",
            || format!("{:?}", value.sources),
        );
        if graph.level < Level::Quantized {
            return;
        }
        let made_by = graph.producer(id).map(|node| &graph.nodes[node].op);
        let quantized_here = matches!(made_by, Some(Op::Quantize(_)));
        let edge = quantized_here || graph.outputs.contains(&id);
        match &value.ty {
            Type::Float => {
                let quantized =
                    graph.consumers(id).all(|node| matches!(graph.nodes[node].op, Op::Quantize(_)));
                let left = matches!(made_by, Some(Op::Dequantize(_))) && graph.outputs.contains(&id);
                self.require(
                    quantized && (graph.inputs.contains(&id) || left),
                    &at,
                    "only inputs and dequantized outputs are float",
                    String::new,
                );
            }
            Type::Shape => self.require(false, &at, "shapes are gone", String::new),
            Type::Codes(codes) => self.codes(&at, value, codes, edge),
            Type::Accumulators { meaning, bounds } => {
                let needed = graph.level == Level::Quantized || edge;
                self.require(
                    meaning.is_some() == needed,
                    &at,
                    "accumulators mean something where that is seen",
                    || format!("{meaning:?}"),
                );
                let fused = graph.producer(id).is_some_and(|node| graph.fused_requantize(node).is_some());
                let narrow = |b: &IntRange| b.lo >= i64::from(i32::MIN) && b.hi <= i64::from(i32::MAX);
                let fits = fused || bounds.iter().all(narrow);
                let known = graph.level == Level::Quantized || !bounds.is_empty();
                self.require(fits && known, &at, "accumulators are bounded by 32 bits", || {
                    format!("{bounds:?}")
                });
            }
        }
    }

    fn codes(&mut self, at: &Location, value: &Value, codes: &Codes, edge: bool) {
        let level = self.graph.level;
        let legal = codes.int.range();
        let holds = legal.contains_range(codes.range) && legal.contains(codes.zero_point);
        self.require(holds, at, "codes and zero point lie in their type", || format!("{codes:?}"));
        let needed = level == Level::Quantized || edge;
        self.require(codes.scale.is_empty() != needed, at, "scales stay where they are seen", || {
            format!("{} scales", codes.scale.len())
        });
        let usable = codes.scale.iter().all(|scale| scale.is_finite() && *scale > 0.0);
        self.require(usable, at, "scales are positive and finite", || format!("{:?}", codes.scale));
        let channels = codes.axis.map_or(1, |axis| value.shape.get(axis).copied().unwrap_or(0));
        let counts = codes.scale.is_empty() || codes.scale.len() == channels;
        self.require(counts, at, "there is a scale for each channel", || format!("{}", codes.scale.len()));
    }
}
