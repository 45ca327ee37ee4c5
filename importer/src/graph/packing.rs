//! Which packings the weights of a layer may have. `select-packing` chooses one of them, the verifier checks it, `lower`
//! writes it.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::Packing;
use exactum_runtime::program::packing::is_depthwise;

use super::{Constant, Graph, Node, Op};

impl Graph {
    /// Whether the weights of node `index` may lie in `packing`: it is a layer whose weights fit. Axes are in the order of
    /// the scheduled level.
    pub fn may_pack(&self, index: usize, packing: Packing) -> bool {
        let node = &self.nodes[index];
        let Some(weights) = self.weights(node) else { return false };
        let holds = |element| packing.range(element).contains_range(weights);
        packing.allows(self.is_depthwise(node)) && packing.elements().iter().copied().any(holds)
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
