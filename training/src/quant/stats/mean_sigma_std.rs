//! Mean magnitudes plus a number of standard deviations, given or learned.

use super::Stats;
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::{Mode, Parameter};

/// Added to variances, so that the root of a constant group has a gradient.
const EPSILON: f64 = 1e-8;

/// `mean(|x|) + sigma * sqrt(var(|x|) + 1e-8)`, with the unbiased variance.
#[derive(Clone, Copy, Debug)]
pub struct MeanSigmaStd {
    /// Standard deviations above the mean.
    pub sigma: f32,
}

impl Component for MeanSigmaStd {
    fn label(&self) -> String {
        format!("MeanSigmaStd(sigma={})", self.sigma)
    }
}

impl Stats for MeanSigmaStd {
    fn forward(&self, x: Tensor<2>, _mode: Mode) -> Tensor<2> {
        let [mean, deviation] = mean_and_deviation(x);
        mean + deviation * self.sigma
    }
}

/// As [`MeanSigmaStd`], with one learned `sigma` per group.
#[derive(Clone)]
pub struct MeanLearnedSigmaStd {
    value: Parameter,
}

impl MeanLearnedSigmaStd {
    /// `groups` standard deviations that start at `sigma`.
    pub fn new(sigma: f32, groups: usize) -> Self {
        Self { value: Parameter::new(vec![sigma; groups], &[groups]) }
    }
}

impl Component for MeanLearnedSigmaStd {
    fn label(&self) -> String {
        "MeanLearnedSigmaStd()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }
}

impl Stats for MeanLearnedSigmaStd {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        let [mean, deviation] = mean_and_deviation(x);
        let sigma = self.value.tensor(mode, [self.value.len_elems(), 1]);
        let sigma = backend::beside(sigma, &mean);
        mean + deviation * sigma
    }
}

fn mean_and_deviation(x: Tensor<2>) -> [Tensor<2>; 2] {
    let magnitudes = x.abs();
    let elems = magnitudes.dims()[1];
    let mean = magnitudes.clone().mean_dim(1);
    let centred = magnitudes - mean.clone();
    let variance = (centred.clone() * centred).sum_dim(1) / elems.saturating_sub(1).max(1) as f64;
    [mean, (variance + EPSILON).sqrt()]
}
