//! One-dimensional convolutions.

use super::conv::Conv;
use super::wbiol::{Wbiol, WeightedOperator};
use crate::backend::{self, Tensor};

/// A convolution of `[batch, in, length]` with `[out, in / groups, kernel]`.
pub type Conv1d = Conv<1>;

/// A one-dimensional convolution layer.
pub type QuantConv1d = Wbiol<Conv1d>;

impl WeightedOperator<3> for Conv1d {
    fn apply(&self, x: Tensor<3>, weight: Tensor<3>) -> Tensor<3> {
        let options = self.options(&x.dims());
        backend::conv1d(x, weight, options)
    }

    fn check(&self, shape: [usize; 3]) -> Result<(), String> {
        self.check_shape(&shape)
    }
}
