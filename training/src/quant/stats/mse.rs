//! The threshold with which quantization loses least: a search over a grid of candidates.

use std::sync::Arc;

use super::Stats;
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::quant::quotient;
use crate::quant::{BitWidth, IntQuant, IntScaling, Restriction, ZeroPoint};

/// The threshold of least summed squared error between values and quantized values, for each group.
///
/// Candidates lie at equal distances between `1 / mse_iters` of the starting statistic and all of it; of equal ones the
/// smallest is taken. The result carries no gradient.
#[derive(Clone)]
pub struct Mse {
    /// Number of candidates.
    pub mse_iters: usize,
    /// The largest candidate.
    pub mse_init_op: Arc<dyn Stats>,
    /// The quantizer that candidates are tried in.
    pub int_quant: IntQuant,
    /// The code that stands for a candidate.
    pub int_scaling_impl: Arc<dyn IntScaling>,
    /// Bits of a code.
    pub bit_width_impl: Arc<dyn BitWidth>,
    /// The code that stands for zero.
    pub zero_point_impl: Arc<dyn ZeroPoint>,
    /// What makes a scale of a candidate.
    pub restriction: Restriction,
}

impl Mse {
    /// `[groups, 1]`.
    fn loss(&self, x: &Tensor<2>, candidate: &Tensor<2>) -> Tensor<2> {
        let bit_width = backend::beside(self.bit_width_impl.forward(Mode::Eval), x);
        let divisor = self.int_scaling_impl.forward(bit_width.clone());
        let threshold = self.restriction.of_threshold(candidate.clone());
        let scale = quotient::scale(threshold, divisor, self.int_quant.float_to_int_impl.rounding());
        let zero_point = self.zero_point_impl.forward(None, &scale, &bit_width, Mode::Eval);
        let lost = self.int_quant.forward(&scale, &zero_point, &bit_width, x.clone()) - x.clone();
        (lost.clone() * lost).sum_dim(1)
    }
}

impl Component for Mse {
    fn label(&self) -> String {
        format!("MSE(mse_iters={})", self.mse_iters)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("mse_init_op", &*self.mse_init_op)]
    }
}

impl Stats for Mse {
    fn forward(&self, x: Tensor<2>, mode: Mode) -> Tensor<2> {
        let x = x.inner();
        let largest = self.mse_init_op.forward(x.clone(), mode);
        let smallest = largest.clone() / self.mse_iters.max(1) as f64;
        let steps = self.mse_iters.saturating_sub(1);
        let (mut best, mut least) = (smallest.clone(), self.loss(&x, &smallest));
        for step in 1..=steps {
            let share = if steps == 1 {
                1.0
            } else {
                // Evenly from 1 / steps to 1.
                1.0 / steps as f64 + (1.0 - 1.0 / steps as f64) * (step - 1) as f64 / (steps - 1) as f64
            };
            let candidate = smallest.clone() + (largest.clone() - smallest.clone()) * share;
            let loss = self.loss(&x, &candidate);
            best = best.mask_where(loss.clone().lower(least.clone()), candidate);
            least = least.min_pair(loss);
        }
        best
    }
}
