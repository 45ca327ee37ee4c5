//! Statistics from which thresholds and zero points start: of weights on every pass, of activations while collected.

mod magnitude;
mod mean_sigma_std;
mod mse;
mod parameter_list;
mod percentile;
mod range;
mod runtime;

pub use magnitude::{AbsAve, AbsMax, AbsMaxAve};
pub use mean_sigma_std::{MeanLearnedSigmaStd, MeanSigmaStd};
pub use mse::Mse;
pub use parameter_list::ParameterListStats;
pub use percentile::{AbsPercentile, NegativePercentileOrZero, PercentileInterval};
pub use range::{AbsMinMax, NegativeMinOrZero};
pub use runtime::RuntimeStats;

use crate::Mode;
use crate::backend::Tensor;
use crate::component::Component;

/// A statistic of each group.
pub trait Stats: Component {
    /// `[groups, elems]` to `[groups, 1]`, or `[1, 1]` for a statistic over all groups.
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2>;
}
