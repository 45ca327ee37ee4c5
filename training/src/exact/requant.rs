//! From accumulators to codes: `clamp(round((acc * s + b) / s_o + z_o))`, of the exact real value.
//!
//! Power-of-two scales make ties common, others make them rare; the result is the exact one in both cases.

use num_bigint::BigInt;

use super::{ExactRounder, ExactTensor, Real, from_codes};
use crate::quant::FixedQuantizer;

/// The codes of `x` in another quantizer. `relu` keeps values below zero out, and so codes below the zero point.
pub(crate) fn requantize<const D: usize>(
    x: &ExactTensor<D>,
    quantizer: &FixedQuantizer,
    relu: bool,
) -> ExactTensor<D> {
    let (_, channels) = x.layout();
    let functions: Vec<ChannelFunction> =
        (0..channels.max(1)).map(|channel| ChannelFunction::new(x, quantizer, channel, relu)).collect();
    let channel_of = x.channel_of();
    let codes = x
        .integers()
        .into_iter()
        .enumerate()
        .map(|(index, code)| functions[channel_of(index)].code(code - i64::from(x.zero_point)));
    from_codes(codes, x.dims(), quantizer)
}

/// The exact function of one channel.
struct ChannelFunction {
    scale: Real,
    offset: Real,
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
            scale: x.scales[channel % x.scales.len()].clone(),
            offset: x.offset.at(channel),
            rounder: quantizer.rounder(channel, relu),
        }
    }

    fn code(&self, acc: i64) -> i32 {
        let product = acc as f64 * self.scale.nearest();
        let offset = self.offset.nearest();
        let magnitude = product.abs() + offset.abs();
        self.rounder.code(product + offset, magnitude, || {
            self.scale.exact() * BigInt::from(acc) + self.offset.exact()
        })
    }
}
