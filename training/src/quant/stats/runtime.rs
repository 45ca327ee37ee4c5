//! Statistics of activations, collected over training passes.
//!
//! While it collects, training uses the statistic of the batch and evaluation the average so far.

use std::sync::{Arc, Mutex, PoisonError};

use super::Stats;
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// A statistic of batches and its average over passes.
pub struct RuntimeStats {
    stats: Arc<dyn Stats>,
    /// Passes to collect; `None` to never end.
    collect_stats_steps: Option<usize>,
    /// Weight of the newest statistic in the moving average; `None` for the mean of all.
    momentum: Option<f32>,
    collected: Mutex<Collected>,
}

struct Collected {
    steps: usize,
    average: Vec<f32>,
}

impl RuntimeStats {
    /// Collects `stats` for `collect_stats_steps` training passes, or for ever. `start` is the average before the first
    /// pass, one value per group.
    pub fn new(
        stats: Arc<dyn Stats>,
        collect_stats_steps: Option<usize>,
        momentum: Option<f32>,
        start: Vec<f32>,
    ) -> Self {
        let collected = Mutex::new(Collected { steps: 0, average: start });
        Self { stats, collect_stats_steps, momentum, collected }
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.lock().average.len()
    }

    /// The statistic to use, `[groups, 1]`, or `None` once the collection has ended. The pass that ends it hands the
    /// average to `finish`.
    pub fn forward(
        &self,
        x: Option<&Tensor<2>>,
        mode: Mode,
        finish: impl FnOnce(Vec<f32>),
    ) -> Option<Tensor<2>> {
        let mut collected = self.lock();
        if self.collect_stats_steps.is_some_and(|steps| collected.steps >= steps) {
            return None;
        }
        let (Mode::Train, Some(x)) = (mode, x) else {
            return Some(collected.tensor());
        };
        let statistic = self.stats.forward(x.clone(), mode);
        collected.add(backend::to_f32(&statistic), self.momentum);
        if self.collect_stats_steps == Some(collected.steps) {
            finish(collected.average.clone());
        }
        Some(statistic)
    }

    /// The average of the passes so far, `[groups, 1]`.
    pub fn average(&self) -> Tensor<2> {
        self.lock().tensor()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    fn tensor(&self) -> Tensor<2> {
        backend::tensor(self.average.clone(), [self.average.len(), 1], &backend::evaluation_device())
    }

    fn add(&mut self, newest: Vec<f32>, momentum: Option<f32>) {
        self.steps += 1;
        if self.steps == 1 {
            self.average = newest;
            return;
        }
        let weight = momentum.unwrap_or(1.0 / self.steps as f32);
        for (average, newest) in self.average.iter_mut().zip(newest) {
            *average = *average * (1.0 - weight) + weight * newest;
        }
    }
}

impl Component for RuntimeStats {
    fn label(&self) -> String {
        match self.collect_stats_steps {
            Some(steps) => format!("RuntimeStats(collect_stats_steps={steps})"),
            None => "RuntimeStats()".into(),
        }
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("stats", &*self.stats)]
    }
}
