//! Bounds of accumulators by a second method: signed sums of weights times the ends of the input range.
//!
//! The pass `bound_accumulators` adds up intervals tap by tap; here the positive and the negative weights of a channel
//! are summed first. Both are exact, so the stored bounds must hold these.

use exactum_runtime::num::IntRange;

use super::{Location, Verifier};
use crate::exact::accumulator::{Bounds, input_range};
use crate::graph::{Constant, Node, Op, Type, Value};

pub(super) fn verify(verifier: &mut Verifier<'_>) {
    let graph = verifier.graph;
    for (index, node) in graph.nodes.iter().enumerate() {
        if matches!(node.op, Op::Dense | Op::Conv2d(_)) {
            let operands: Vec<&Value> = node.inputs.iter().map(|id| graph.value(*id)).collect();
            check(verifier, &graph.location(index), node, &operands);
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
    let padded = matches!(node.op, Op::Conv2d(conv) if conv.window.is_padded());
    let Some(input) = input_range(x.range, x.zero_point, padded) else { return };
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
