//! Statistics of activations, collected over training passes or by calibration.
//!
//! While they are collected, training uses the statistic of the batch and evaluation the average so far. Calibration
//! collects apart: the mean of all its batches, however many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Stats;
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::pass::Collection;
use crate::{Mode, Parameter};

/// A statistic of batches and its average over passes.
pub struct RuntimeStats {
    stats: Arc<dyn Stats>,
    /// Passes to collect; `None` to never end.
    collect_stats_steps: Option<usize>,
    /// Weight of the newest statistic in the moving average.
    momentum: f32,
    /// The moving average, a value per group. Part of the state where it never becomes a learned value.
    average: Parameter,
    collected: Mutex<Collected>,
}

struct Collected {
    /// Training passes so far.
    steps: usize,
    /// Present during calibration.
    calibration: Option<Mean>,
}

#[derive(Default)]
struct Mean {
    batches: usize,
    sums: Vec<f64>,
}

impl RuntimeStats {
    /// Collects `stats` for `collect_stats_steps` training passes, or for ever. `start` is the average before the first
    /// pass, one value per group.
    pub fn new(
        stats: Arc<dyn Stats>,
        collect_stats_steps: Option<usize>,
        momentum: f32,
        start: Vec<f32>,
    ) -> Self {
        let groups = start.len();
        let average = Parameter::buffer(start, &[groups]);
        let collected = Mutex::new(Collected { steps: 0, calibration: None });
        Self { stats, collect_stats_steps, momentum, average, collected }
    }

    /// The statistic of a training pass on `x`, `[groups, 1]`, or `None` in evaluation and once the collection has
    /// ended. Each new average is handed to `follow`.
    pub fn forward(
        &self,
        x: Option<&Tensor<2>>,
        mode: Mode,
        follow: impl FnOnce(Vec<f32>),
    ) -> Option<Tensor<2>> {
        let mut collected = self.lock();
        let ended = self.collect_stats_steps.is_some_and(|steps| collected.steps >= steps);
        let x = x.filter(|_| mode == Mode::Train && (!ended || collected.calibration.is_some()))?;
        let statistic = self.stats.forward(x.clone(), mode);
        let mut newest = backend::to_f32(&statistic);
        if let [one] = newest[..] {
            newest = vec![one; self.average.len_elems()];
        }
        let average = collected.average(self.average.values(), newest, self.momentum);
        self.average.set(average.clone());
        follow(average);
        Some(statistic)
    }

    /// The average of the passes so far, `[groups, 1]`.
    pub fn average(&self) -> Tensor<2> {
        self.average.tensor(Mode::Eval, [self.average.len_elems(), 1])
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collected {
    /// What comes after `average` when one more batch had the statistic `newest`.
    fn average(&mut self, average: Vec<f32>, newest: Vec<f32>, momentum: f32) -> Vec<f32> {
        if let Some(mean) = &mut self.calibration {
            mean.batches += 1;
            mean.sums.resize(newest.len(), 0.0);
            mean.sums.iter_mut().zip(newest).for_each(|(sum, newest)| *sum += f64::from(newest));
            return mean.sums.iter().map(|sum| (sum / mean.batches as f64) as f32).collect();
        }
        self.steps += 1;
        if self.steps == 1 {
            return newest;
        }
        let moved = |(average, newest): (f32, f32)| average * (1.0 - momentum) + momentum * newest;
        average.into_iter().zip(newest).map(moved).collect()
    }
}

impl Component for RuntimeStats {
    fn label(&self) -> String {
        match self.collect_stats_steps {
            Some(steps) => format!("RuntimeStats(collect_stats_steps={steps})"),
            None => "RuntimeStats()".into(),
        }
    }

    fn warning(&self) -> Option<String> {
        (self.lock().steps == 0).then(|| {
            "no statistics were collected, so the threshold is where it started; train or calibrate first"
                .into()
        })
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("stats", &*self.stats)]
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        self.collect_stats_steps.is_none().then_some(("running_stats", &self.average)).into_iter().collect()
    }

    fn has_collected(&self) -> bool {
        let collected = self.lock();
        collected.steps > 0 || collected.calibration.as_ref().is_some_and(|mean| mean.batches > 0)
    }

    fn set_collection(&self, collection: Collection) {
        let mut collected = self.lock();
        match collection {
            Collection::Start => collected.calibration = Some(Mean::default()),
            Collection::End => {
                // A calibration without batches changes nothing.
                if collected.calibration.take().is_none_or(|mean| mean.batches > 0) {
                    collected.steps = self.collect_stats_steps.unwrap_or(collected.steps.max(1));
                }
            }
        }
    }
}
