//! Activation functions on codes.
//!
//! A clip commutes with rounding, so it limits codes. Sigmoid and tanh are no rationals: their value is defined as a
//! double, from the double nearest to `(code - zero_point) * scale`, plus the offset, by the operations of
//! [`exactum_host::functions`]. That double is then quantized exactly.

use super::{ExactTensor, channel_of, from_codes, layout};
use crate::backend::{self, Tensor};
use crate::codes::FixedQuantizer;
use crate::real::rational;

/// Codes of `quantizer`, limited to those of the values `min` and `max`.
pub(crate) fn clip<const D: usize>(
    x: ExactTensor<D>,
    quantizer: &FixedQuantizer,
    [min, max]: [f32; 2],
) -> ExactTensor<D> {
    let (_, channels) = x.layout();
    let channel_of = x.channel_of();
    let limits: Vec<[i64; 2]> = (0..channels)
        .map(|channel| {
            let rounder = quantizer.rounder(channel, false);
            [min, max].map(|limit| i64::from(rounder.code_of_float(limit)))
        })
        .collect();
    let codes = x.integers().into_iter().enumerate().map(|(index, code)| {
        let [lo, hi] = limits[channel_of(index)];
        code.max(lo).min(hi) as i32
    });
    from_codes(codes, x.dims(), quantizer, x.axis)
}

/// The codes of `function` of floats, by one scale or one per index of dimension `axis`.
pub(crate) fn quantize_function<const D: usize>(
    x: &Tensor<D>,
    quantizer: &FixedQuantizer,
    axis: usize,
    function: impl Fn(f64) -> f64,
) -> ExactTensor<D> {
    let values = backend::to_f32(x).into_iter().map(|value| function(f64::from(value)));
    quantize_doubles(values, x.dims(), quantizer, axis)
}

/// The codes of `function` of what codes stand for, by one scale or one per index of dimension `axis`.
pub(crate) fn requantize_function<const D: usize>(
    x: &ExactTensor<D>,
    quantizer: &FixedQuantizer,
    axis: usize,
    function: impl Fn(f64) -> f64,
) -> ExactTensor<D> {
    let (_, channels) = x.layout();
    let parameters: Vec<[f64; 2]> = (0..channels.max(1))
        .map(|channel| [x.scales[channel % x.scales.len()].nearest(), x.offset.at(channel).nearest()])
        .collect();
    let channel_of = x.channel_of();
    let values = x.integers().into_iter().enumerate().map(|(index, code)| {
        let [scale, offset] = parameters[channel_of(index)];
        // Scales are products of two floats and offsets are floats, so both are doubles, and one rounding is left.
        function(((code - i64::from(x.zero_point)) as f64).mul_add(scale, offset))
    });
    quantize_doubles(values, x.dims(), quantizer, axis)
}

fn quantize_doubles<const D: usize>(
    values: impl Iterator<Item = f64>,
    shape: [usize; D],
    quantizer: &FixedQuantizer,
    axis: usize,
) -> ExactTensor<D> {
    let (_, channels) = layout(&shape, axis);
    let channel_of = channel_of(&shape, axis);
    let rounders: Vec<_> = (0..channels).map(|channel| quantizer.rounder(channel, false)).collect();
    let codes = values.enumerate().map(|(index, value)| {
        let rounder = &rounders[channel_of(index)];
        rounder.code(value, value.abs(), || rational(value))
    });
    from_codes(codes, shape, quantizer, axis)
}
