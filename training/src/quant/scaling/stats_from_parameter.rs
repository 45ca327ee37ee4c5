//! Thresholds that are statistics of weights: recomputed on every pass, or learned from a statistic on.
//!
//! Layers that share the quantizer share the statistic: it looks at all their weights together.

use super::{AffineRescaling, ParameterScaling, Restriction, Scaling};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::quant::ParameterListStats;
use crate::{Mode, Parameter};

/// A statistic over weights, recomputed on every pass and differentiable with respect to them.
#[derive(Clone)]
pub struct StatsFromParameterScaling {
    /// The statistic.
    pub parameter_list_stats: ParameterListStats,
    /// Learned changes of the statistic, if there are any.
    pub affine_rescaling: Option<AffineRescaling>,
    /// Permitted thresholds.
    pub restriction: Restriction,
}

impl Component for StatsFromParameterScaling {
    fn label(&self) -> String {
        "StatsFromParameterScaling()".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> =
            vec![("parameter_list_stats", &self.parameter_list_stats)];
        parts.extend(self.affine_rescaling.iter().map(|part| ("affine_rescaling", part as &dyn Component)));
        parts.extend(self.restriction.parts());
        parts
    }
}

impl Scaling for StatsFromParameterScaling {
    fn forward(&self, _x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        let stored = self.restriction.store(self.parameter_list_stats.forward(mode));
        let stored = match &self.affine_rescaling {
            Some(affine) => affine.forward(stored, mode),
            None => stored,
        };
        self.restriction.forward(stored)
    }
}

/// A learned threshold per group that starts at a statistic of the weights.
#[derive(Clone)]
pub struct ParameterFromStatsFromParameterScaling {
    parameter_list_stats: ParameterListStats,
    learned: ParameterScaling,
}

impl ParameterFromStatsFromParameterScaling {
    /// Starts at `parameter_list_stats` of the weights as they are.
    pub fn new(parameter_list_stats: ParameterListStats, restriction: Restriction) -> Self {
        let statistic = parameter_list_stats.forward(Mode::Eval);
        let positive = restriction.clamp_scaling.forward(statistic);
        let learned = ParameterScaling::new(&backend::to_f32(&positive), restriction);
        Self { parameter_list_stats, learned }
    }
}

impl Component for ParameterFromStatsFromParameterScaling {
    fn label(&self) -> String {
        "ParameterFromStatsFromParameterScaling()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        self.learned.parameters()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> =
            vec![("parameter_list_stats", &self.parameter_list_stats)];
        parts.extend(self.learned.children());
        parts
    }
}

impl Scaling for ParameterFromStatsFromParameterScaling {
    fn forward(&self, x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        self.learned.forward(x, mode)
    }
}
