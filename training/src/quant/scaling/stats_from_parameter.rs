//! A threshold that is a statistic of weights, recomputed on every pass and differentiable with respect to them.
//!
//! Layers that share the quantizer share the statistic: it then looks at all their weights together.

use std::sync::{Arc, PoisonError, RwLock};

use super::{Restriction, Scaling};
use crate::backend::Tensor;
use crate::component::Component;
use crate::quant::{Stats, View};
use crate::{Mode, Parameter};

/// A statistic over the tracked parameters.
pub struct StatsFromParameterScaling {
    stats: Arc<dyn Stats>,
    restriction: Restriction,
    view: View,
    tracked: RwLock<Vec<Parameter>>,
}

impl StatsFromParameterScaling {
    /// A statistic of `weight` seen through `view`, which must be per tensor or along dimension 0.
    pub fn new(weight: Parameter, view: View, stats: Arc<dyn Stats>, restriction: Restriction) -> Self {
        Self { stats, restriction, view, tracked: RwLock::new(vec![weight]) }
    }
}

impl Component for StatsFromParameterScaling {
    fn label(&self) -> String {
        "StatsFromParameterScaling()".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> = vec![("stats", &*self.stats)];
        parts.extend(self.restriction.parts());
        parts
    }
}

impl Scaling for StatsFromParameterScaling {
    fn forward(&self, _x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2> {
        let tracked = self.tracked.read().unwrap_or_else(PoisonError::into_inner);
        let views = tracked
            .iter()
            .map(|weight| {
                let groups = match self.view {
                    View::PerTensor => 1,
                    View::PerChannel { .. } => weight.shape().first().copied().unwrap_or(1),
                };
                weight.tensor(mode, [groups, weight.len_elems() / groups.max(1)])
            })
            .collect();
        self.restriction.of_threshold(self.stats.forward(Tensor::cat(views, 1)))
    }

    fn track(&self, weight: &Parameter) {
        self.tracked.write().unwrap_or_else(PoisonError::into_inner).push(weight.clone());
    }
}
