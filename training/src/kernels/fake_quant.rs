//! Quantizing and dequantizing in one pass, forward and backward. Called by `ops::FakeQuantize`.
//!
//! `v = x / s + z`, `q = clamp(round(v))`, `y = (q - z) * s`, where `v` is rounded once, unless `x` is only the float next to
//! what is meant. The gradient of `x` is that of `y` where `round(v)` lies
//! within the bounds, or everywhere; that of `s` is the sum of `(q - z) - (v - z)` inside, of `q - z` outside, times
//! the gradient of `y`.

use pulp::{Arch, Simd, WithSimd};

use super::parallel::map_chunks;
use super::quotient;

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
    /// Whether values are exactly the floats they are, so that a quotient beside a tie is none.
    pub(crate) exact: bool,
}

impl FakeQuant {
    /// The value that the code of each element stands for.
    pub(super) fn forward(&self, x: &[f32], scale: f32, out: &mut [f32]) {
        map_chunks(out, PART_ELEMS, |part, out| {
            let x = &x[part * PART_ELEMS..][..out.len()];
            if self.exact {
                Arch::new().dispatch(Forward::<true> { quant: *self, scale, x, out });
            } else {
                Arch::new().dispatch(Forward::<false> { quant: *self, scale, x, out });
            }
        });
    }

    /// Makes the gradient of the result that of `x`, and returns that of the scale.
    pub(super) fn backward(&self, x: &[f32], scale: f32, gradient: &mut [f32]) -> f32 {
        let parts = map_chunks(gradient, PART_ELEMS, |part, gradient| {
            let x = &x[part * PART_ELEMS..][..gradient.len()];
            if self.exact {
                Arch::new().dispatch(Gradients::<true> { quant: *self, scale, x, gradient })
            } else {
                Arch::new().dispatch(Gradients::<false> { quant: *self, scale, x, gradient })
            }
        });
        parts.iter().sum::<f64>() as f32
    }

    /// The whole number that `x / scale + z` is rounded to.
    #[inline(always)]
    fn rounded<const EXACT: bool>(&self, x: f32, scale: f32) -> f32 {
        if EXACT {
            quotient::double(x, scale, self.zero_point).round_ties_even() as f32
        } else {
            (x / scale + self.zero_point).round_ties_even()
        }
    }

    /// `code` within the bounds. Unlike `f32::clamp` it cannot panic, which would keep loops from being vectorized.
    #[inline(always)]
    fn bounded(&self, code: f32) -> f32 {
        let code = if code < self.min { self.min } else { code };
        if code > self.max { self.max } else { code }
    }
}

/// `out = ` the value that the code of each element of `x` stands for.
struct Forward<'a, const EXACT: bool> {
    quant: FakeQuant,
    scale: f32,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl<const EXACT: bool> WithSimd for Forward<'_, EXACT> {
    type Output = ();

    // The compiler vectorizes this loop: what is inlined here may use every instruction of `S`.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { quant, scale, x, out } = self;
        for (y, x) in out.iter_mut().zip(x) {
            let code = quant.bounded(quant.rounded::<EXACT>(*x, scale));
            *y = (code - quant.zero_point) * scale;
        }
    }
}

/// `gradient` becomes that of `x`; the result is that of the scale.
struct Gradients<'a, const EXACT: bool> {
    quant: FakeQuant,
    scale: f32,
    x: &'a [f32],
    gradient: &'a mut [f32],
}

impl<const EXACT: bool> WithSimd for Gradients<'_, EXACT> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let Self { quant, scale, x, gradient } = self;
        let mut sums = [0f32; LANES];
        let (x, x_tail) = x.as_chunks::<LANES>();
        let (gradient, gradient_tail) = gradient.as_chunks_mut::<LANES>();
        for (x, gradient) in x.iter().zip(gradient) {
            quant.add_gradients::<EXACT>(scale, x, gradient, &mut sums);
        }
        quant.add_gradients::<EXACT>(scale, x_tail, gradient_tail, &mut sums);
        sums.iter().map(|sum| f64::from(*sum)).sum()
    }
}

impl FakeQuant {
    /// Makes the gradients of up to as many elements as there are lanes those of `x`, and adds the scale's to `sums`.
    #[inline(always)]
    fn add_gradients<const EXACT: bool>(
        &self,
        scale: f32,
        x: &[f32],
        gradient: &mut [f32],
        sums: &mut [f32; LANES],
    ) {
        for ((x, gradient), sum) in x.iter().zip(gradient).zip(sums) {
            let scaled = x / scale;
            let rounded = self.rounded::<EXACT>(*x, scale);
            let inside = self.pass_through | ((self.min <= rounded) & (rounded <= self.max));
            let code = self.bounded(rounded) - self.zero_point;
            *sum += *gradient * if inside { code - scaled } else { code };
            *gradient = if inside { *gradient } else { 0.0 };
        }
    }
}
