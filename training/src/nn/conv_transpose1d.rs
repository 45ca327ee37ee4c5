//! One-dimensional transposed convolutions.

use super::conv_transpose::ConvTranspose;
use super::wbiol::{Wbiol, WeightedOperator};
use crate::backend::{self, Tensor};

/// A transposed convolution of `[batch, in, length]` with `[in, out / groups, kernel]`.
pub type ConvTranspose1d = ConvTranspose<1>;

/// A one-dimensional transposed convolution layer.
pub type QuantConvTranspose1d = Wbiol<ConvTranspose1d>;

impl WeightedOperator<3> for ConvTranspose1d {
    fn apply(&self, x: Tensor<3>, weight: Tensor<3>) -> Tensor<3> {
        backend::conv_transpose1d(x, weight, self.options())
    }

    fn check(&self, shape: [usize; 3]) -> Result<(), String> {
        self.check_shape(&shape)
    }
}
