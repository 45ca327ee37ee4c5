//! From accumulators to codes: `clamp(round((acc * s + b) / s_o + z_o))`, of the exact real value.
//!
//! Power-of-two scales make ties common, others make them rare; the result is the exact one in both cases.

use num_bigint::BigInt;

use super::{ExactTensor, channel_of, from_codes, layout};
use crate::codes::{ExactRounder, FixedQuantizer};
use crate::real::Real;

/// The codes of `x` in another quantizer, of one scale or one per index of dimension `axis`. `relu` keeps values below
/// zero out, and so codes below the zero point.
pub(crate) fn requantize<const D: usize>(
    x: &ExactTensor<D>,
    quantizer: &FixedQuantizer,
    axis: usize,
    relu: bool,
) -> ExactTensor<D> {
    let dims = x.dims();
    let extent = |axis: usize| layout(&dims, axis).1.max(1);
    let along = if x.per_channel() { x.axis } else { axis };
    // A function per channel, or per pair where those of the quantizer lie along another dimension.
    let crossed = along != axis && quantizer.scales().len() > 1;
    let crossing = if crossed { extent(axis) } else { 1 };
    let pairs = (0..extent(along)).flat_map(|from| (0..crossing).map(move |to| (from, to)));
    let functions: Vec<ChannelFunction> = pairs
        .map(|(from, to)| ChannelFunction::new(x, quantizer, [from, if crossed { to } else { from }], relu))
        .collect();
    let (from, to) = (channel_of(&dims, along), channel_of(&dims, axis));
    let codes = x.integers().into_iter().enumerate().map(|(index, code)| {
        let function = from(index) * crossing + if crossed { to(index) } else { 0 };
        functions[function].code(code - i64::from(x.zero_point))
    });
    from_codes(codes, dims, quantizer, axis)
}

/// The exact function from one channel of the input to one of the quantizer.
struct ChannelFunction {
    scale: Real,
    offset: Real,
    rounder: ExactRounder,
}

impl ChannelFunction {
    fn new<const D: usize>(
        x: &ExactTensor<D>,
        quantizer: &FixedQuantizer,
        [from, to]: [usize; 2],
        relu: bool,
    ) -> Self {
        Self {
            scale: x.scales[from % x.scales.len()].clone(),
            offset: x.offset.at(from),
            rounder: quantizer.rounder(to, relu),
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
