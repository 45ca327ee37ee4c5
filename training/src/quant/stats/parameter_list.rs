//! Statistics of the weights of all layers that have a quantizer.

use std::sync::Arc;

use super::Stats;
use crate::backend::Tensor;
use crate::component::Component;
use crate::quant::View;
use crate::{Mode, Parameter};

/// A statistic over weights, seen together. Recomputed on every pass and differentiable.
#[derive(Clone)]
pub struct ParameterListStats {
    stats: Arc<dyn Stats>,
    view: View,
    tracked: Vec<Parameter>,
}

impl ParameterListStats {
    /// `stats` of `tracked` weights seen through `view`.
    pub fn new(tracked: Vec<Parameter>, view: View, stats: Arc<dyn Stats>) -> Self {
        Self { stats, view, tracked }
    }

    /// `[groups, 1]`.
    pub fn forward(&self, mode: Mode) -> Tensor<2> {
        let seen = match &self.tracked[..] {
            [weight] => self.view.apply_to(weight, mode),
            weights => {
                let views = weights.iter().map(|weight| self.view.apply_to(weight, mode));
                Tensor::cat(views.collect(), 1)
            }
        };
        self.stats.forward(seen, mode)
    }
}

impl Component for ParameterListStats {
    fn label(&self) -> String {
        format!("ParameterListStats(tracked_parameters={})", self.tracked.len())
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("stats_input_view_shape_impl", &self.view), ("stats", &*self.stats)]
    }
}
