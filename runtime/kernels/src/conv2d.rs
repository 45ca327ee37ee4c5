//! Convolution: gathers the window of one output position and multiplies it with all filters of its group.

use exactum_format::{Axis, Packing, Weights};
use exactum_num::codes::{Codes, CodesMut};

pub use crate::depthwise::depthwise;
use crate::high::{HighForm, with_high};
pub use crate::image::{Area, Conv, Image};
use crate::isa::Isa;
use crate::pairs::{self, FilterPairs};
use crate::patch::Patch;
use crate::products::{Filters, General, Nibbles, Products, Rows};
use crate::quads::{self, FilterQuads};
use crate::source::{Source, with_narrow};
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Said, Stored, Tail};
use crate::taps::{self, TapBlocks};
use crate::winograd::{self, Winograd};

/// Computes `conv` with `weights`, in sums of 64 bits if `wide`; see [`exactum_format::op::Conv2d`] for the formula. Works in `scratch`, [`patch_elems`](exactum_format::patch_elems) codes of
/// a filter; depthwise convolutions in none.
pub fn conv2d<K: Isa>(
    conv: &Conv<'_>,
    weights: Weights<'_>,
    wide: bool,
    input: Codes<'_>,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let isa = tail.finish.isa;
    match (weights.packing, weights.elements) {
        (Packing::FilterPairs, Codes::I16(weights)) if !wide => {
            with_narrow!(input, codes => pairs(conv, FilterPairs::new(isa, weights), codes, scratch, tail));
            return;
        }
        (Packing::FilterQuads, Codes::U8(weights)) if !wide => {
            with_narrow!(input, codes => quads(conv, FilterQuads::new(isa, weights), codes, scratch, tail));
            return;
        }
        (Packing::TapBlocks, Codes::I16(weights)) if !wide => {
            with_narrow!(input, codes => blocks_of_taps(conv, TapBlocks::new(isa, weights), codes, tail));
            return;
        }
        (Packing::Winograd, Codes::I16(weights)) if !wide => {
            with_narrow!(input, codes => tiles(conv, Winograd::new(isa, weights), codes, scratch, tail));
            return;
        }
        _ => {}
    }
    match (weights.packing, weights.elements, input) {
        (packing, Codes::I8(weights), Codes::I8(codes)) if !wide => {
            positions(conv, packing, Rows::new(isa, weights), codes, scratch, tail);
        }
        (packing, Codes::I8(weights), Codes::U8(codes)) if !wide => {
            positions(conv, packing, Rows::new(isa, weights), codes, scratch, tail);
        }
        (packing, Codes::I8(weights), Codes::I16(codes)) if !wide => {
            positions(conv, packing, Rows::new(isa, weights), codes, scratch, tail);
        }
        (Packing::Nibbles, Codes::U8(weights), codes) if !wide => {
            windows(conv, Nibbles::new(isa, weights), codes, scratch, tail);
        }
        (packing, _, codes) => {
            positions(conv, packing, General::new(isa, weights, wide), codes, scratch, tail)
        }
    }
}

/// Filters in pairs, with the tail that is fast where the form has it.
fn pairs<S: Source, K: Isa>(
    conv: &Conv<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form =
        HighForm::of(finish.requant, conv.bias, conv.out_channels as usize, output.as_codes().element());
    with_high!(form, finish.isa, output, tail => pairs::conv2d_high(conv, weights, input, scratch, tail),
        output => pairs::conv2d(conv, weights, input, scratch, Stored { finish, output }));
}

/// Filters in fours, with the tail that is fast where the form has it.
fn quads<S: Source, K: Isa>(
    conv: &Conv<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form =
        HighForm::of(finish.requant, conv.bias, conv.out_channels as usize, output.as_codes().element());
    with_high!(form, finish.isa, output, tail => quads::conv2d_high(conv, weights, input, scratch, tail),
        output => quads::conv2d(conv, weights, input, scratch, Stored { finish, output }));
}

/// Two tiles at a time, with the tail that is fast where the form has it.
fn tiles<S: Source, K: Isa>(
    conv: &Conv<'_>,
    weights: Winograd<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form =
        HighForm::of(finish.requant, conv.bias, conv.out_channels as usize, output.as_codes().element());
    with_high!(form, finish.isa, output, tail => winograd::conv2d_high(conv, weights, input, scratch, tail),
        output => winograd::conv2d(conv, weights, input, scratch, Stored { finish, output }));
}

