//! A zero point that follows a statistic of weights.

use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;
use crate::quant::{ParameterListStats, ScaleShiftZeroPoint, ZeroPoint};

/// The code of zero when the statistic, at most zero, has the smallest code. Recomputed on every pass.
#[derive(Clone)]
pub struct StatsFromParameterZeroPoint {
    /// The smallest weight, usually.
    pub parameter_list_stats: ParameterListStats,
    /// From distances to codes.
    pub scale_shift_zero_point: ScaleShiftZeroPoint,
}

impl Component for StatsFromParameterZeroPoint {
    fn label(&self) -> String {
        "StatsFromParameterZeroPoint()".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![
            ("parameter_list_stats", &self.parameter_list_stats),
            ("scale_shift_zero_point", &self.scale_shift_zero_point),
        ]
    }
}

impl ZeroPoint for StatsFromParameterZeroPoint {
    fn forward(
        &self,
        _x: Option<&Tensor<2>>,
        scale: &Tensor<2>,
        bit_width: &Tensor<2>,
        mode: Mode,
    ) -> Tensor<2> {
        let statistic = self.parameter_list_stats.forward(mode);
        self.scale_shift_zero_point.forward(statistic.neg(), scale, bit_width)
    }
}
