//! Depthwise convolution with weights in blocks of four channels: the taps of four channels are summed in registers.

use exactum_num::codes::Code;

use crate::high::High;
use crate::image::Conv;
use crate::isa::{Isa, Taps};
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::Tail;

/// Weights in blocks of four channels, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct TapBlocks<'p, K> {
    weights: &'p [i16],
    isa: K,
}

impl<'p, K: Isa> TapBlocks<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [i16]) -> Self {
        Self { weights, isa }
    }
}

/// The taps of an output position: their geometry, the first of them in the input, and the first weight of a block.
struct Position {
    taps: Taps,
    pixel: usize,
    first_weight: usize,
}

/// Calls `at` for each output position.
#[inline(always)]
fn positions(conv: &Conv<'_>, mut at: impl FnMut(&Position)) {
    let ([height, width, channels], [out_height, out_width, _]) = (conv.input, conv.output);
    let columns_of_window = usize::from(conv.window.size[1]);
    let [down, right] = conv.window.axes();
    let per_pixel = channels as usize;
    for out_y in 0..out_height {
        let rows = down.inside(out_y, height);
        for out_x in 0..out_width {
            let columns = right.inside(out_x, width);
            let pixel = rows.first_element.wrapping_mul(width).wrapping_add(columns.first_element);
            let row_codes = (rows.dilation.wrapping_mul(width) as usize).wrapping_mul(per_pixel);
            at(&Position {
                taps: Taps {
                    size: [rows.taps as usize, columns.taps as usize],
                    codes: [row_codes, (columns.dilation as usize).wrapping_mul(per_pixel)],
                    row_weights: columns_of_window,
                },
                pixel: (pixel as usize).wrapping_mul(per_pixel),
                first_weight: (rows.first_tap as usize)
                    .wrapping_mul(columns_of_window)
                    .wrapping_add(columns.first_tap as usize),
            });
        }
    }
}

impl Position {
    /// The sums of block `quad`, which start with `starts`.
    #[inline(always)]
    fn sums<S: Source, K: Isa>(
        &self,
        conv: &Conv<'_>,
        blocks: TapBlocks<'_, K>,
        input: S,
        quad: usize,
        starts: [i32; 4],
    ) -> [i32; 4] {
        let (first, taps) = (quad.wrapping_mul(4), conv.window.taps() as usize);
        let codes = input.starting_at(self.pixel.wrapping_add(first));
        let (weights, _) = blocks.weights.as_chunks::<4>();
        let block = quad.wrapping_mul(taps).wrapping_add(self.first_weight);
        let weights = weights.get(block..).unwrap_or_default();
        if first.wrapping_add(4) <= conv.input[2] as usize {
            return codes.dot_taps(blocks.isa, &self.taps, conv.input_zero_point, weights, starts);
        }
        let mut sums = starts;
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum = codes.starting_at(channel).dot_tap(&self.taps, conv.input_zero_point, weights, channel, *sum);
        }
        sums
    }
}

/// Computes `conv`, whose groups are as many as its channels, with a tail of the form that keeps the high word.
#[inline(never)]
pub fn depthwise_high<S: Source, K: Isa, T: Code>(
    conv: &Conv<'_>,
    weights: TapBlocks<'_, K>,
    input: S,
    mut tail: High<'_, K, T>,
) {
    let channels = conv.output[2] as usize;
    let mut start = 0usize;
    positions(conv, |position| {
        for quad in 0..channels.div_ceil(4) {
            let sums = position.sums(conv, weights, input, quad, tail.starts(quad));
            tail.store(start, quad, sums);
        }
        start = start.wrapping_add(channels);
    });
}

/// Computes `conv`, whose groups are as many as its channels.
#[inline(never)]
pub fn depthwise<S: Source, K: Isa, T: Tail<i32>>(
    conv: &Conv<'_>,
    weights: TapBlocks<'_, K>,
    input: S,
    mut tail: T,
) {
    let mut sums = [[0i32; 4]; BLOCK_CHANNELS / 4];
    positions(conv, |position| {
        blocks(conv.output[2] as usize, |first, channels| {
            let quads = (first >> 2..).zip(sums.iter_mut().take(channels.div_ceil(4)));
            for (quad, sums) in quads {
                let start = |channel: usize| conv.bias.at(quad.wrapping_mul(4).wrapping_add(channel));
                let starts = [start(0), start(1), start(2), start(3)];
                *sums = position.sums(conv, weights, input, quad, starts);
            }
            tail.store(first, sums.as_flattened_mut().get_mut(..channels).unwrap_or_default());
        });
    });
}
