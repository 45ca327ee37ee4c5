//! Bounds of accumulators by a second method: signed sums of weights times the ends of the input range.
//!
//! The pass `bound_accumulators` adds up intervals tap by tap; here the positive and the negative weights of a channel
//! are summed first. Both are exact, so the stored bounds must hold these.

use exactum_runtime::num::IntRange;

use super::{Location, Verifier};
use crate::exact::accumulator::Bounds;
use crate::graph::{Constant, Layout, Node, Op, Type, Value, Window};

pub(super) fn verify(verifier: &mut Verifier<'_>) {
    let graph = verifier.graph;
    for (index, node) in graph.nodes.iter().enumerate() {
        let operands: Vec<&Value> = node.inputs.iter().map(|id| graph.value(*id)).collect();
        if node.op.is_layer() {
            check(verifier, &graph.location(index), node, &operands);
        } else if node.op.accumulates() {
            check_extremes(verifier, &graph.location(index), node, &operands);
        }
    }
}

fn check(verifier: &mut Verifier<'_>, at: &Location, node: &Node, operands: &[&Value]) {
    let graph = verifier.graph;
    let output = graph.value(node.output);
    let (Some(x), Some(Constant::Codes(weights))) = (operands[0].codes(), &operands[1].constant) else {
        return;
    };
    let Type::Accumulators { bounds, .. } = &output.ty else { return };
    let bias = match operands.get(2).map(|bias| &bias.constant) {
        Some(Some(Constant::Codes(bias))) => bias.as_slice(),
        _ => &[],
    };
    // In 128 bits, where no difference of two codes is too wide; a tap outside adds nothing.
    let outside = lacks_taps(&node.op, &operands[0].shape, &output.shape).then_some(0);
    let code = |code: i64| i128::from(code) - i128::from(x.zero_point);
    let least = outside.into_iter().fold(code(x.range.lo), i128::min);
    let most = outside.into_iter().fold(code(x.range.hi), i128::max);
    let (Ok(lo), Ok(hi)) = (least.try_into(), most.try_into()) else { return };
    let input = IntRange { lo, hi };
    let channels = operands[1].shape[0];
    verifier.require(bounds.len() == channels, at, "there are bounds for each channel", || {
        bounds.len().to_string()
    });
    for (channel, (stored, weights)) in
        bounds.iter().zip(weights.chunks(weights.len() / channels.max(1))).enumerate()
    {
        let start = IntRange::point(bias.get(channel).copied().unwrap_or(0).into());
        let reachable = Bounds::of_weight_sums(weights.iter().map(|w| i64::from(*w)), input)
            .and_then(|bounds| bounds.sum.checked_add(start));
        let held = reachable.is_some_and(|reachable| stored.contains_range(reachable));
        verifier.require(held, at, "the bounds hold every reachable accumulator", || {
            format!("{stored} in channel {channel}, where {reachable:?} is reachable")
        });
    }
}

/// Whether some window reaches beyond an input of shape `x`, told by where the first and the last one lie.
fn lacks_taps(op: &Op, x: &[usize], output: &[usize]) -> bool {
    let Op::Conv2d(conv) = op else { return matches!(op, Op::ConvTranspose2d(_)) };
    let first = match conv.layout {
        Layout::ChannelsFirst => 2,
        Layout::ChannelsLast => 1,
    };
    let Window { size, stride, pads, dilation } = conv.window;
    (0..2).any(|axis| {
        let last = output[first + axis].saturating_sub(1) * stride[axis] + (size[axis] - 1) * dilation[axis];
        pads[axis] > 0 || last >= x[first + axis]
    })
}

/// Sums, products and pools at every combination of extreme operands.
fn check_extremes(verifier: &mut Verifier<'_>, at: &Location, node: &Node, operands: &[&Value]) {
    let ends = |value: &Value| -> Vec<[i128; 2]> {
        let pair = |range: &IntRange| [i128::from(range.lo), i128::from(range.hi)];
        match &value.ty {
            Type::Codes(codes) => vec![pair(&codes.range)],
            Type::Accumulators { bounds, .. } => bounds.iter().map(pair).collect(),
            _ => vec![],
        }
    };
    let Type::Accumulators { bounds, .. } = &verifier.graph.value(node.output).ty else { return };
    let operands: Vec<Vec<[i128; 2]>> = operands.iter().map(|value| ends(value)).collect();
    for (channel, stored) in bounds.iter().enumerate() {
        let pick = |operand: usize| {
            let ends = operands.get(operand)?;
            ends.get(if ends.len() == 1 { 0 } else { channel }).copied()
        };
        let reachable: Vec<i128> = match &node.op {
            Op::SumPool(pool) => {
                let taps = (pool.pool.window.size[0] * pool.pool.window.size[1]) as i128;
                // With a unit, even a window with one element of the input counts as all of it.
                let most = if pool.unit == 0 { taps } else { i128::from(pool.unit) };
                pick(0).into_iter().flatten().map(|x| (x - i128::from(pool.zero_point)) * most).collect()
            }
            op => {
                let value = |a: i128, b: i128| match op {
                    Op::Sum { multipliers } => {
                        let pair = multipliers.get(if multipliers.len() == 1 { 0 } else { channel });
                        let [p, q] = pair.copied().unwrap_or_default();
                        i128::from(p) * a + i128::from(q) * b
                    }
                    Op::Product { zero_points: [p, q] } => (a - i128::from(*p)) * (b - i128::from(*q)),
                    _ => 0,
                };
                let (a, b) = (pick(0).unwrap_or_default(), pick(1).unwrap_or_default());
                a.iter().flat_map(|a| b.iter().map(|b| value(*a, *b))).collect()
            }
        };
        let held = reachable.iter().all(|x| (i128::from(stored.lo)..=i128::from(stored.hi)).contains(x));
        verifier.require(held, at, "the bounds hold every reachable accumulator", || {
            format!("{stored} in channel {channel}, where {reachable:?} are reachable")
        });
    }
}
