//! How a tensor is seen by quantizer components: as one group, or as one group per channel.

use crate::backend::Tensor;

/// Grouping of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All elements share one scale.
    PerTensor,
    /// Each index of dimension `axis` has its own scale.
    PerChannel {
        /// Output channels of weights: 0, or 1 of transposed convolutions; 1 for activations.
        axis: usize,
    },
}

impl View {
    /// `x` as `[groups, elems]`.
    pub fn apply<const D: usize>(self, x: Tensor<D>) -> Tensor<2> {
        let len: usize = x.dims().iter().product();
        match self {
            Self::PerTensor => x.reshape([1, len]),
            Self::PerChannel { axis } => {
                let groups = x.dims()[axis];
                let first = if axis == 0 { x } else { x.swap_dims(0, axis) };
                first.reshape([groups, len / groups.max(1)])
            }
        }
    }

    /// Number of groups of a tensor of `shape`.
    pub fn groups(self, shape: &[usize]) -> usize {
        self.axis().map_or(1, |axis| shape.get(axis).copied().unwrap_or(1))
    }

    /// Elements of a tensor of `shape` that lie together and share a group.
    pub fn run_elems(self, shape: &[usize]) -> usize {
        shape.iter().skip(self.axis().map_or(0, |axis| axis + 1)).product()
    }

    /// A tensor of `shape` from its view.
    pub fn restore<const D: usize>(self, viewed: Tensor<2>, shape: [usize; D]) -> Tensor<D> {
        match self {
            Self::PerTensor | Self::PerChannel { axis: 0 } => viewed.reshape(shape),
            Self::PerChannel { axis } => {
                let mut swapped = shape;
                swapped.swap(0, axis);
                viewed.reshape(swapped).swap_dims(0, axis)
            }
        }
    }

    /// The dimension with one scale per index, if there is one.
    pub fn axis(self) -> Option<usize> {
        match self {
            Self::PerTensor => None,
            Self::PerChannel { axis } => Some(axis),
        }
    }
}
