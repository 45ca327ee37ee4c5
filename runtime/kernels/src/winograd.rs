//! Layers of 3 by 3 filters whose weights are transformed: two tiles of 2 by 2 outputs at a time. The codes of their windows are
//! gathered and transformed once for all filters; 16 products with each input channel make four sums.
//!
//! What products add up to are four times the sums, in 32 bits: the packing promises that 30 hold the sums themselves.

use exactum_format::{Bias, TILE_ELEMS};
use exactum_num::codes::Code;

use crate::high::{High, HighForm};
use crate::image::Conv;
use crate::isa::{Isa, Pixels, TileCodes, TileProducts, Tiles};
use crate::source::Source;
use crate::tail::Tail;

/// Weights that are transformed, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct Winograd<'p, K> {
    weights: &'p [i16],
    isa: K,
}

impl<'p, K: Isa> Winograd<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [i16]) -> Self {
        Self { weights, isa }
    }

    /// Products of `tiles` with the filters of block `quad`.
    #[inline(always)]
    fn products(self, tiles: &[Tiles], quad: usize, products: &mut TileProducts) {
        let rows = tiles.len().wrapping_mul(32);
        let start = rows.wrapping_mul(quad);
        let weights = self.weights.as_chunks::<8>().0.get(start..start.wrapping_add(rows));
        products_of(self.isa, weights.unwrap_or_default(), tiles, products);
    }
}

/// Not inlined: one copy for all kinds of layers and codes.
#[inline(never)]
fn products_of<K: Isa>(isa: K, weights: &[[i16; 8]], tiles: &[Tiles], products: &mut TileProducts) {
    isa.tile_products(weights, tiles, products);
}

/// What a layer works in.
struct Scratch<'s> {
    codes: &'s mut [TileCodes],
    tiles: &'s mut [Tiles],
}

impl<'s> Scratch<'s> {
    /// Of so many blocks of four channels.
    fn new(scratch: &'s mut [i16], blocks: usize) -> Option<Self> {
        let (codes, rest) = scratch.split_at_mut_checked(blocks.wrapping_mul(TILE_ELEMS[0]))?;
        let tiles = rest.get_mut(..blocks.wrapping_mul(TILE_ELEMS[1]))?;
        let codes = codes.as_chunks_mut::<4>().0.as_chunks_mut().0;
        Some(Self { codes, tiles: tiles.as_chunks_mut::<8>().0.as_chunks_mut().0 })
    }
}

/// The windows of two tiles, of which that of the first output starts at row `top` and column `left` of the input.
#[inline(never)]
fn transform<S: Source, K: Isa>(
    conv: &Conv<'_>,
    isa: K,
    input: S,
    [top, left]: [i32; 2],
    scratch: &mut Scratch<'_>,
) {
    let [height, width, channels] = conv.input;
    let along = |start: i32, most: i32, limit: u32| {
        let first = start.wrapping_neg().min(most).max(0);
        let end = (limit as i32).wrapping_sub(start).min(most).max(first);
        [first, end.wrapping_sub(first)].map(|at| at as usize)
    };
    let ([row, rows], [column, columns]) = (along(top, 4, height), along(left, 6, width));
    if rows.wrapping_mul(columns) != 24 {
        scratch.codes.fill([[0; 4]; 24]);
    }
    let channels = channels as usize;
    let pitch = (width as usize).wrapping_mul(channels);
    let first = (top as usize).wrapping_add(row).wrapping_mul(pitch);
    let first = first.wrapping_add((left as usize).wrapping_add(column).wrapping_mul(channels));
    let place = row.wrapping_mul(6).wrapping_add(column);
    let pixels = Pixels { first, pitch, channels, size: [rows, columns], place };
    input.gather_tiles(isa, conv.input_zero_point, &pixels, scratch.codes);
    transform_tiles(isa, scratch.codes, scratch.tiles);
}

/// Not inlined, as above.
#[inline(never)]
fn transform_tiles<K: Isa>(isa: K, codes: &[TileCodes], tiles: &mut [Tiles]) {
    isa.transform_tiles(codes, tiles);
}

/// The sums of four filters at two rows of four outputs: those of both tiles.
type Sums = [[[i32; 4]; 4]; 2];

/// Makes sums, which start with `starts`, of products.
#[inline(always)]
fn add_up(products: &TileProducts, starts: [i32; 4], to: &mut Sums) {
    let [upper, lower] = to;
    for (filter, start) in starts.into_iter().enumerate() {
        for (tile, (upper, lower)) in
            upper.as_chunks_mut::<2>().0.iter_mut().zip(lower.as_chunks_mut::<2>().0).enumerate()
        {
            let at = |row: usize, column: usize| {
                let products = products.get(row.wrapping_mul(4).wrapping_add(column));
                let place = filter.wrapping_mul(2).wrapping_add(tile);
                products.and_then(|products| products.get(place)).copied().unwrap_or_default()
            };
            // The product of the second row and column is part of all four sums, with the sign of none changed.
            let middle = at(1, 1).wrapping_add(start.wrapping_mul(4));
            let column = |column: usize| {
                let b = if column == 1 { middle } else { at(1, column) };
                let [a, c, d] = [at(0, column), at(2, column), at(3, column)];
                [a.wrapping_add(b).wrapping_add(c), b.wrapping_sub(c).wrapping_sub(d)]
            };
            let [[a, p], [b, q], [c, r], [d, s]] = [column(0), column(1), column(2), column(3)];
            let fours = [
                a.wrapping_add(b).wrapping_add(c),
                b.wrapping_sub(c).wrapping_sub(d),
                p.wrapping_add(q).wrapping_add(r),
                q.wrapping_sub(r).wrapping_sub(s),
            ];
            for (sums, four) in upper.iter_mut().chain(lower).zip(fours) {
                if let Some(sum) = sums.get_mut(filter) {
                    *sum = four >> 2;
                }
            }
        }
    }
}

