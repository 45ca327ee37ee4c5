//! Smallest values, and ranges from the smallest to the largest: for quantizers with a zero point.

use super::Stats;
use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;

/// The smallest value, or zero if all are positive.
#[derive(Clone, Copy, Debug, Default)]
pub struct NegativeMinOrZero;

impl Component for NegativeMinOrZero {
    fn label(&self) -> String {
        "NegativeMinOrZero()".into()
    }
}

impl Stats for NegativeMinOrZero {
    fn forward(&self, x: Tensor<2>, _mode: Mode) -> Tensor<2> {
        x.min_dim(1).clamp_max(0.0)
    }
}

/// The distance from the smallest value, or zero, to the largest.
#[derive(Clone, Copy, Debug, Default)]
pub struct AbsMinMax;

impl Component for AbsMinMax {
    fn label(&self) -> String {
        "AbsMinMax()".into()
    }
}

impl Stats for AbsMinMax {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        (x.clone().max_dim(1) - NegativeMinOrZero.forward(x, mode)).abs()
    }
}
