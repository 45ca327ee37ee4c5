//! Which packings the weights of a layer may have. `select-packing` chooses one of them, the verifier checks it, `lower`
//! writes it.

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::at;
use exactum_runtime::program::Packing;
use exactum_runtime::program::packing::{Reads, is_depthwise};

use super::{Constant, Conv, Graph, Node, Op, Requantize, Window};
use crate::requant::FormParams;

impl Graph {
    /// Whether the weights of node `index` may lie in `packing`: it is a layer whose weights fit. Axes are in the order of
    /// the scheduled level.
    pub fn may_pack(&self, index: usize, packing: Packing) -> bool {
        let node = &self.nodes[index];
        let Some(weights) = self.weights(node) else { return false };
        let holds = |element| packing.range(element).contains_range(weights);
        let sums = self.value(node.output).bounds();
        let wide = sums.iter().any(|sums| sums.signed_bits() > i32::BITS);
        packing.allows(self.reads(node), wide)
            && self.centered(node).is_some_and(|codes| packing.takes(codes))
            && packing.elements().iter().copied().any(holds)
            && sums.iter().enumerate().all(|(channel, sums)| self.holds(index, packing, channel, *sums))
    }

    /// Whether kernels of `packing` take the sums of a channel of layer `index` from its elements: with the bias and without,
    /// and with what a form adds to them.
    fn holds(&self, index: usize, packing: Packing, channel: usize, sums: IntRange) -> bool {
        let node = &self.nodes[index];
        let bias = match node.inputs.get(2).map(|id| &self.value(*id).constant) {
            Some(Some(Constant::Codes(codes))) => codes.get(channel).copied().unwrap_or_default(),
            _ => 0,
        };
        let offset = self.added_offsets(index).map_or(0, |offsets| at(offsets, channel));
        let starts = [0, -i64::from(bias), i64::from(offset)];
        starts.into_iter().all(|start| {
            sums.checked_add(IntRange::point(start)).is_some_and(|sums| packing.holds(channel, sums))
        })
    }

    /// The codes of a layer's input minus their zero point.
    fn centered(&self, node: &Node) -> Option<IntRange> {
        let codes = self.value(node.inputs[0]).codes()?;
        codes.range.checked_add(IntRange::point(codes.zero_point.checked_neg()?))
    }

    /// What the form of the requantization that is part of layer `index` adds to its sums.
    pub(crate) fn added_offsets(&self, index: usize) -> Option<&[i32]> {
        let Op::Requantize(Requantize::Certified(certified)) = &self.nodes[self.fused_requantize(index)?].op
        else {
            return None;
        };
        match &certified.params.form {
            FormParams::MultiplyHigh { offsets, .. } => Some(offsets),
            _ => None,
        }
    }

    /// Which codes the filters of a layer read.
    fn reads(&self, node: &Node) -> Reads {
        match &node.op {
            Op::ConvTranspose2d(_) => Reads::Transposed,
            Op::Conv2d(_) if self.is_depthwise(node) => Reads::Depthwise,
            Op::Conv2d(conv) if conv.groups > 1 => Reads::Grouped,
            Op::Conv2d(Conv {
                window: Window { size: [3, 3], stride: [1, 1], dilation: [1, 1], .. },
                ..
            }) => Reads::Tiles,
            _ => Reads::Shared,
        }
    }

    /// The packing of the weights of node `index` where nothing else is asked for: tap after tap for depthwise
    /// convolutions, and filter after filter for all other layers.
    pub fn default_packing(&self, index: usize) -> Packing {
        if self.is_depthwise(&self.nodes[index]) { Packing::TapMajor } else { Packing::RowMajor }
    }

    /// The graph with the weights of each layer in `packing` wherever it may have that.
    #[must_use]
    pub fn packed(mut self, packing: Packing) -> Self {
        for index in 0..self.nodes.len() {
            if self.may_pack(index, packing) {
                self.nodes[index].packing = Some(packing);
            }
        }
        self
    }

    fn is_depthwise(&self, node: &Node) -> bool {
        let channels = |id| self.value(id).shape.last().copied().unwrap_or(0);
        match &node.op {
            Op::Conv2d(conv) => is_depthwise(conv.groups, channels(node.inputs[0]), channels(node.output)),
            _ => false,
        }
    }

    /// The range of a layer's weights.
    fn weights(&self, node: &Node) -> Option<IntRange> {
        let weights = node.inputs.get(1).filter(|_| node.op.is_layer())?;
        let Some(Constant::Codes(codes)) = &self.value(*weights).constant else { return None };
        codes.iter().map(|code| IntRange::point(i64::from(*code))).reduce(IntRange::union)
    }
}
