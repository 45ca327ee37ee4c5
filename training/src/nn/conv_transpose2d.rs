//! Two-dimensional transposed convolutions.

use super::conv_transpose::ConvTranspose;
use super::wbiol::{Wbiol, WeightedOperator};
use crate::backend::{self, Tensor};

/// A transposed convolution of `[batch, in, height, width]` with `[in, out / groups, kernel height, kernel width]`.
/// Pairs are height and width.
pub type ConvTranspose2d = ConvTranspose<2>;

/// A two-dimensional transposed convolution layer.
pub type QuantConvTranspose2d = Wbiol<ConvTranspose2d>;

impl WeightedOperator<4> for ConvTranspose2d {
    fn apply(&self, x: Tensor<4>, weight: Tensor<4>) -> Tensor<4> {
        backend::conv_transpose2d(x, weight, self.options())
    }

    fn check(&self, shape: [usize; 4]) -> Result<(), String> {
        self.check_shape(&shape)
    }
}
