//! Rounding of scaled values to codes, with gradients that pass through.
//!
//! Called by `IntQuant`. Evaluation rounds the exact value in the way `FloatToInt::rounding` names.

use exactum_runtime::num::Rounding;

use super::straight_through;
use crate::backend::Tensor;
use crate::component::Component;

/// Turns scaled values into integers.
pub trait FloatToInt: Component {
    /// Integers of the same shape.
    fn forward(&self, x: Tensor<2>) -> Tensor<2>;

    /// The mode that evaluation and export use.
    fn rounding(&self) -> Rounding;
}

/// To the nearest integer, ties to even; the gradient passes unchanged.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundSte;

impl Component for RoundSte {
    fn label(&self) -> String {
        "RoundSte()".into()
    }
}

impl FloatToInt for RoundSte {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        straight_through(x.clone(), x.round())
    }

    fn rounding(&self) -> Rounding {
        Rounding::HalfEven
    }
}
