//! Which packing the weights of a layer get.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::Packing;
use exactum_runtime::program::packing::is_depthwise;

use crate::graph::{Constant, Graph, Node, Op};

/// The packing of the weights of `node`, a layer: the `preferred` one where the layer may have it and its weights fit,
/// else tap after tap for depthwise convolutions, and filter after filter for all others.
pub(super) fn choose_packing(graph: &Graph, node: &Node, preferred: Option<Packing>) -> Packing {
    let depthwise = has_filter_for_each_channel(graph, node);
    let weights = weight_range(graph, node);
    let holds = |packing: Packing| {
        packing.elements().iter().any(|element| packing.range(*element).contains_range(weights))
    };
    let default = if depthwise { Packing::TapMajor } else { Packing::RowMajor };
    preferred.filter(|packing| packing.allows(depthwise) && holds(*packing)).unwrap_or(default)
}

fn has_filter_for_each_channel(graph: &Graph, node: &Node) -> bool {
    let channels = |id| graph.value(id).shape.last().copied().unwrap_or(0);
    match &node.op {
        Op::Conv2d(conv) => is_depthwise(conv.groups, channels(node.inputs[0]), channels(node.output)),
        _ => false,
    }
}

fn weight_range(graph: &Graph, node: &Node) -> IntRange {
    let codes = match &graph.value(node.inputs[1]).constant {
        Some(Constant::Codes(codes)) => &codes[..],
        _ => &[],
    };
    let range = codes.iter().map(|code| IntRange::point(i64::from(*code))).reduce(IntRange::union);
    range.unwrap_or(IntRange::point(0))
}
