//! Depthwise convolution: one filter per channel, weights stored tap by tap so that channels are contiguous.

use super::conv2d::Image;
use super::products::Products;
use super::source::Source;
use super::store::{BLOCK_CHANNELS, blocks};
use super::taps;
use crate::codes::CodesMut;
use crate::program::op::Conv2d;

/// Computes `op`, whose groups are as many as its input and output channels.
#[inline(never)]
pub(super) fn depthwise<S: Source, W: Products>(
    op: &Conv2d<'_>,
    [height, width, channels]: Image,
    [out_height, out_width, _]: Image,
    weights: W,
    input: S,
    mut output: CodesMut<'_>,
) {
    let ([rows, columns], [dilation_y, dilation_x]) = (op.window.size, op.window.dilation);
    let ([stride_y, stride_x], [top, left, ..]) = (op.window.stride, op.window.pads);
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for out_y in 0..out_height {
        let taps_y = taps::inside(taps::origin(out_y, stride_y, top), rows, dilation_y, height);
        for out_x in 0..out_width {
            let taps_x = taps::inside(taps::origin(out_x, stride_x, left), columns, dilation_x, width);
            blocks(channels, |first, elems| {
                let Some(accs) = accs.get_mut(..elems) else { return };
                W::start(op.bias, first, accs);
                for (tap_y, y) in taps_y.clone() {
                    for (tap_x, x) in taps_x.clone() {
                        let pixel = y.wrapping_mul(width).wrapping_add(x);
                        let tap = tap_y.wrapping_mul(columns.into()).wrapping_add(tap_x);
                        let codes = input.starting_at(pixel.wrapping_mul(channels).wrapping_add(first));
                        let weights = weights.skip(tap.wrapping_mul(channels).wrapping_add(first));
                        codes.multiply_each(op.input_zero_point, weights, accs);
                    }
                }
                W::store(op.requant.as_ref(), first, accs, output.take_front(elems));
            });
        }
    }
}
