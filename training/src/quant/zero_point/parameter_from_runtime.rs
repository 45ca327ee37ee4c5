//! A zero point that is first a statistic of the activations and later a learned parameter.

use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::quant::bit_width::abs_binary_sign_grad;
use crate::quant::{RuntimeStats, ScaleShiftZeroPoint, ZeroPoint};
use crate::{Mode, Parameter};

/// Collects the smallest activation, then learns its distance from zero.
pub struct ParameterFromRuntimeZeroPoint {
    stats: RuntimeStats,
    value: Parameter,
    scale_shift_zero_point: ScaleShiftZeroPoint,
}

impl ParameterFromRuntimeZeroPoint {
    /// Collects `stats`; before the first training pass the distance is zero.
    pub fn new(stats: RuntimeStats, scale_shift_zero_point: ScaleShiftZeroPoint) -> Self {
        let start = backend::to_f32(&stats.average());
        let groups = start.len();
        Self { stats, value: Parameter::new(start, &[groups]), scale_shift_zero_point }
    }
}

impl Component for ParameterFromRuntimeZeroPoint {
    fn label(&self) -> String {
        "ParameterFromRuntimeZeroPoint()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("stats", &self.stats), ("scale_shift_zero_point", &self.scale_shift_zero_point)]
    }
}

impl ZeroPoint for ParameterFromRuntimeZeroPoint {
    fn forward(
        &self,
        x: Option<&Tensor<2>>,
        scale: &Tensor<2>,
        bit_width: &Tensor<2>,
        mode: Mode,
    ) -> Tensor<2> {
        let statistic = self.stats.forward(x, mode, |average| self.value.set(average));
        let learned = || self.value.tensor(mode, [self.value.len_elems(), 1]);
        let distance = abs_binary_sign_grad(statistic.unwrap_or_else(learned));
        self.scale_shift_zero_point.forward(distance, scale, bit_width)
    }
}
