//! How a tensor is seen by quantizer components: as one group, or as one group per channel.

use crate::backend::Tensor;
use crate::component::Component;

/// Grouping of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All elements share one scale.
    PerTensor,
    /// Each index of dimension `axis` has its own scale.
    PerChannel {
        /// 0 for weights (output channels), 1 for activations.
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

impl Component for View {
    fn label(&self) -> String {
        match self {
            Self::PerTensor => "OverTensorView()".into(),
            Self::PerChannel { axis: 0 } => "OverOutputChannelView()".into(),
            Self::PerChannel { axis } => format!("OverOutputChannelView(channel_dim={axis})"),
        }
    }
}

/// Per-group values `[groups, 1]`, shaped to broadcast against a tensor of rank `D` along `axis`.
pub(crate) fn broadcast<const D: usize>(values: Tensor<2>, axis: Option<usize>) -> Tensor<D> {
    let [groups, _] = values.dims();
    let mut shape = [1; D];
    if let Some(axis) = axis {
        shape[axis] = groups;
    }
    values.reshape(shape)
}
