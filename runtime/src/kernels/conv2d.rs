//! Convolution: gathers the window of one output position and multiplies it with all filters of its group.

use super::depthwise::depthwise;
use super::patch::{Filters, Patch};
use super::products::{General, Products};
use super::source::Source;
use super::store::{BLOCK_CHANNELS, blocks};
use super::taps;
use crate::codes::{Codes, CodesMut};
use crate::program::op::{Conv2d, Weights};

/// Height, width, channels.
pub(super) type Image = [usize; 3];

/// Computes `op`; see [`Conv2d`] for the formula. Shapes are height, width, channels.
pub(crate) fn conv2d(
    op: &Conv2d<'_>,
    in_shape: [u32; 3],
    out_shape: [u32; 3],
    input: Codes<'_>,
    output: CodesMut<'_>,
) {
    let (in_shape, out_shape) = (in_shape.map(|dim| dim as usize), out_shape.map(|dim| dim as usize));
    match (op.weights, input) {
        (Weights::I8(weights), Codes::I8(codes)) if !op.wide => {
            positions(op, in_shape, out_shape, weights, codes, output);
        }
        (Weights::I8(weights), Codes::U8(codes)) if !op.wide => {
            positions(op, in_shape, out_shape, weights, codes, output);
        }
        (Weights::I8(weights), Codes::I16(codes)) if !op.wide => {
            positions(op, in_shape, out_shape, weights, codes, output);
        }
        (weights, codes) => {
            let weights = General { weights, wide: op.wide };
            positions(op, in_shape, out_shape, weights, codes, output);
        }
    }
}

#[inline(never)]
fn positions<S: Source, W: Products>(
    op: &Conv2d<'_>,
    in_shape: Image,
    out_shape: Image,
    all_weights: W,
    input: S,
    mut output: CodesMut<'_>,
) {
    let [out_height, out_width, out_channels] = out_shape;
    let groups = usize::from(op.groups);
    if Conv2d::is_depthwise(groups, in_shape[2], out_channels) {
        return depthwise(op, in_shape, out_shape, all_weights, input, output);
    }
    let (Some(in_group), Some(out_group)) =
        (in_shape[2].checked_div(groups), out_channels.checked_div(groups))
    else {
        return;
    };
    let filter_elems = (op.window.taps() as usize).wrapping_mul(in_group);
    let [stride_y, stride_x] = op.window.stride;
    let [top, left, ..] = op.window.pads;
    let mut patch = Patch::new();
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for y in 0..out_height {
        for x in 0..out_width {
            let mut weights = all_weights;
            for group in 0..groups {
                let window = WindowAt {
                    top: taps::origin(y, stride_y, top),
                    left: taps::origin(x, stride_x, left),
                    first_channel: group.wrapping_mul(in_group),
                    channels: in_group,
                };
                blocks(out_group, |first, channels| {
                    let first = group.wrapping_mul(out_group).wrapping_add(first);
                    let Some(accs) = accs.get_mut(..channels) else { return };
                    W::start(op.bias, first, accs);
                    let mut filters = Filters { rest: weights, filter_elems, accs };
                    gather(op, &window, in_shape, input, &mut patch, &mut filters);
                    patch.multiply(&mut filters);
                    W::store(op.requant.as_ref(), first, filters.accs, output.take_front(channels));
                    weights = weights.skip(channels.wrapping_mul(filter_elems));
                });
            }
        }
    }
}

/// Where a window stands, and the channels it reads.
struct WindowAt {
    top: isize,
    left: isize,
    first_channel: usize,
    channels: usize,
}

fn gather<S: Source, W: Products>(
    op: &Conv2d<'_>,
    at: &WindowAt,
    [height, width, channels]: Image,
    input: S,
    patch: &mut Patch,
    filters: &mut Filters<'_, W>,
) {
    let [rows, columns] = op.window.size.map(usize::from);
    let [dilation_y, dilation_x] = op.window.dilation;
    let row_elems = columns.wrapping_mul(at.channels);
    // One run of memory holds a whole row of the window.
    let contiguous = dilation_x == 1
        && at.channels == channels
        && at.left >= 0
        && at.left.wrapping_add_unsigned(columns) <= width as isize;
    for tap_y in 0..rows {
        let Some(y) = taps::position(at.top, tap_y, dilation_y, height) else {
            patch.push_padding(row_elems, filters);
            continue;
        };
        let pixel = |x: usize| y.wrapping_mul(width).wrapping_add(x).wrapping_mul(channels);
        if contiguous {
            if let Some(row) = input.run(pixel(at.left as usize), row_elems) {
                row.push(op.input_zero_point, patch, filters);
            }
            continue;
        }
        for tap_x in 0..columns {
            let codes = taps::position(at.left, tap_x, dilation_x, width)
                .and_then(|x| input.run(pixel(x).wrapping_add(at.first_channel), at.channels));
            match codes {
                Some(codes) => codes.push(op.input_zero_point, patch, filters),
                None => patch.push_padding(at.channels, filters),
            }
        }
    }
}
