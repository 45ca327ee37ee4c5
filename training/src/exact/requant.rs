//! From accumulators to codes: `clamp(round_half_even((acc * s + b) / s_o + z_o))`, of the exact real value.
//!
//! Double precision decides wherever its error cannot reach a tie; beside ties exact rationals decide. Power-of-two
//! scales make ties common, others make them rare; the result is the exact one in both cases.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive};

use super::{ExactTensor, from_codes, rational};
use crate::quant::FixedQuantizer;

/// The codes of `x` in another quantizer. `relu` keeps values below zero out, and so codes below the zero point.
pub(crate) fn requantize<const D: usize>(
    x: &ExactTensor<D>,
    quantizer: &FixedQuantizer,
    relu: bool,
) -> ExactTensor<D> {
    let (run_elems, channels) = x.layout();
    let functions: Vec<ChannelFunction> =
        (0..channels).map(|channel| ChannelFunction::new(x, quantizer, channel, relu)).collect();
    let codes = x.integers().into_iter().enumerate().map(|(index, code)| {
        let channel = index / run_elems.max(1) % channels.max(1);
        functions[channel].code(code - i64::from(x.zero_point))
    });
    from_codes(codes, x.dims(), quantizer)
}

/// The exact function of one channel.
struct ChannelFunction {
    scale: f64,
    offset: f64,
    exact_offset: BigRational,
    out_scale: f64,
    zero_point: i32,
    lo: i32,
    hi: i32,
}

impl ChannelFunction {
    fn new<const D: usize>(
        x: &ExactTensor<D>,
        quantizer: &FixedQuantizer,
        channel: usize,
        relu: bool,
    ) -> Self {
        let out_scales = quantizer.scales();
        let range = quantizer.int_type().range();
        let lo = if relu { range.lo.max(i64::from(quantizer.zero_point())) } else { range.lo };
        Self {
            scale: x.scales[channel % x.scales.len()],
            offset: x.offset.nearest(channel),
            exact_offset: x.offset.exact(channel),
            out_scale: f64::from(out_scales[channel % out_scales.len()]),
            zero_point: quantizer.zero_point(),
            lo: lo as i32,
            hi: range.hi as i32,
        }
    }

    fn code(&self, acc: i64) -> i32 {
        let product = acc as f64 * self.scale;
        let (lo, hi, zero_point) = (f64::from(self.lo), f64::from(self.hi), f64::from(self.zero_point));
        let real = (product + self.offset) / self.out_scale + zero_point;
        // Six roundings of at most 2^-53 each, taken as eight.
        let magnitude = (product.abs() + self.offset.abs()) / self.out_scale + zero_point.abs();
        let error = magnitude * 2f64.powi(-50);
        let from_tie = (real - real.floor() - 0.5).abs();
        if from_tie > error && error < 0.25 {
            real.round_ties_even().clamp(lo, hi) as i32
        } else if real + error < lo - 1.0 {
            self.lo
        } else if real - error > hi + 1.0 {
            self.hi
        } else {
            self.exact_code(acc)
        }
    }

    fn exact_code(&self, acc: i64) -> i32 {
        let product = rational(self.scale) * BigInt::from(acc);
        let real = (product + &self.exact_offset) / rational(self.out_scale) + BigInt::from(self.zero_point);
        let floor = real.floor();
        let rest = &real - &floor;
        let half = BigRational::new(BigInt::one(), BigInt::from(2));
        let floor = floor.to_integer();
        let odd = floor.bit(0);
        let rounded = if rest > half || (rest == half && odd) { floor + 1 } else { floor };
        rounded.clamp(BigInt::from(self.lo), BigInt::from(self.hi)).to_i32().unwrap_or(self.lo)
    }
}
