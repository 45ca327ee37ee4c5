//! A threshold that is first a statistic of the activations and later a learned parameter.
//!
//! While it collects, training uses the statistic of the batch and evaluation its moving average; after
//! `collect_stats_steps` training passes the average becomes the parameter, used in both modes.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Restriction, Scaling};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::quant::Stats;
use crate::{Mode, Parameter};

/// Collects a statistic of activations, then learns the threshold from there.
pub struct ParameterFromRuntimeStatsScaling {
    collect_stats_steps: usize,
    /// Weight of the newest statistic in the moving average.
    momentum: f32,
    stats: Arc<dyn Stats>,
    restriction: Restriction,
    value: Parameter,
    collected: Mutex<Collected>,
}

struct Collected {
    steps: usize,
    average: Vec<f32>,
}

impl ParameterFromRuntimeStatsScaling {
    /// Collects `stats` of `groups` groups for `collect_stats_steps` training passes. Before the first pass the
    /// threshold is 1.
    pub fn new(
        groups: usize,
        collect_stats_steps: usize,
        momentum: f32,
        stats: Arc<dyn Stats>,
        restriction: Restriction,
    ) -> Self {
        let ones = vec![1.0; groups];
        let value = Parameter::new(ones.clone(), &[groups]);
        let collected = Mutex::new(Collected { steps: 0, average: ones });
        Self { collect_stats_steps, momentum, stats, restriction, value, collected }
    }

    fn average(&self, collected: &Collected) -> Tensor<2> {
        let groups = collected.average.len();
        backend::tensor(collected.average.clone(), [groups, 1], &backend::evaluation_device())
    }

    /// Adds a statistic to the average; the last one turns the average into the parameter.
    fn collect(&self, collected: &mut Collected, statistic: &Tensor<2>) {
        let newest = backend::to_f32(statistic);
        if collected.steps == 0 {
            collected.average = newest;
        } else {
            for (average, newest) in collected.average.iter_mut().zip(newest) {
                *average = *average * (1.0 - self.momentum) + self.momentum * newest;
            }
        }
        collected.steps += 1;
        if collected.steps == self.collect_stats_steps {
            let positive = self.restriction.clamp_scaling.forward(self.average(collected));
            let stored = self.restriction.restrict_scaling_impl.preprocess(positive);
            self.value.set(backend::to_f32(&stored));
        }
    }
}

impl Component for ParameterFromRuntimeStatsScaling {
    fn label(&self) -> String {
        format!("ParameterFromRuntimeStatsScaling(collect_stats_steps={})", self.collect_stats_steps)
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> = vec![("stats", &*self.stats)];
        parts.extend(self.restriction.parts());
        parts
    }
}

impl Scaling for ParameterFromRuntimeStatsScaling {
    fn forward(&self, x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        let mut collected = self.collected.lock().unwrap_or_else(PoisonError::into_inner);
        if collected.steps >= self.collect_stats_steps {
            return self.restriction.forward(self.value.tensor(mode, [self.value.len_elems(), 1]));
        }
        match (mode, x) {
            (Mode::Train, Some(x)) => {
                let statistic = self.stats.forward(x.clone());
                self.collect(&mut collected, &statistic);
                self.restriction.of_threshold(statistic)
            }
            _ => self.restriction.of_threshold(self.average(&collected)),
        }
    }
}
