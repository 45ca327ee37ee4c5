//! Quantizing and dequantizing in one pass, forward and backward. Called by `ops::FakeQuantize`.
//!
//! `v = x / s + z`, `q = clamp(round(v))`, `y = (q - z) * s`. The gradient of `x` is that of `y` where `round(v)` lies
//! within the bounds, or everywhere; that of `s` is the sum of `(q - z) - (v - z)` inside, of `q - z` outside, times
//! the gradient of `y`.

// Closures for `dispatch` are always inlined: only then do they get the processor's vector instructions.
use pulp::Arch;

use super::parallel::map_chunks;

/// Sums of a run are kept in as many lanes.
const LANES: usize = 16;

/// Elements of a part.
const PART_ELEMS: usize = 1 << 13;

/// Integer quantization of values with one scale, with known bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FakeQuant {
    /// Smallest code.
    pub(crate) min: f32,
    /// Largest code.
    pub(crate) max: f32,
    /// The code that stands for zero.
    pub(crate) zero_point: f32,
    /// Whether gradients pass outside the bounds too.
    pub(crate) pass_through: bool,
}

impl FakeQuant {
    /// The value that the code of each element stands for.
    pub(super) fn forward(&self, x: &[f32], scale: f32, out: &mut [f32]) {
        let Self { min, max, zero_point, .. } = *self;
        map_chunks(out, PART_ELEMS, |part, out| {
            let x = &x[part * PART_ELEMS..][..out.len()];
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (y, x) in out.iter_mut().zip(x) {
                        let code = (x / scale + zero_point).round_ties_even().clamp(min, max);
                        *y = (code - zero_point) * scale;
                    }
                },
            );
        });
    }

    /// Writes the gradient of `x` and returns that of the scale.
    pub(super) fn backward(&self, x: &[f32], scale: f32, gradient: &[f32], out: &mut [f32]) -> f32 {
        let Self { min, max, zero_point, pass_through } = *self;
        let parts = map_chunks(out, PART_ELEMS, |part, out| {
            let run = part * PART_ELEMS..part * PART_ELEMS + out.len();
            let (x, gradient) = (&x[run.clone()], &gradient[run]);
            Arch::new().dispatch(
                #[inline(always)]
                || {
                    let mut sums = [0f32; LANES];
                    let runs = x.chunks(LANES).zip(gradient.chunks(LANES)).zip(out.chunks_mut(LANES));
                    for ((x, gradient), out) in runs {
                        let terms = x.iter().zip(gradient).zip(out).zip(&mut sums);
                        for (((x, gradient), out), sum) in terms {
                            let scaled = x / scale;
                            let rounded = (scaled + zero_point).round_ties_even();
                            let inside = pass_through || (min <= rounded && rounded <= max);
                            let code = rounded.clamp(min, max) - zero_point;
                            *out = if inside { *gradient } else { 0.0 };
                            *sum += gradient * if inside { code - scaled } else { code };
                        }
                    }
                    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>()
                },
            )
        });
        parts.iter().sum::<f64>() as f32
    }
}
