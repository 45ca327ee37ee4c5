//! Brings codes to how they are stored ([`Storage`]): unsigned codes of 16 bits less 2^15, as codes with a sign.
//!
//! The graph before says the file's codes, which the exact reference executes without knowing of this. A quantizer
//! subtracts outside its rounding and its clamp, because rounding looks at signs and parities. Readers add again what
//! was subtracted: layers, pools and products by their zero points, requantizations by the function that the checker
//! proves. A sum that is not requantized as it is made gets operands as they are.

use std::collections::BTreeMap;

use exactum_runtime::num::{IntRange, IntType, Rounding};
use num_traits::{One, Zero};

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Result};
use crate::exact::{self, Curve, Quantizer, Rational};
use crate::graph::{
    Codes, Constant, FileNodeId, Graph, Level, Node, Op, Requantize, RequantizePair, Storage, Tail, Type,
    Value, ValueId,
};

pub(super) const PASS: Pass = Pass {
    name: "store-codes",
    about: "store unsigned codes of 16 bits less 2^15, outside the rounding that makes them",
    from: Level::Quantized,
    to: Level::Quantized,
    run: Run::Always(run),
};

/// Codes that are stored less 2^15, as they are.
const WIDENED: IntType = IntType::new(17, true, false).unwrap();

struct Storing {
    graph: Graph,
    /// What is subtracted from the codes of each value.
    less: Vec<i64>,
    /// What was subtracted in the sums of each value that a requantization takes as they are made, for all channels or
    /// for each.
    of_sums: BTreeMap<ValueId, Vec<Rational>>,
    /// Values as they are, for readers that need them so.
    widened: BTreeMap<ValueId, ValueId>,
    /// Origin of the node that is at hand.
    origin: Vec<FileNodeId>,
}

fn run(graph: &mut Graph) -> Result<()> {
    // The quantized graph, which this pass is the first to change, is what later ones are compared with.
    graph.become_source();
    let less: Vec<i64> =
        (0..graph.values.len()).map(|index| subtracted(graph, ValueId::new(index))).collect();
    if less.iter().all(Zero::is_zero) {
        return Ok(());
    }
    let mut to = graph.clone();
    to.nodes.clear();
    let mut storing =
        Storing { graph: to, less, of_sums: BTreeMap::new(), widened: BTreeMap::new(), origin: vec![] };
    for (index, node) in graph.nodes.iter().enumerate() {
        let fused = graph.fused_requantize(index).is_some();
        storing.node(node.clone(), fused).map_err(|found| {
            let needed = "codes of at most 15 bits, or with a sign";
            Diagnostic::new(Code::UnsupportedForm, graph.location(index), found, needed)
        })?;
    }
    for (value, less) in storing.graph.values.iter_mut().zip(&storing.less).filter(|(_, less)| **less != 0) {
        store(value, *less);
    }
    for state in &mut storing.graph.states {
        state.fill -= storing.less[state.value.index()];
    }
    *graph = storing.graph;
    Ok(())
}

/// What is subtracted from value `id` where it is stored. Weights and biases are packed by themselves.
fn subtracted(graph: &Graph, id: ValueId) -> i64 {
    let value = graph.value(id);
    let of_layers = || graph.consumers(id).all(|node| graph.nodes[node].op.is_layer());
    match value.codes() {
        Some(codes) if value.constant.is_none() || !of_layers() => Storage::of(codes.int).less,
        _ => 0,
    }
}

/// The codes of `value`, less `less`.
fn store(value: &mut Value, less: i64) {
    if let Type::Codes(codes) = &mut value.ty {
        let range = IntRange { lo: codes.range.lo - less, hi: codes.range.hi - less };
        *codes = Codes { int: IntType::INT16, range, zero_point: codes.zero_point - less, ..codes.clone() };
    }
    if let Some(Constant::Codes(codes)) = &mut value.constant {
        codes.iter_mut().for_each(|code| *code -= less as i32);
    }
}

