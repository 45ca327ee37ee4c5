//! Convolution: gathers the window of one output position and multiplies it with all filters of its group.

use super::depthwise::depthwise;
use super::patch::{Filters, Patch};
use super::store::{BLOCK_CHANNELS, blocks, start, store};
use super::taps;
use crate::codes::{Code, Codes, CodesMut};
use crate::program::op::Conv2d;

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
    match input {
        Codes::I8(codes) => positions(op, in_shape, out_shape, codes, output),
        Codes::U8(codes) => positions(op, in_shape, out_shape, codes, output),
        Codes::I16(codes) => positions(op, in_shape, out_shape, codes, output),
        // Not loaded: codes minus zero point must fit 16 bits.
        Codes::I32(_) => {}
    }
}

fn positions<T: Code>(
    op: &Conv2d<'_>,
    in_shape: Image,
    out_shape: Image,
    input: &[T],
    mut output: CodesMut<'_>,
) {
    let [out_height, out_width, out_channels] = out_shape;
    let groups = usize::from(op.groups);
    if Conv2d::is_depthwise(groups, in_shape[2], out_channels) {
        return depthwise(op, in_shape, out_shape, input, output);
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
    let mut accs = [0; BLOCK_CHANNELS];
    for y in 0..out_height {
        for x in 0..out_width {
            let mut weights = op.weights;
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
                    start(op.bias, first, accs);
                    let mut filters = Filters { rest: weights, filter_elems, accs };
                    gather(op, &window, in_shape, input, &mut patch, &mut filters);
                    patch.multiply(&mut filters);
                    store(op.requant.as_ref(), first, filters.accs, output.take_front(channels));
                    weights = weights.get(channels.wrapping_mul(filter_elems)..).unwrap_or_default();
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

fn gather<T: Code>(
    op: &Conv2d<'_>,
    at: &WindowAt,
    [height, width, channels]: Image,
    input: &[T],
    patch: &mut Patch,
    filters: &mut Filters<'_>,
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
        let run = |start: usize, elems: usize| input.get(start..)?.get(..elems);
        if contiguous {
            let row = run(pixel(at.left as usize), row_elems).unwrap_or_default();
            patch.push(row, op.input_zero_point, filters);
            continue;
        }
        for tap_x in 0..columns {
            let codes = taps::position(at.left, tap_x, dilation_x, width)
                .and_then(|x| run(pixel(x).wrapping_add(at.first_channel), at.channels));
            match codes {
                Some(codes) => patch.push(codes, op.input_zero_point, filters),
                None => patch.push_padding(at.channels, filters),
            }
        }
    }
}
