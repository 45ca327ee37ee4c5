//! Depthwise convolution: one filter per channel, weights stored tap by tap so that channels are contiguous.

use crate::image::Conv;
use crate::products::Products;
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::Tail;

/// Computes `conv`, whose groups are as many as its input and output channels.
#[inline(never)]
pub fn depthwise<S: Source, W: Products, T: Tail<W::Acc>>(
    conv: &Conv<'_>,
    weights: W,
    input: S,
    mut tail: T,
) {
    let [height, width, channels] = conv.input;
    let [_, columns] = conv.window.size.map(u32::from);
    let [down, right] = conv.window.axes();
    let mut accs = [W::Acc::default(); BLOCK_CHANNELS];
    for out_y in conv.area.rows() {
        let taps_y = down.inside(out_y, height);
        for out_x in conv.area.columns() {
            let taps_x = right.inside(out_x, width);
            blocks([0, channels as usize], |first, elems| {
                let Some(accs) = accs.get_mut(..elems) else { return };
                W::start(conv.bias, first, accs);
                for (tap_y, y) in (taps_y.first_tap..).zip(taps_y.elements()) {
                    for (tap_x, x) in (taps_x.first_tap..).zip(taps_x.elements()) {
                        let place = |row: u32, columns: u32, column: u32| {
                            let pixel = row.wrapping_mul(columns).wrapping_add(column);
                            (pixel.wrapping_mul(channels) as usize).wrapping_add(first)
                        };
                        let codes = input.starting_at(place(y, width, x));
                        let weights = weights.skip(place(tap_y, columns, tap_x));
                        codes.multiply_each(conv.input_zero_point, weights, accs);
                    }
                }
                tail.store(first, accs);
            });
        }
    }
}
