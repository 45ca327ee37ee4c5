//! Adam as burn has it, bit for bit, in one pass over each parameter.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};

use crate::backend::{AdamConfig, Device, Tensor};
use crate::kernels::{self, AdamStep};

const BETAS: [f32; 2] = [0.9, 0.999];

const EPSILON: f32 = 1e-8;

/// The optimizer of [`Trainer`](super::Trainer).
#[derive(Clone)]
pub(super) struct Adam {
    /// Where the kernel does not apply, and for its states.
    burn: burn::optim::Adam,
}

impl Adam {
    pub(super) fn new() -> Self {
        let [beta_1, beta_2] = BETAS;
        let config = AdamConfig::new().with_beta_1(beta_1).with_beta_2(beta_2).with_epsilon(EPSILON);
        Self { burn: config.build() }
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let (time, means) = match state {
            Some(AdamState { momentum }) => (momentum.time, Some([momentum.moment_1, momentum.moment_2])),
            None => (0, None),
        };
        let [kept, kept_squares] = BETAS.map(|beta| beta.powi(time as i32 + 1));
        let root = (1.0 - kept_squares).sqrt();
        let step = AdamStep {
            betas: BETAS,
            correction: root / (1.0 - kept),
            epsilon: EPSILON * root,
            rate: lr as f32,
        };
        let state = |time: usize, [mean, square]: [Tensor<D>; 2]| {
            AdamState::new(AdaptiveMomentumState::new(time, mean, square))
        };
        match kernels::adam(&tensor, &grad, means, step) {
            Ok((moved, means)) => (moved, Some(state(time + 1, means))),
            Err(means) => self.burn.step(lr, tensor, grad, means.map(|means| state(time, means))),
        }
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        burn::optim::Adam::to_device(state, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend;

    /// Gradients of both signs, both zeros, tiny and huge ones, of more elements than one thread takes.
    #[test]
    fn steps_are_those_of_burn() {
        for elems in [1, 37, 40_000] {
            let device = backend::evaluation_device();
            let gradient = |step: usize| {
                let value = |index: usize| match (index * 7 + step * 3) % 11 {
                    0 => 0.0,
                    1 => -0.0,
                    2 => 1e-30,
                    3 => -3e12,
                    4 => f32::MIN_POSITIVE / 4.0,
                    place => (place as f32 - 7.3) * (index % 97 + step) as f32 * 1e-3,
                };
                backend::tensor::<1>((0..elems).map(value).collect(), [elems], &device)
            };
            let start: Vec<f32> = (0..elems).map(|i| [0.0, -0.0, 1.5, -2e-3][i % 4]).collect();
            let adam = Adam::new();
            let [mut ours, mut burns] = [(); 2].map(|()| backend::tensor(start.clone(), [elems], &device));
            let [mut our_state, mut burn_state] = [None, None];
            for step in 0..12 {
                let rate = 1e-2 / (step + 1) as f64;
                (ours, our_state) = adam.step(rate, ours, gradient(step), our_state);
                (burns, burn_state) = adam.burn.step(rate, burns, gradient(step), burn_state);
                let means = |state: &Option<AdamState<1>>| {
                    let momentum = &state.as_ref().unwrap().momentum;
                    [momentum.moment_1.clone(), momentum.moment_2.clone()]
                };
                let [a, b] = [&our_state, &burn_state].map(means);
                for (x, y) in [(&ours, &burns), (&a[0], &b[0]), (&a[1], &b[1])] {
                    let bits = |x| backend::to_f32(x).into_iter().map(f32::to_bits).collect::<Vec<u32>>();
                    assert_eq!(bits(x), bits(y), "step {step} of {elems} elements");
                }
            }
        }
    }
}