impl Storing {
    fn node(&mut self, mut node: Node, fused: bool) -> Result<(), &'static str> {
        self.origin.clone_from(&node.origin);
        if matches!(node.op, Op::Sum { .. }) && !fused {
            let operands: Vec<ValueId> = node.inputs.iter().map(|id| self.as_they_are(*id)).collect();
            node.inputs = operands;
        }
        let less: Vec<i64> = node.inputs.iter().map(|id| self.less[id.index()]).collect();
        let stored = self.less[node.output.index()];
        match &mut node.op {
            Op::Quantize(edge) => edge.tail = moved(&edge.tail, vec![Rational::zero()], stored)?,
            Op::Requantize(Requantize::Exact(tail)) => {
                let of_codes = || vec![exact::from_integer(less[0])];
                let before = self.of_sums.remove(&node.inputs[0]).unwrap_or_else(of_codes);
                *tail = moved(tail, before, stored)?;
            }
            Op::RequantizePair(RequantizePair::Exact { gains, tail }) => {
                let count = gains.iter().map(Vec::len).max().unwrap_or(1);
                let gain = |operand: usize, channel: usize| &gains[operand][channel % gains[operand].len()];
                let of_channel = |channel: usize| {
                    gain(0, channel) * exact::from_integer(less[0])
                        + gain(1, channel) * exact::from_integer(less[1])
                };
                let before = (0..count).map(of_channel).collect();
                *tail = moved(tail, before, stored)?;
            }
            Op::Sum { multipliers } if less.iter().any(|less| *less != 0) => {
                let of_channel = |[p, q]: &[i64; 2]| {
                    exact::from_integer(*p) * exact::from_integer(less[0])
                        + exact::from_integer(*q) * exact::from_integer(less[1])
                };
                let sums: Vec<Rational> = multipliers.iter().map(of_channel).collect();
                if let Type::Accumulators { meaning: Some(meaning), .. } =
                    &mut self.graph.value_mut(node.output).ty
                {
                    let channels = sums.len().max(meaning.gain.len()).max(meaning.offset.len());
                    let pick = |values: &[Rational], channel: usize| values[channel % values.len()].clone();
                    meaning.offset = (0..channels)
                        .map(|channel| {
                            pick(&meaning.offset, channel)
                                + pick(&meaning.gain, channel) * pick(&sums, channel)
                        })
                        .collect();
                }
                self.of_sums.insert(node.output, sums);
            }
            Op::Product { zero_points } => {
                zero_points.iter_mut().zip(&less).for_each(|(zero_point, less)| *zero_point -= less);
            }
            Op::SumPool(pool) => pool.zero_point -= less[0],
            Op::Border { code, .. } => *code -= less[0],
            Op::TopK { multipliers, offsets, .. } if less[0] != 0 && !multipliers.is_empty() => {
                let pick = |offsets: &[i64], index: usize| {
                    offsets.get(if offsets.len() == 1 { 0 } else { index }).copied().unwrap_or_default()
                };
                let count = multipliers.len().max(offsets.len());
                let score = |index: usize| {
                    let multiplier = multipliers[if multipliers.len() == 1 { 0 } else { index }];
                    multiplier.checked_mul(less[0])?.checked_add(pick(offsets, index))
                };
                *offsets = (0..count)
                    .map(score)
                    .collect::<Option<_>>()
                    .ok_or("scales and offsets whose exact comparison leaves 64 bits")?;
            }
            Op::Dequantize(dequantize) => {
                dequantize.curve =
                    dequantize.curve.clone().after(&raised(vec![exact::from_integer(less[0])]));
            }
            _ => {}
        }
        self.graph.nodes.push(node);
        Ok(())
    }

    /// The codes `id` with nothing subtracted.
    fn as_they_are(&mut self, id: ValueId) -> ValueId {
        let less = self.less[id.index()];
        if less == 0 {
            return id;
        }
        if let Some(widened) = self.widened.get(&id) {
            return *widened;
        }
        let Value { name, shape, ty, .. } = self.graph.value(id).clone();
        let Type::Codes(codes) = ty else { return id };
        let name = format!("{name}.codes");
        let quantizer = Quantizer::Uniform {
            scale: Rational::one(),
            zero_point: 0,
            after: 0,
            range: codes.range,
            rounding: Rounding::HalfEven,
        };
        let tail = Tail { curve: raised(vec![exact::from_integer(less)]), quantizer, int: WIDENED };
        let ty = Type::Codes(Codes { int: WIDENED, ..codes });
        let output = self.graph.add(Value::new(name.clone(), shape, ty));
        self.less.push(0);
        let op = Op::Requantize(Requantize::Exact(tail));
        let origin = self.origin.clone();
        self.graph.nodes.push(Node::new(name, origin, op, vec![id], output));
        self.widened.insert(id, output);
        output
    }
}

/// `x + by`, for all channels or for each.
fn raised(by: Vec<Rational>) -> Curve {
    if by.iter().all(Zero::is_zero) { Curve::identity() } else { Curve::affine(vec![Rational::one()], by) }
}

/// `tail` of an operand that `before` was subtracted from, and less `stored` itself.
fn moved(tail: &Tail, before: Vec<Rational>, stored: i64) -> Result<Tail, &'static str> {
    let curve = tail.curve.clone().after(&raised(before));
    if stored == 0 {
        return Ok(Tail { curve, ..tail.clone() });
    }
    let quantizer = tail.quantizer.less(stored).ok_or("counts of thresholds in unsigned codes of 16 bits")?;
    Ok(Tail { curve, quantizer, int: IntType::INT16 })
}
