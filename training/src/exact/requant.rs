//! From accumulators to codes: `clamp(round((acc * s + b) / s_o + z_o))`, of the exact real value.
//!
//! Power-of-two scales make ties common, others make them rare; the result is the exact one in both cases.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::{ExactRounder, ExactTensor, from_codes, rational};
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
    rounder: ExactRounder,
}

impl ChannelFunction {
    fn new<const D: usize>(
        x: &ExactTensor<D>,
        quantizer: &FixedQuantizer,
        channel: usize,
        relu: bool,
    ) -> Self {
        Self {
            scale: x.scales[channel % x.scales.len()],
            offset: x.offset.nearest(channel),
            exact_offset: x.offset.exact(channel),
            rounder: quantizer.rounder(channel, relu),
        }
    }

    fn code(&self, acc: i64) -> i32 {
        let product = acc as f64 * self.scale;
        let magnitude = product.abs() + self.offset.abs();
        self.rounder.code(product + self.offset, magnitude, || {
            rational(self.scale) * BigInt::from(acc) + &self.exact_offset
        })
    }
}
