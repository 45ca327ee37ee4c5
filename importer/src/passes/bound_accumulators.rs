//! Bounds every accumulator, from the inputs on.
//!
//! A layer's bounds follow from its weights and the codes that can reach it. Those are all that the clamp of the
//! requantization before it lets through: the runtime recomputes the same bounds when it loads the program.

use exactum_runtime::num::IntRange;

use super::Pass;
use crate::diagnostic::{Code, Diagnostic, Report, Result};
use crate::exact::accumulator::{Bounds, input_range};
use crate::exact::{Channel, StepFunction};
use crate::graph::{Constant, Graph, Level, Node, Op, Tail, Type, Value};

pub(super) const PASS: Pass = Pass {
    name: "bound-accumulators",
    about: "bound each channel's accumulator by its weights and the codes that reach it",
    from: Level::Quantized,
    to: Level::Quantized,
    run,
};

/// What a 32-bit accumulator holds.
const WIDEST: IntRange = IntRange { lo: i32::MIN as i64, hi: i32::MAX as i64 };

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    for index in 0..graph.nodes.len() {
        let node = graph.nodes[index].clone();
        let x = graph.value(node.inputs[0]).clone();
        match &node.op {
            Op::Dense | Op::Conv2d(_) => match layer_bounds(graph, index, &node, &x) {
                Ok(found) => {
                    if let Type::Accumulators { bounds, .. } = &mut graph.value_mut(node.output).ty {
                        *bounds = found;
                    }
                }
                Err(problem) => problems.push(problem),
            },
            Op::MaxPool(_) | Op::Reshape | Op::Transpose { .. } => {
                set_range(graph, &node, x.codes().map(|codes| codes.range));
            }
            _ => {}
        }
    }
    Report::check(problems, ())
}

fn set_range(graph: &mut Graph, node: &Node, range: Option<IntRange>) {
    if let (Type::Codes(codes), Some(range)) = (&mut graph.value_mut(node.output).ty, range) {
        codes.range = range;
    }
}

/// The exact functions of a requantization: one for all channels, or one for each.
pub(crate) fn functions(tail: &Tail) -> Vec<StepFunction> {
    let count = tail.input.gain.len().max(tail.input.offset.len());
    let scale = crate::exact::from_f32(tail.scale);
    let function = |channel| {
        let (gain, offset) = tail.input.channel(channel);
        let (zero_point, range, rounding) = (tail.zero_point, tail.range, tail.rounding);
        StepFunction::requantize(gain, offset, scale.as_ref()?, zero_point, range, rounding)
    };
    (0..count).filter_map(function).collect()
}

/// The exact function of each channel, and the integers that reach it.
pub(super) fn channels(tail: &Tail, x: &Value) -> Vec<Channel> {
    let functions = functions(tail);
    let ranges = match &x.ty {
        Type::Accumulators { bounds, .. } => bounds.clone(),
        Type::Codes(codes) => vec![codes.range],
        Type::Float | Type::Shape => vec![],
    };
    let count = ranges.len().max(functions.len());
    let pick = |len: usize, channel: usize| if len == 1 { 0 } else { channel };
    let channel = |channel| {
        let function = functions.get(pick(functions.len(), channel))?.clone();
        Some(Channel { function, range: *ranges.get(pick(ranges.len(), channel))? })
    };
    (0..count).filter_map(channel).collect()
}

fn layer_bounds(graph: &Graph, index: usize, node: &Node, x: &Value) -> Result<Vec<IntRange>, Diagnostic> {
    let at = graph.location(index);
    let weight = graph.value(node.inputs[1]);
    let (Some(codes), Some(Constant::Codes(weights))) = (x.codes(), &weight.constant) else {
        return Ok(vec![]);
    };
    let bias = match node.inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(bias))) => bias.as_slice(),
        _ => &[],
    };
    let padded = matches!(node.op, Op::Conv2d(conv) if conv.window.is_padded());
    let input = input_range(codes.range, codes.zero_point, padded);
    let taps = weights.len() / weight.shape[0].max(1);
    weights
        .chunks(taps.max(1))
        .enumerate()
        .map(|(channel, weights)| {
            let start = IntRange::point(bias.get(channel).copied().unwrap_or(0).into());
            let bounds =
                Bounds::of_terms(weights.iter().map(|w| i64::from(*w)), input?)?.sum.checked_add(start)?;
            Some(bounds).filter(|bounds| WIDEST.contains_range(*bounds))
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
