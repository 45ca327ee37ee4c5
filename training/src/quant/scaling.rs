//! Where thresholds come from. A scale is a threshold divided by the code that stands for it.
//!
//! Weights follow a statistic of themselves; activations collect a statistic first and learn the threshold then.

mod affine;
mod const_scaling;
mod parameter;
mod parameter_from_runtime_stats;
mod runtime_stats;
mod stats_from_parameter;

pub use affine::AffineRescaling;
pub use const_scaling::ConstScaling;
pub use parameter::ParameterScaling;
pub use parameter_from_runtime_stats::ParameterFromRuntimeStatsScaling;
pub use runtime_stats::RuntimeStatsScaling;
pub use stats_from_parameter::{ParameterFromStatsFromParameterScaling, StatsFromParameterScaling};

use std::sync::Arc;

use super::{RestrictValue, ScalarClampMin};
use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;

/// Gives the threshold of each group.
pub trait Scaling: Component {
    /// `[groups, 1]`, positive. `x`, `[groups, elems]`, is what the quantizer is applied to; without it the
    /// threshold is the one evaluation uses.
    fn forward(&self, x: Option<&Tensor<2>>, mode: Mode) -> Tensor<2>;

    /// Whether the threshold depends on `x` in evaluation, too. Such quantizers are for training alone: neither exact
    /// evaluation nor export knows their scale.
    fn is_dynamic(&self) -> bool {
        false
    }
}

/// The permitted thresholds: a restriction and a smallest value.
#[derive(Clone)]
pub struct Restriction {
    /// Any value, or powers of two.
    pub restrict_scaling_impl: Arc<dyn RestrictValue>,
    /// Keeps the threshold away from zero.
    pub clamp_scaling: ScalarClampMin,
}

impl Restriction {
    /// From the stored domain to a threshold.
    pub fn forward(&self, stored: Tensor<2>) -> Tensor<2> {
        let clamped = self.clamp_scaling.forward(self.restrict_scaling_impl.forward(stored));
        if self.clamp_scaling.min_val > 0.0 { clamped } else { clamped.abs() }
    }

    /// From a statistic to the stored domain.
    pub fn store(&self, threshold: Tensor<2>) -> Tensor<2> {
        // Before a logarithm, so that a channel of zeros stays finite.
        self.restrict_scaling_impl.preprocess(self.clamp_scaling.forward(threshold))
    }

    /// From a statistic to a threshold.
    pub fn of_threshold(&self, threshold: Tensor<2>) -> Tensor<2> {
        self.forward(self.store(threshold))
    }

    fn parts(&self) -> [(&'static str, &dyn Component); 2] {
        [("restrict_scaling_impl", &*self.restrict_scaling_impl), ("clamp_scaling", &self.clamp_scaling)]
    }
}
