//! Transposed convolution: for each output position, the taps that meet an element of the input, one after the other.

use exactum_format::{Packing, Weights};
use exactum_num::codes::{Codes, CodesMut};

use crate::image::Conv;
use crate::isa::Isa;
use crate::patch::Patch;
use crate::products::{Filters, General, Nibbles, Products, Rows};
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Said, Stored, Tail};

/// Computes `conv` with `weights`, in sums of 64 bits if `wide`; see [`exactum_format::op::ConvTranspose2d`] for the formula. Works in `scratch`,
/// [`patch_elems`](exactum_format::patch_elems) codes of the channels of a group.
pub fn conv_transpose2d<K: Isa>(
    conv: &Conv<'_>,
    weights: Weights<'_>,
    wide: bool,
    input: Codes<'_>,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let isa = tail.finish.isa;
    match (weights.packing, weights.elements) {
        (Packing::RowMajor, Codes::I8(weights)) if !wide => {
            positions(conv, Rows::new(isa, weights), input, scratch, tail);
        }
        (Packing::Nibbles, Codes::U8(weights)) if !wide => {
            positions(conv, Nibbles::new(isa, weights), input, scratch, tail);
        }
        _ => {
            positions(conv, General::new(isa, weights, wide), input, scratch, tail);
        }
    }
}

/// Computes `conv` of filters that are stored one after the other.
#[inline(never)]
pub fn positions<S: Source, W: Products, T: Tail<W::Acc>>(
    conv: &Conv<'_>,
    weights: W,
    input: S,
    scratch: &mut [i16],
    mut tail: T,
) {
    let Some([in_group, out_group]) = conv.group_channels() else { return };
    let filter_elems = conv.filter_elems(in_group);
    let mut patch = Patch::new(scratch);
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for y in conv.area.rows() {
        for x in conv.area.columns() {
            let mut group_weights = weights;
            for group in 0..usize::from(conv.groups) {
                let taps = Taps { y, x, first_channel: group.wrapping_mul(in_group), channels: in_group };
                blocks([0, out_group], |first, channels| {
                    let first = group.wrapping_mul(out_group).wrapping_add(first);
                    let Some(accs) = accs.get_mut(..channels) else { return };
                    W::start(conv.bias, first, accs);
                    let mut filters = Filters { rest: group_weights, filter_elems, accs };
                    gather(conv, &taps, input, group_weights, &mut patch, &mut filters);
                    tail.store(first, filters.accs);
                    group_weights = group_weights.skip_filters(channels, filter_elems);
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

fn gather<S: Source, W: Products>(
    conv: &Conv<'_>,
    at: &Taps,
    input: S,
    weights: W,
    patch: &mut Patch<'_>,
    filters: &mut Filters<'_, W>,
) {
    let [down, right] = conv.window.axes();
    let [rows, columns] = conv.window.size.map(u32::from);
    let [height, width, channels] = conv.input;
    for tap_y in 0..rows {
        let Some(y) = down.transposed_element(at.y, tap_y, height) else { continue };
        for tap_x in 0..columns {
            let Some(x) = right.transposed_element(at.x, tap_x, width) else { continue };
            let tap = tap_y.wrapping_mul(columns).wrapping_add(tap_x) as usize;
            let pixel = y.wrapping_mul(width).wrapping_add(x);
            let start = (pixel.wrapping_mul(channels) as usize).wrapping_add(at.first_channel);
            let Some(codes) = input.run(start, at.channels) else { return };
            filters.rest = weights.skip(tap.wrapping_mul(at.channels));
            codes.push(conv.input_zero_point, patch, filters);
            patch.multiply(filters);
        }
    }
}
