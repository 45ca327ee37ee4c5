//! A threshold that stays a statistic of the activations.

use super::{AffineRescaling, Restriction, Scaling};
use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;
use crate::quant::RuntimeStats;

/// The statistic of the batch in training; in evaluation, which is static therefore, the average of all training passes.
pub struct RuntimeStatsScaling {
    /// The statistic, collected without end.
    pub runtime_stats: RuntimeStats,
    /// Learned changes of the statistic, if there are any.
    pub affine_rescaling: Option<AffineRescaling>,
    /// Permitted thresholds.
    pub restriction: Restriction,
}

impl Component for RuntimeStatsScaling {
    fn label(&self) -> String {
        "RuntimeStatsScaling()".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> = vec![("runtime_stats", &self.runtime_stats)];
        parts.extend(self.affine_rescaling.iter().map(|part| ("affine_rescaling", part as &dyn Component)));
        parts.extend(self.restriction.parts());
        parts
    }
}

impl Scaling for RuntimeStatsScaling {
    fn forward(&self, x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        let statistic = self.runtime_stats.forward(x, mode, |_| ());
        let average = || self.runtime_stats.average();
        let stored = self.restriction.store(statistic.unwrap_or_else(average));
        let stored = match &self.affine_rescaling {
            Some(affine) => affine.forward(stored, mode),
            None => stored,
        };
        self.restriction.forward(stored)
    }
}
