//! A threshold that is first a statistic of the activations and later a learned parameter.
//!
//! While it collects, training uses the statistic of the batch and evaluation the parameter, which follows the average;
//! from then on both modes use the parameter.

use super::{Restriction, Scaling};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::quant::RuntimeStats;
use crate::{Mode, Parameter};

/// Collects a statistic of activations, then learns the threshold from there.
pub struct ParameterFromRuntimeStatsScaling {
    stats: RuntimeStats,
    restriction: Restriction,
    value: Parameter,
}

impl ParameterFromRuntimeStatsScaling {
    /// Collects `stats`; before the first training pass the threshold is where `stats` starts.
    pub fn new(stats: RuntimeStats, restriction: Restriction) -> Self {
        let start = backend::to_f32(&stats.average());
        let groups = start.len();
        let scaling = Self { stats, restriction, value: Parameter::new(start.clone(), &[groups]) };
        scaling.follow(start);
        scaling
    }

    /// The average becomes the parameter, so that it can be saved and evaluated at any time.
    fn follow(&self, average: Vec<f32>) {
        let threshold = backend::tensor(average, [self.value.len_elems(), 1], &backend::evaluation_device());
        self.value.set(backend::to_f32(&self.restriction.store(threshold)));
    }
}

impl Component for ParameterFromRuntimeStatsScaling {
    fn label(&self) -> String {
        "ParameterFromRuntimeStatsScaling()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> = vec![("runtime_stats", &self.stats)];
        parts.extend(self.restriction.parts());
        parts
    }
}

impl Scaling for ParameterFromRuntimeStatsScaling {
    fn forward(&self, x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        match self.stats.forward(x, mode, |average| self.follow(average)) {
            Some(statistic) => self.restriction.of_threshold(statistic),
            None => self.restriction.forward(self.value.tensor(mode, [self.value.len_elems(), 1])),
        }
    }
}
