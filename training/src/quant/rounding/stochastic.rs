//! Rounding by chance: up with the probability of the distance from below.

use std::sync::{Mutex, PoisonError};

use exactum_runtime::num::Rounding;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{CodeRounding, FloatToInt};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;

/// Rounds down or up by chance in training, so that the mean is the value; to the nearest, ties to even, in evaluation.
///
/// The same seed gives the same sequence. The gradient passes unchanged.
pub struct StochasticRoundSte {
    seed: u64,
    random: Mutex<Pcg64Mcg>,
}

impl StochasticRoundSte {
    /// A rounding whose sequence follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, random: Mutex::new(Pcg64Mcg::seed_from_u64(seed)) }
    }
}

impl Component for StochasticRoundSte {
    fn label(&self) -> String {
        format!("StochasticRoundSte(seed={})", self.seed)
    }
}

impl FloatToInt for StochasticRoundSte {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        if !x.is_autodiff() {
            return x.round();
        }
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let rounded = backend::to_f32(&x).into_iter().map(|value| {
            if random.random::<f32>() < value - value.floor() { value.floor() + 1.0 } else { value.floor() }
        });
        let rounded = backend::constant(rounded.collect(), x.dims(), &x);
        straight_through(x, rounded)
    }

    fn rounding(&self) -> CodeRounding {
        CodeRounding::Mode(Rounding::HalfEven)
    }
}
