//! A step of Adam in one pass over a parameter, in the order of burn's operations, so that no bit differs.

use pulp::Arch;
use rayon::prelude::*;

use super::parallel::SERIAL_ELEMS;

/// Elements of a part.
const PART_ELEMS: usize = 1 << 13;

/// The factors of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    /// How much of the mean gradient, and of the mean square, is kept.
    pub(crate) betas: [f32; 2],
    /// What makes up for both means starting from zero: a factor of the mean gradient.
    pub(crate) correction: f32,
    /// Added to the root of the mean square.
    pub(crate) epsilon: f32,
    /// The learning rate.
    pub(crate) rate: f32,
}

impl AdamStep {
    /// Moves `parameter` and the two means.
    pub(super) fn apply(self, gradient: &[f32], parameter: &mut [f32], [mean, square]: [&mut [f32]; 2]) {
        if parameter.len() < SERIAL_ELEMS {
            return self.part(gradient, parameter, mean, square);
        }
        let means = mean.par_chunks_mut(PART_ELEMS).zip(square.par_chunks_mut(PART_ELEMS));
        let parts = gradient.par_chunks(PART_ELEMS).zip(parameter.par_chunks_mut(PART_ELEMS)).zip(means);
        parts
            .for_each(|((gradient, parameter), (mean, square))| self.part(gradient, parameter, mean, square));
    }

    fn part(self, gradient: &[f32], parameter: &mut [f32], mean: &mut [f32], square: &mut [f32]) {
        let Self { betas: [keep, keep_square], correction, epsilon, rate } = self;
        let (take, take_square) = (1.0 - keep, 1.0 - keep_square);
        Arch::new().dispatch(
            #[inline(always)]
            || {
                let means = mean.iter_mut().zip(square);
                for ((g, p), (m, v)) in gradient.iter().zip(parameter).zip(means) {
                    *m = *m * keep + *g * take;
                    *v = *v * keep_square + (*g * *g) * take_square;
                    *p -= (*m * correction) / (v.sqrt() + epsilon) * rate;
                }
            },
        );
    }
}