/// Taps of four channels at a time, with the tail that is fast where the form has it.
fn blocks_of_taps<S: Source, K: Isa>(
    conv: &Conv<'_>,
    weights: TapBlocks<'_, K>,
    input: S,
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let Stored { finish, output } = tail;
    let form =
        HighForm::of(finish.requant, conv.bias, conv.out_channels as usize, output.as_codes().element());
    with_high!(form, finish.isa, output, tail => taps::depthwise_high(conv, weights, input, tail),
        output => taps::depthwise(conv, weights, input, Stored { finish, output }));
}

/// The loop over positions that reads weights in the order of `packing`.
fn positions<S: Source, W: Products, T: Tail<W::Acc>>(
    conv: &Conv<'_>,
    packing: Packing,
    weights: W,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    match packing {
        Packing::RowMajor | Packing::Nibbles => windows(conv, weights, input, scratch, tail),
        Packing::TapMajor => depthwise(conv, weights, input, tail),
        // Packings of layers of their own.
        Packing::FilterPairs | Packing::FilterQuads | Packing::TapBlocks | Packing::Winograd => {}
    }
}

/// Computes `conv` of filters that are stored one after the other.
#[inline(never)]
pub fn windows<S: Source, W: Products, T: Tail<W::Acc>>(
    conv: &Conv<'_>,
    all_weights: W,
    input: S,
    scratch: &mut [i16],
    mut tail: T,
) {
    let Some([in_group, out_group]) = conv.group_channels() else { return };
    let filter_elems = conv.filter_elems(in_group);
    let [down, right] = conv.window.axes();
    let mut patch = Patch::new(scratch);
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for y in conv.area.rows() {
        for x in conv.area.columns() {
            let mut weights = all_weights;
            for group in 0..usize::from(conv.groups) {
                let window = WindowAt {
                    axes: [down, right],
                    top: down.start(y),
                    left: right.start(x),
                    first_channel: group.wrapping_mul(in_group),
                    channels: in_group,
                };
                blocks([0, out_group], |first, channels| {
                    let first = group.wrapping_mul(out_group).wrapping_add(first);
                    let Some(accs) = accs.get_mut(..channels) else { return };
                    W::start(conv.bias, first, accs);
                    let mut filters = Filters { rest: weights, filter_elems, accs };
                    gather(conv, &window, input, &mut patch, &mut filters);
                    patch.multiply(&mut filters);
                    tail.store(first, filters.accs);
                    weights = weights.skip_filters(channels, filter_elems);
                });
            }
        }
    }
}

/// Where a window stands, and the channels it reads.
struct WindowAt {
    axes: [Axis; 2],
    top: i32,
    left: i32,
    first_channel: usize,
    channels: usize,
}

fn gather<S: Source, W: Products>(
    conv: &Conv<'_>,
    at: &WindowAt,
    input: S,
    patch: &mut Patch<'_>,
    filters: &mut Filters<'_, W>,
) {
    let ([height, width, channels], [down, right]) = (conv.input, at.axes);
    let [rows, columns] = conv.window.size.map(u32::from);
    let zero_point = conv.input_zero_point;
    let row_elems = (columns as usize).wrapping_mul(at.channels);
    // One run of memory holds a whole row of the window.
    let contiguous = right.is_dense()
        && at.channels == channels as usize
        && at.left >= 0
        && at.left.wrapping_add_unsigned(columns) <= width as i32;
    for tap_y in 0..rows {
        let Some(y) = down.element(at.top, tap_y, height) else {
            patch.push_padding(row_elems, filters);
            continue;
        };
        let pixel = |x: u32| y.wrapping_mul(width).wrapping_add(x).wrapping_mul(channels) as usize;
        if contiguous {
            if let Some(row) = input.run(pixel(at.left as u32), row_elems) {
                row.push(zero_point, patch, filters);
            }
            continue;
        }
        for tap_x in 0..columns {
            let codes = right
                .element(at.left, tap_x, width)
                .and_then(|x| input.run(pixel(x).wrapping_add(at.first_channel), at.channels));
            match codes {
                Some(codes) => codes.push(zero_point, patch, filters),
                None => patch.push_padding(at.channels, filters),
            }
        }
    }
}
