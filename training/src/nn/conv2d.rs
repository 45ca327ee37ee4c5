//! Two-dimensional convolutions.

use super::conv::Conv;
use super::wbiol::{Wbiol, WeightedOperator};
use crate::backend::{self, Tensor};

/// A convolution of `[batch, in, height, width]` with `[out, in / groups, kernel height, kernel width]`. Pairs are
/// height and width.
pub type Conv2d = Conv<2>;

/// A two-dimensional convolution layer.
pub type QuantConv2d = Wbiol<Conv2d>;

impl WeightedOperator<4> for Conv2d {
    fn apply(&self, x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
        let options = self.options(&x.dims());
        backend::conv2d(x, weight, options)
    }

    fn check(&self, shape: [usize; 4]) -> Result<(), String> {
        self.check_shape(&shape)
    }
}
