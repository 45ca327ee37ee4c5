//! Arrays that the image copies, in the order in which kernels read them.

use exactum_runtime::codes::{Codes, Element};
use exactum_runtime::num::requant::at;
use exactum_runtime::program::Packing;
use exactum_runtime::program::op::{Bias, Multipliers, Weights};
use exactum_runtime::program::packing::FilterShape;

use super::tensors::Tensors;
use crate::graph::{Certified, Constant, Graph, Op, RequantizePair};

/// Arrays of one operator; kept apart because operators borrow them.
#[derive(Default)]
pub(super) struct Packed {
    weights: PackedWeights,
    bias: PackedBias,
    offsets: Vec<i32>,
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

/// Weights in a packing, in the smallest element type of it that holds them.
struct PackedWeights {
    packing: Packing,
    elements: Elements,
}

enum Elements {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
}

impl Default for PackedWeights {
    fn default() -> Self {
        Self { packing: Packing::RowMajor, elements: Elements::I8(vec![]) }
    }
}

impl PackedWeights {
    /// `codes`, filter after filter, in `packing`, which holds them.
    fn new(codes: &[i32], filters: usize, packing: Packing) -> Self {
        let shape = FilterShape { filters, elems: codes.len() / filters.max(1) };
        let mut stored = vec![0i32; packing.len_elems(shape).unwrap_or_default()];
        for (position, code) in codes.iter().enumerate() {
            let (o, i) = (position / shape.elems, position % shape.elems);
            packing.put(&mut stored, shape, o, i, *code);
        }
        let holds = |element: &&Element| {
            let range = packing.range(**element);
            codes.iter().all(|code| range.contains(i64::from(*code)))
        };
        let elements = match packing.elements().iter().find(holds) {
            Some(Element::I8) => Elements::I8(stored.iter().map(|element| *element as i8).collect()),
            Some(Element::U8) => Elements::U8(stored.iter().map(|element| *element as u8).collect()),
            _ => Elements::I16(stored.iter().map(|element| *element as i16).collect()),
        };
        Self { packing, elements }
    }

    fn view(&self) -> Weights<'_> {
        let elements = match &self.elements {
            Elements::I8(elements) => Codes::I8(elements),
            Elements::U8(elements) => Codes::U8(elements),
            Elements::I16(elements) => Codes::I16(elements),
        };
        Weights { packing: self.packing, elements }
    }
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
        let bias = match &self.bias {
            PackedBias::None => Bias::None,
            PackedBias::I16(bias) => Bias::I16(bias),
            PackedBias::I32(bias) => Bias::I32(bias),
        };
        (self.weights.view(), bias)
    }

    /// What the form of the layer's requantization adds to sums, with the biases: then the layer has none. Empty where the
    /// form adds nothing.
    pub(super) fn offsets(&self) -> &[i32] {
        &self.offsets
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
        let weights = self.weights.view().elements.as_bytes().len();
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

/// The arrays of node `index`.
pub(super) fn pack(graph: &Graph, tensors: &Tensors, index: usize) -> Packed {
    let node = &graph.nodes[index];
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
    let weight = graph.value(node.inputs[1]);
    let Some(Constant::Codes(codes)) = &weight.constant else { return Packed::default() };
    let packing = node.packing.unwrap_or_else(|| graph.default_packing(index));
    let weights = PackedWeights::new(codes, weight.shape[0], packing);
    let bias = match node.inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(codes))) => {
            let short: Option<Vec<i16>> = codes.iter().map(|code| i16::try_from(*code).ok()).collect();
            short.map_or_else(|| PackedBias::I32(codes.clone()), PackedBias::I16)
        }
        _ => PackedBias::None,
    };
    match offsets_with_biases(graph, index, weight.shape[0]) {
        Some(offsets) => Packed { weights, offsets, ..Packed::default() },
        None => Packed { weights, bias, ..Packed::default() },
    }
}

/// The offsets of the form that follows layer `index` and the biases of its `channels` channels in one; `None` if it adds none
/// or 32 bits do not hold them.
fn offsets_with_biases(graph: &Graph, index: usize, channels: usize) -> Option<Vec<i32>> {
    let offsets = graph.added_offsets(index)?;
    let bias = match graph.nodes[index].inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(codes))) => codes.as_slice(),
        _ => return None,
    };
    let channels = (0..channels).map(|channel| at(offsets, channel).checked_add(*bias.get(channel)?));
    channels.collect()
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
