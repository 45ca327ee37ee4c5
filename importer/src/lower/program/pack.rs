//! Arrays that the image copies, in the order in which kernels read them.

use exactum_runtime::program::op::{Bias, Conv2d, Multipliers, Weights};

use super::tensors::Tensors;
use crate::graph::{Certified, Constant, Conv, Graph, Node, Op, RequantizePair, ValueId};

/// Arrays of one operator; kept apart because operators borrow them.
#[derive(Default)]
pub(super) struct Packed {
    weights: PackedWeights,
    bias: PackedBias,
    rest: Vec<u16>,
    multipliers: PackedMultipliers,
}

#[derive(Default)]
enum PackedMultipliers {
    #[default]
    None,
    I32(Vec<[i32; 2]>),
    I64(Vec<[i64; 2]>),
}

#[derive(Default)]
enum PackedWeights {
    #[default]
    None,
    I8(Vec<i8>),
    I16(Vec<i16>),
}

#[derive(Default)]
enum PackedBias {
    #[default]
    None,
    I16(Vec<i16>),
    I32(Vec<i32>),
}

impl Packed {
    /// Weights and biases of a layer.
    pub(super) fn layer(&self) -> (Weights<'_>, Bias<'_>) {
        let weights = match &self.weights {
            PackedWeights::None => Weights::default(),
            PackedWeights::I8(weights) => Weights::I8(weights),
            PackedWeights::I16(weights) => Weights::I16(weights),
        };
        let bias = match &self.bias {
            PackedBias::None => Bias::None,
            PackedBias::I16(bias) => Bias::I16(bias),
            PackedBias::I32(bias) => Bias::I32(bias),
        };
        (weights, bias)
    }

    /// Tensors of a concatenation after the first.
    pub(super) fn rest(&self) -> &[u16] {
        &self.rest
    }

    /// Factors of the operands of a sum.
    pub(super) fn multipliers(&self) -> Multipliers<'_> {
        match &self.multipliers {
            PackedMultipliers::None => Multipliers::I32(&[]),
            PackedMultipliers::I32(pairs) => Multipliers::I32(pairs),
            PackedMultipliers::I64(pairs) => Multipliers::I64(pairs),
        }
    }

    /// Bytes of weights, biases and factors.
    pub(super) fn size_bytes(&self) -> usize {
        let weights = match &self.weights {
            PackedWeights::None => 0,
            PackedWeights::I8(weights) => weights.len(),
            PackedWeights::I16(weights) => size_of_val(&**weights),
        };
        let bias = match &self.bias {
            PackedBias::None => 0,
            PackedBias::I16(bias) => size_of_val(&**bias),
            PackedBias::I32(bias) => size_of_val(&**bias),
        };
        let multipliers = match &self.multipliers {
            PackedMultipliers::None => 0,
            PackedMultipliers::I32(pairs) => size_of_val(&**pairs),
            PackedMultipliers::I64(pairs) => size_of_val(&**pairs),
        };
        weights + bias + multipliers
    }
}

/// The arrays of `node`.
pub(super) fn pack(graph: &Graph, tensors: &Tensors, node: &Node) -> Packed {
    if let Op::Concat { .. } = node.op {
        let rest = node.inputs.iter().skip(1).map(|id| tensors.id(*id).0).collect();
        return Packed { rest, ..Packed::default() };
    }
    if let Op::Sum { multipliers } = &node.op {
        return Packed { multipliers: pack_multipliers(multipliers, false), ..Packed::default() };
    }
    if let Op::RequantizePair(RequantizePair::Certified { multipliers, certified }) = &node.op {
        let multipliers = pack_multipliers(multipliers, has_wide_sums(certified));
        return Packed { multipliers, ..Packed::default() };
    }
    if !node.op.is_layer() {
        return Packed::default();
    }
    let depthwise = matches!(&node.op, Op::Conv2d(conv) if is_depthwise(graph, node, conv));
    let weight = graph.value(node.inputs[1]);
    let Some(Constant::Codes(codes)) = &weight.constant else { return Packed::default() };
    let outputs = weight.shape[0];
    let filter_elems = codes.len() / outputs.max(1);
    let mut order = vec![0i32; codes.len()];
    for (position, code) in codes.iter().enumerate() {
        let (o, i) = (position / filter_elems, position % filter_elems);
        order[Conv2d::weight_index(depthwise, outputs, filter_elems, o, i)] = *code;
    }
    let short: Option<Vec<i8>> = order.iter().map(|code| i8::try_from(*code).ok()).collect();
    let weights = match short {
        Some(weights) => PackedWeights::I8(weights),
        None => PackedWeights::I16(order.iter().map(|code| *code as i16).collect()),
    };
    let bias = match node.inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(codes))) => {
            let short: Option<Vec<i16>> = codes.iter().map(|code| i16::try_from(*code).ok()).collect();
            short.map_or_else(|| PackedBias::I32(codes.clone()), PackedBias::I16)
        }
        _ => PackedBias::None,
    };
    Packed { weights, bias, ..Packed::default() }
}

/// Whether accumulators of a proof leave 32 bits.
fn has_wide_sums(certified: &Certified) -> bool {
    certified.certificate.range().is_none_or(|range| range.signed_bits() > i32::BITS)
}

fn pack_multipliers(multipliers: &[[i64; 2]], wide: bool) -> PackedMultipliers {
    let narrow = |[p, q]: &[i64; 2]| Some([i32::try_from(*p).ok()?, i32::try_from(*q).ok()?]);
    let short: Option<Vec<[i32; 2]>> = multipliers.iter().map(narrow).collect();
    match short.filter(|_| !wide) {
        Some(pairs) => PackedMultipliers::I32(pairs),
        None => PackedMultipliers::I64(multipliers.to_vec()),
    }
}

fn is_depthwise(graph: &Graph, node: &Node, conv: &Conv) -> bool {
    let channels = |id: ValueId| graph.value(id).shape.last().copied().unwrap_or(0);
    Conv2d::is_depthwise(conv.groups, channels(node.inputs[0]), channels(node.output))
}
