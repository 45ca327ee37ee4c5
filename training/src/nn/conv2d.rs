//! Two-dimensional convolutions.

use super::wbiol::{OperatorShape, Wbiol, WbiolBuilder, WeightedOperator};
use crate::backend::{self, ConvOptions, Tensor};
use crate::trace::Operator;

/// A convolution of `[batch, in, height, width]` with `[out, in / groups, kernel height, kernel width]`. Pairs are
/// height and width.
#[derive(Clone, Debug)]
pub struct Conv2d {
    in_channels: usize,
    out_channels: usize,
    kernel_size: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
}

/// A two-dimensional convolution layer.
pub type QuantConv2d = Wbiol<Conv2d>;

impl QuantConv2d {
    /// A builder of a layer from `in_channels` to `out_channels` with windows of `kernel_size`: stride 1, no padding.
    pub fn builder(
        name: impl Into<String>,
        in_channels: usize,
        out_channels: usize,
        kernel_size: [usize; 2],
    ) -> WbiolBuilder<Conv2d> {
        let conv = Conv2d {
            in_channels,
            out_channels,
            kernel_size,
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
            groups: 1,
        };
        WbiolBuilder::new(name.into(), conv)
    }
}

impl WbiolBuilder<Conv2d> {
    /// Steps between windows.
    pub fn stride(self, stride: [usize; 2]) -> Self {
        self.operator(|conv| conv.stride = stride)
    }

    /// Zeros added on both sides.
    pub fn padding(self, padding: [usize; 2]) -> Self {
        self.operator(|conv| conv.padding = padding)
    }

    /// Distance between window elements.
    pub fn dilation(self, dilation: [usize; 2]) -> Self {
        self.operator(|conv| conv.dilation = dilation)
    }

    /// Groups of channels that do not mix; must divide both channel counts.
    pub fn groups(self, groups: usize) -> Self {
        self.operator(|conv| conv.groups = groups)
    }
}

impl OperatorShape for Conv2d {
    fn label(&self) -> String {
        format!(
            "QuantConv2d({}, {}, kernel_size={:?}, stride={:?}, padding={:?}, dilation={:?}, groups={})",
            self.in_channels,
            self.out_channels,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.groups
        )
    }

    fn weight_shape(&self) -> Vec<usize> {
        let [height, width] = self.kernel_size;
        vec![self.out_channels, self.in_channels / self.groups.max(1), height, width]
    }

    fn operator(&self) -> Operator {
        let Self { stride, padding, dilation, groups, .. } = *self;
        Operator::Conv2d { stride, padding, dilation, groups }
    }
}

impl WeightedOperator<4> for Conv2d {
    fn apply(&self, x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new(self.stride, self.padding, self.dilation, self.groups);
        backend::conv2d(x, weight, options)
    }

    fn check(&self, shape: [usize; 4]) -> Result<(), String> {
        let window = |axis: usize| self.dilation[axis] * (self.kernel_size[axis].max(1) - 1) + 1;
        let (height, width) = (shape[2] + 2 * self.padding[0], shape[3] + 2 * self.padding[1]);
        if shape[1] == self.in_channels && height >= window(0) && width >= window(1) {
            return Ok(());
        }
        let least = |axis: usize| window(axis).saturating_sub(2 * self.padding[axis]);
        Err(format!("[batch, {}, at least {}, at least {}]", self.in_channels, least(0), least(1)))
    }
}
