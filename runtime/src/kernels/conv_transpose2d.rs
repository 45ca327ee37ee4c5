//! Transposed convolution: for each output position, the taps that meet an element of the input, one after the other.

use super::conv2d::Image;
use super::patch::{Filters, Patch};
use super::products::{General, Products};
use super::source::Source;
use super::store::{BLOCK_CHANNELS, blocks};
use crate::codes::{Codes, CodesMut};
use crate::program::op::{ConvTranspose2d, Weights};

/// Computes `op`; see [`ConvTranspose2d`] for the formula. Shapes are height, width, channels.
pub(crate) fn conv_transpose2d(
    op: &ConvTranspose2d<'_>,
    in_shape: [u32; 3],
    out_shape: [u32; 3],
    input: Codes<'_>,
    output: CodesMut<'_>,
) {
    match op.weights {
        Weights::I8(weights) if !op.wide => positions(op, in_shape, out_shape, weights, input, output),
        weights => {
            let weights = General { weights, wide: op.wide };
            positions(op, in_shape, out_shape, weights, input, output);
        }
    }
}

#[inline(never)]
fn positions<W: Products>(
    op: &ConvTranspose2d<'_>,
    in_shape: [u32; 3],
    [out_height, out_width, out_channels]: [u32; 3],
    weights: W,
    input: Codes<'_>,
    mut output: CodesMut<'_>,
) {
    let groups = usize::from(op.groups);
    let [.., in_channels] = in_shape.map(|dim| dim as usize);
    let (Some(in_group), Some(out_group)) =
        (in_channels.checked_div(groups), (out_channels as usize).checked_div(groups))
    else {
        return;
    };
    let filter_elems = (op.window.taps() as usize).wrapping_mul(in_group);
    let mut patch = Patch::new();
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for y in 0..out_height {
        for x in 0..out_width {
            let mut group_weights = weights;
            for group in 0..groups {
                let taps = Taps { y, x, first_channel: group.wrapping_mul(in_group), channels: in_group };
                blocks(out_group, |first, channels| {
                    let first = group.wrapping_mul(out_group).wrapping_add(first);
                    let Some(accs) = accs.get_mut(..channels) else { return };
                    W::start(op.bias, first, accs);
                    let mut filters = Filters { rest: group_weights, filter_elems, accs };
                    gather(op, &taps, in_shape, input, group_weights, &mut patch, &mut filters);
                    W::store(op.requant.as_ref(), first, filters.accs, output.take_front(channels));
                    group_weights = group_weights.skip(channels.wrapping_mul(filter_elems));
                });
            }
        }
    }
}

/// An output position, and the channels of the input it reads.
struct Taps {
    y: u32,
    x: u32,
    first_channel: usize,
    channels: usize,
}

fn gather<W: Products>(
    op: &ConvTranspose2d<'_>,
    at: &Taps,
    in_shape: [u32; 3],
    input: Codes<'_>,
    weights: W,
    patch: &mut Patch,
    filters: &mut Filters<'_, W>,
) {
    let [down, right] = op.window.axes();
    let [rows, columns] = op.window.size.map(u32::from);
    let ([height, width, _], [_, row_pixels, channels]): (_, Image) =
        (in_shape, in_shape.map(|dim| dim as usize));
    for tap_y in 0..rows {
        let Some(y) = down.transposed_element(at.y, tap_y, height) else { continue };
        for tap_x in 0..columns {
            let Some(x) = right.transposed_element(at.x, tap_x, width) else { continue };
            let tap = tap_y.wrapping_mul(columns).wrapping_add(tap_x) as usize;
            let pixel = (y as usize).wrapping_mul(row_pixels).wrapping_add(x as usize);
            let start = pixel.wrapping_mul(channels).wrapping_add(at.first_channel);
            let Some(codes) = input.run(start, at.channels) else { return };
            filters.rest = weights.skip(tap.wrapping_mul(at.channels));
            codes.push(op.input_zero_point, patch, filters);
            patch.multiply(filters);
        }
    }
}