/// Computes `conv`, with a tail of the form that keeps the high word.
#[inline(never)]
pub fn conv2d_high<S: Source, K: Isa, T: Code>(
    conv: &Conv<'_>,
    weights: Winograd<'_, K>,
    input: S,
    scratch: &mut [i16],
    mut tail: High<'_, K, T>,
) {
    let [down, right] = conv.window.axes();
    let Some(mut scratch) = Scratch::new(scratch, conv.input[2].div_ceil(4) as usize) else { return };
    let ([top, bottom], [left, behind]) = (conv.area.rows, conv.area.columns);
    let filters = conv.out_channels as usize;
    let pitch = (behind.wrapping_sub(left) as usize).wrapping_mul(filters);
    let mut products = [[0; 8]; 16];
    let mut y = top;
    while y < bottom {
        let mut x = left;
        while x < behind {
            transform(conv, weights.isa, input, [down.start(y), right.start(x)], &mut scratch);
            let first = (y.wrapping_sub(top) as usize).wrapping_mul(pitch);
            let first = first.wrapping_add((x.wrapping_sub(left) as usize).wrapping_mul(filters));
            let outputs = Outputs {
                first,
                pitch,
                filters,
                rows: bottom.wrapping_sub(y),
                columns: behind.wrapping_sub(x),
            };
            for quad in 0..filters.div_ceil(4) {
                weights.products(scratch.tiles, quad, &mut products);
                outputs.store(&products, quad, &mut tail);
            }
            x = x.wrapping_add(4);
        }
        y = y.wrapping_add(2);
    }
}

/// Where the outputs of two tiles go.
struct Outputs {
    /// The first code of the first one.
    first: usize,
    /// Codes from one row to the next.
    pitch: usize,
    /// Codes of one.
    filters: usize,
    /// Rows and columns from the first output on.
    rows: u32,
    columns: u32,
}

impl Outputs {
    #[inline(never)]
    fn store<K: Isa, T: Code>(&self, products: &TileProducts, quad: usize, tail: &mut High<'_, K, T>) {
        let isa = tail.isa;
        let first = self.first.wrapping_add(quad.wrapping_mul(4));
        let (HighForm { lines, offsets, shift }, output) = tail.parts(first);
        let parameters = offsets.as_chunks().0.get(quad).zip(lines.as_chunks().0.get(quad));
        if let Some(parameters) = parameters.filter(|_| self.rows >= 2 && self.columns >= 4)
            && isa.codes_of_tiles(products, parameters, shift, [self.filters, self.pitch], output)
        {
            return;
        }
        let mut sums = [[[0; 4]; 4]; 2];
        add_up(products, tail.starts(quad), &mut sums);
        let mut first = self.first;
        for row in sums.iter().take(self.rows as usize) {
            let mut start = first;
            for sums in row.iter().take(self.columns as usize) {
                tail.store(start, quad, *sums);
                start = start.wrapping_add(self.filters);
            }
            first = first.wrapping_add(self.pitch);
        }
    }
}

/// Computes `conv`, output after output: of each two tiles the first one.
#[inline(never)]
pub fn conv2d<S: Source, K: Isa, T: Tail<i32>>(
    conv: &Conv<'_>,
    weights: Winograd<'_, K>,
    input: S,
    scratch: &mut [i16],
    mut tail: T,
) {
    let [down, right] = conv.window.axes();
    let Some(mut scratch) = Scratch::new(scratch, conv.input[2].div_ceil(4) as usize) else { return };
    let filters = conv.out_channels as usize;
    let (mut products, mut sums) = ([[0; 8]; 16], [[[0; 4]; 4]; 2]);
    for y in conv.area.rows() {
        for x in conv.area.columns() {
            transform(conv, weights.isa, input, [down.start(y), right.start(x)], &mut scratch);
            for quad in 0..filters.div_ceil(4) {
                weights.products(scratch.tiles, quad, &mut products);
                let first = quad.wrapping_mul(4);
                add_up(&products, starts(conv.bias, first), &mut sums);
                let [[accs, ..], _] = &mut sums;
                let channels = filters.wrapping_sub(first).min(4);
                tail.store(first, accs.get_mut(..channels).unwrap_or_default());
            }
        }
    }
}

fn starts(bias: Bias<'_>, first: usize) -> [i32; 4] {
    [0usize, 1, 2, 3].map(|channel| bias.at(first.wrapping_add(channel)))
}
