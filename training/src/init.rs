//! Starting values of parameters, from one seed.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::Parameter;

/// Draws starting values. The same seed gives the same values on every machine.
#[derive(Clone, Debug)]
pub struct Init {
    rng: Pcg64Mcg,
}

impl Init {
    /// Values determined by `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self { rng: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// Uniform in ±1/sqrt(fan_in), the default of linear and convolution layers in PyTorch.
    pub fn fan_in_uniform(&mut self, shape: &[usize], fan_in: usize) -> Parameter {
        let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
        let len = shape.iter().product();
        let values = (0..len).map(|_| (2.0 * self.rng.random::<f32>() - 1.0) * bound).collect();
        Parameter::new(values, shape)
    }
}
