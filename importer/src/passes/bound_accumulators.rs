//! Bounds every accumulator, from the inputs on.
//!
//! A layer's bounds follow from its weights and the codes that can reach it. Those are all that the clamp of the
//! requantization before it lets through: the runtime recomputes the same bounds when it loads the program.

use exactum_runtime::num::IntRange;

use super::{Pass, Run};
use crate::diagnostic::{Code, Diagnostic, Report, Result};
use crate::exact::Channel;
use crate::exact::accumulator::{Bounds, input_range};
use crate::graph::{Constant, Graph, Level, Node, Op, SumPool, Tail, Type, Value, ValueId};

pub(super) const PASS: Pass = Pass {
    name: "bound-accumulators",
    about: "bound each channel's accumulator by its weights and the codes that reach it",
    from: Level::Quantized,
    to: Level::Quantized,
    run: Run::Always(run),
};

/// What a 32-bit accumulator holds.
const WIDEST: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };
/// What a 64-bit accumulator may hold: far enough from its ends that no bound is itself an overflow.
const WIDE: IntRange = IntRange { lo: -(1 << 62), hi: 1 << 62 };

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        if node.op.accumulates() {
            // 64-bit sums stay in registers: only a requantization can take them.
            let allowed = if graph.fused_requantize(index).is_some() { WIDE } else { WIDEST };
            match bounds_of_node(graph, index, allowed) {
                Ok(found) => {
                    let output = graph.nodes[index].output;
                    if let Type::Accumulators { bounds, .. } = &mut graph.value_mut(output).ty {
                        *bounds = found;
                    }
                }
                Err(problem) => problems.push(problem),
            }
        } else if let Some(ty) = moved_type(graph, node) {
            let output = node.output;
            graph.value_mut(output).ty = ty;
        }
    }
    Report::check(problems, ())
}

