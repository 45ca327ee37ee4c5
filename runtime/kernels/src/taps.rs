//! Depthwise convolution with weights in blocks of four channels: the taps of four channels are summed in registers.

use exactum_num::codes::Code;

use crate::high::{High, HighForm};
use crate::image::Conv;
use crate::isa::{Isa, TapRun, Taps};
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

/// Neighbouring output positions: the geometry of their taps, the first of them in the input, and the first weight of a
/// block.
struct Position {
    taps: Taps,
    run: TapRun,
    pixel: usize,
    first_weight: usize,
}

/// Calls `at` for output positions, in order: those whose windows lie inside a row together, others one by one.
#[inline(always)]
fn positions(conv: &Conv<'_>, mut at: impl FnMut(&mut Position)) {
    let [height, width, channels] = conv.input;
    let [first_column, behind_columns] = conv.area.columns;
    let [_, columns_of_window] = conv.window.size.map(u32::from);
    let [down, right] = conv.window.axes();
    let per_pixel = channels as usize;
    let stride = u32::from(conv.window.stride[1]);
    for out_y in conv.area.rows() {
        let rows = down.inside(out_y, height);
        let row_codes = (rows.dilation.wrapping_mul(width) as usize).wrapping_mul(per_pixel);
        let mut out_x = first_column;
        while out_x < behind_columns {
            let columns = right.inside(out_x, width);
            let mut together = 1;
            if columns.taps == columns_of_window {
                let last = columns.taps.wrapping_sub(1).wrapping_mul(columns.dilation);
                let behind = width.wrapping_sub(columns.first_element.wrapping_add(last)).wrapping_sub(1);
                let more = behind.checked_div(stride).unwrap_or_default();
                together = more.wrapping_add(1).min(behind_columns.wrapping_sub(out_x));
            }
            let pixel = rows.first_element.wrapping_mul(width).wrapping_add(columns.first_element);
            at(&mut Position {
                taps: Taps {
                    size: [rows.taps as usize, columns.taps as usize],
                    codes: [row_codes, (columns.dilation as usize).wrapping_mul(per_pixel)],
                    row_weights: columns_of_window as usize,
                },
                run: TapRun {
                    positions: together as usize,
                    step: (stride as usize).wrapping_mul(per_pixel),
                    channels: per_pixel,
                    block: conv.window.taps() as usize,
                },
                pixel: (pixel as usize).wrapping_mul(per_pixel),
                first_weight: rows.first_tap.wrapping_mul(columns_of_window).wrapping_add(columns.first_tap)
                    as usize,
            });
            out_x = out_x.wrapping_add(together);
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
            *sum =
                codes.starting_at(channel).dot_tap(&self.taps, conv.input_zero_point, weights, channel, *sum);
        }
        sums
    }
}

impl Position {
    /// Codes of as many blocks as the instructions take, the first ones; how many these are.
    #[inline(always)]
    fn codes<S: Source, K: Isa, T: Code>(
        &self,
        conv: &Conv<'_>,
        blocks: TapBlocks<'_, K>,
        input: S,
        form: &HighForm<'_>,
        output: &mut [T],
    ) -> usize {
        let (weights, _) = blocks.weights.as_chunks::<4>();
        let weights = weights.get(self.first_weight..).unwrap_or_default();
        let (codes, zero_point) = (input.starting_at(self.pixel), conv.input_zero_point);
        codes.codes_of_taps(blocks.isa, &self.taps, &self.run, zero_point, weights, form, output)
    }

    /// Calls `at` for each of the positions.
    #[inline(always)]
    fn each(&mut self, mut at: impl FnMut(&Self)) {
        for _ in 0..self.run.positions {
            at(self);
            self.pixel = self.pixel.wrapping_add(self.run.step);
        }
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
    let channels = conv.out_channels as usize;
    let quads = channels.div_ceil(4);
    let mut start = 0usize;
    positions(conv, |position| {
        let (form, output) = tail.parts(start);
        let done = position.codes(conv, weights, input, &form, output);
        let end = start.wrapping_add(channels.wrapping_mul(position.run.positions));
        if done < quads {
            position.each(|position| {
                for quad in done..quads {
                    let sums = position.sums(conv, weights, input, quad, tail.starts(quad));
                    tail.store(start, quad, sums);
                }
                start = start.wrapping_add(channels);
            });
        }
        start = end;
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
        position.each(|position| {
            blocks([0, conv.out_channels as usize], |first, channels| {
                let quads = (first >> 2..).zip(sums.iter_mut().take(channels.div_ceil(4)));
                for (quad, sums) in quads {
                    let start = |channel: usize| conv.bias.at(quad.wrapping_mul(4).wrapping_add(channel));
                    let starts = [start(0), start(1), start(2), start(3)];
                    *sums = position.sums(conv, weights, input, quad, starts);
                }
                tail.store(first, sums.as_flattened_mut().get_mut(..channels).unwrap_or_default());
            });
        });
    });
}