/// The type of the result of a node that moves elements, with the range that its operands have now.
fn moved_type(graph: &Graph, node: &Node) -> Option<Type> {
    let x = graph.value(node.inputs[0]);
    let output = graph.value(node.output);
    match (&node.op, &x.ty, &output.ty) {
        (Op::MaxPool(_) | Op::Reshape | Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. }, ..) => {
            match (&x.ty, output.ty.clone()) {
                (Type::Codes(from), Type::Codes(mut to)) => {
                    to.range = from.range;
                    Some(Type::Codes(to))
                }
                (Type::Accumulators { bounds: from, .. }, Type::Accumulators { meaning, .. }) => {
                    let bounds = moved_bounds(node, x, output, from);
                    Some(Type::Accumulators { meaning, bounds })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// Bounds for each channel stay where channels do; else one bound holds for all.
fn moved_bounds(node: &Node, x: &Value, output: &Value, bounds: &[IntRange]) -> Vec<IntRange> {
    let kept = match &node.op {
        Op::MaxPool(_) => true,
        Op::Transpose { perm } => perm.get(1) == Some(&1),
        Op::Reshape => x.shape.get(..2) == output.shape.get(..2),
        _ => false,
    };
    match bounds.iter().copied().reduce(IntRange::union) {
        Some(all) if !kept => vec![all],
        _ => bounds.to_vec(),
    }
}

/// The integers that value `id` of a graph that is being quantized can hold, for all channels or for each; `None` if
/// that is unknown or past 64 bits.
pub(crate) fn of_value(graph: &Graph, id: ValueId) -> Option<Vec<IntRange>> {
    match &graph.value(id).ty {
        Type::Codes(codes) => Some(vec![codes.range]),
        Type::Accumulators { bounds, .. } if !bounds.is_empty() => Some(bounds.clone()),
        Type::Accumulators { .. } => {
            let index = graph.producer(id)?;
            let node = &graph.nodes[index];
            if node.op.accumulates() {
                return bounds_of_node(graph, index, WIDE).ok();
            }
            let x = *node.inputs.first()?;
            let bounds = of_value(graph, x)?;
            Some(moved_bounds(node, graph.value(x), graph.value(id), &bounds))
        }
        Type::Float | Type::Shape => None,
    }
}

/// Bounds of each channel of what node `index` accumulates, within `allowed` where it is a layer or a product.
fn bounds_of_node(graph: &Graph, index: usize, allowed: IntRange) -> Result<Vec<IntRange>, Diagnostic> {
    let node = &graph.nodes[index];
    let wide = |what: String| {
        let needed = match node.op {
            Op::Product { .. } => "products that fit 32 bits, or a quantizer right after them and 62 bits",
            _ => "a sum that fits 32 bits",
        };
        Diagnostic::new(Code::AccumulatorTooWide, graph.location(index), what, needed)
    };
    // Stored integers have one range for all channels: so the runtime knows them.
    let operand = |i: usize| {
        let ranges =
            of_value(graph, node.inputs[i]).and_then(|ranges| ranges.into_iter().reduce(IntRange::union));
        ranges.ok_or_else(|| wide(format!("operand {i}, whose range is unknown")))
    };
    let bounds: Option<Vec<IntRange>> = match &node.op {
        Op::Sum { multipliers } => {
            let (a, b) = (operand(0)?, operand(1)?);
            let sum = |[p, q]: &[i64; 2]| a.checked_scale(*p)?.checked_add(b.checked_scale(*q)?);
            multipliers.iter().map(sum).collect()
        }
        Op::Product { zero_points } => {
            let centered =
                |range: IntRange, zero: i64| range.checked_add(IntRange::point(zero.checked_neg()?));
            let (a, b) = (centered(operand(0)?, zero_points[0]), centered(operand(1)?, zero_points[1]));
            a.zip(b).and_then(|(a, b)| Some(vec![product(a, b)?]))
        }
        Op::SumPool(pool) => pooled(operand(0)?, pool).map(|range| vec![range]),
        _ => return layer_bounds(graph, index, allowed),
    };
    let held = if matches!(node.op, Op::Product { .. }) { allowed } else { WIDEST };
    let bounds = bounds.filter(|bounds| bounds.iter().all(|range| held.contains_range(*range)));
    bounds.ok_or_else(|| wide(format!("the {} of `{}`", node.op.name(), graph.value(node.inputs[0]).name)))
}

/// Products of an integer of each range.
fn product(a: IntRange, b: IntRange) -> Option<IntRange> {
    let corners = [(a.lo, b.lo), (a.lo, b.hi), (a.hi, b.lo), (a.hi, b.hi)];
    let corners: Option<Vec<i64>> = corners.iter().map(|(a, b)| a.checked_mul(*b)).collect();
    let corners = corners?;
    IntRange::new(*corners.iter().min()?, *corners.iter().max()?)
}

/// Sums of a window of integers in `range`; some can be missing where windows reach outside.
fn pooled(range: IntRange, SumPool { pool, zero_point, unit }: &SumPool) -> Option<IntRange> {
    let taps = i64::try_from(pool.window.size[0].checked_mul(pool.window.size[1])?).ok()?;
    let range = range.checked_add(IntRange::point(zero_point.checked_neg()?))?;
    match i64::try_from(*unit).ok()? {
        0 => {
            let full = range.checked_scale(taps)?;
            Some(if pool.window.is_padded() { full.union(range.checked_scale(0)?) } else { full })
        }
        // Every sum is brought to the same number of elements.
        unit => range.checked_scale(unit),
    }
}

/// The exact function of each channel of the requantization at node `index`, and the integers that reach it.
pub(super) fn channels(graph: &Graph, index: usize, tail: &Tail) -> Vec<Channel> {
    let x = graph.nodes[index].inputs[0];
    let functions = tail.functions();
    let ranges = of_value(graph, x).unwrap_or_default();
    // Accumulators in registers have bounds for each channel, stored ones have one range for all.
    let fused = graph.producer(x).is_some_and(|layer| graph.fused_requantize(layer) == Some(index));
    let ranges =
        if fused { ranges } else { ranges.into_iter().reduce(IntRange::union).into_iter().collect() };
    let count = ranges.len().max(functions.len());
    let pick = |len: usize, channel: usize| if len == 1 { 0 } else { channel };
    let channel = |channel| {
        let function = functions.get(pick(functions.len(), channel))?.clone();
        Some(Channel { function, range: *ranges.get(pick(ranges.len(), channel))? })
    };
    (0..count).filter_map(channel).collect()
}

fn layer_bounds(graph: &Graph, index: usize, allowed: IntRange) -> Result<Vec<IntRange>, Diagnostic> {
    let at = graph.location(index);
    let node = &graph.nodes[index];
    let x = graph.value(node.inputs[0]);
    let weight = graph.value(node.inputs[1]);
    let (Some(codes), Some(Constant::Codes(weights))) = (x.codes(), &weight.constant) else {
        return Ok(vec![]);
    };
    let bias = match node.inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(bias))) => bias.as_slice(),
        _ => &[],
    };
    let input = input_range(codes.range, codes.zero_point, taps_can_be_missing(&node.op));
    let taps = weights.len() / weight.shape[0].max(1);
    weights
        .chunks(taps.max(1))
        .enumerate()
        .map(|(channel, weights)| {
            let start = IntRange::point(bias.get(channel).copied().unwrap_or(0).into());
            let bounds =
                Bounds::of_terms(weights.iter().map(|w| i64::from(*w)), input?)?.sum.checked_add(start)?;
            Some(bounds).filter(|bounds| allowed.contains_range(*bounds))
        })
        .enumerate()
        .map(|(channel, bounds)| {
            bounds.ok_or_else(|| {
                let found = format!("{taps} products of {} and weights in channel {channel}", codes.range);
                Diagnostic::new(Code::AccumulatorTooWide, at.clone(), found, "a sum that fits 32 bits")
            })
        })
        .collect()
}

/// Whether some windows of `op` hold fewer elements than others.
fn taps_can_be_missing(op: &Op) -> bool {
    match op {
        Op::Conv2d(conv) => conv.window.is_padded(),
        Op::ConvTranspose2d(_) => true,
        _ => false,
    }
}
