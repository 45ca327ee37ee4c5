//! Tiles of 3 by 3 convolutions, written over words of two integers of 16 bits.

use exactum_num::codes::Code;

use super::pairs::Halves;
use super::portable::centered;

/// Codes of four channels, of four rows of six columns; channels 0 and 2, then 1 and 3.
pub type TileCodes = [[i16; 4]; 24];

/// What the windows of two tiles are transformed to: of each of 16 places channels 0 and 2 of both tiles, then 1 and 3.
pub type Tiles = [[i16; 8]; 16];

/// Products of each of 16 places: of each of four filters those of both tiles.
pub type TileProducts = [[i32; 8]; 16];

/// Neighbouring pixels of an image, and where they go.
#[derive(Clone, Copy, Debug)]
pub struct Pixels {
    /// The first code.
    pub first: usize,
    /// Codes from one row to the next.
    pub pitch: usize,
    /// Codes of a pixel.
    pub channels: usize,
    /// Rows and columns.
    pub size: [usize; 2],
    /// Place of the first pixel.
    pub place: usize,
}

/// Writes codes minus `zero_point`, and zeros for channels that fill the last four.
#[inline(always)]
pub(super) fn gather<T: Code>(codes: &[T], zero_point: i32, pixels: &Pixels, to: &mut [TileCodes]) {
    let [rows, columns] = pixels.size;
    for row in 0..rows {
        let first = pixels.first.wrapping_add(row.wrapping_mul(pixels.pitch));
        let place = pixels.place.wrapping_add(row.wrapping_mul(6));
        let codes = codes.get(first..).unwrap_or_default().chunks(pixels.channels.max(1));
        for (place, pixel) in (place..).take(columns).zip(codes) {
            for (to, four) in to.iter_mut().zip(pixel.chunks(4)) {
                let at = |index: usize| four.get(index).map_or(0, |code| centered(*code, zero_point));
                if let Some(to) = to.get_mut(place) {
                    *to = [at(0), at(2), at(1), at(3)];
                }
            }
        }
    }
}

/// What the columns of a window become: of four rows.
#[inline(always)]
fn column<H: Halves>([a, b, c, d]: [[i16; 2]; 4]) -> [[i16; 2]; 4] {
    [H::difference(a, c), H::sum(b, c), H::difference(c, b), H::difference(b, d)]
}

/// Writes word `WORD` of each place of a tile, whose columns were transformed.
#[inline(always)]
fn tile<H: Halves, const WORD: usize>(columns: [[[i16; 2]; 4]; 4], to: &mut Tiles) {
    let [a, b, c, d] = columns;
    let rows = to.as_chunks_mut::<4>().0.iter_mut();
    for ((((row, a), b), c), d) in rows.zip(a).zip(b).zip(c).zip(d) {
        for (place, word) in row.iter_mut().zip(column::<H>([a, b, c, d])) {
            if let Some(to) = place.as_chunks_mut::<2>().0.get_mut(WORD) {
                *to = word;
            }
        }
    }
}

/// The transformed windows of two tiles, of half of the channels: `$word` of each place of codes.
macro_rules! transform_half {
    ($codes:ident, $instructions:ident, $pick:expr, $first:literal, $second:literal, $to:ident) => {{
        let (rows, pick) = ($codes.as_chunks::<6>().0, $pick);
        if let [a, b, c, d] = rows {
            let mut columns = [[[0i16; 2]; 4]; 6];
            for ((((to, a), b), c), d) in columns.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *to = column::<$instructions>([pick(a), pick(b), pick(c), pick(d)]);
            }
            let [a, b, c, d, e, f] = columns;
            tile::<$instructions, $first>([a, b, c, d], $to);
            tile::<$instructions, $second>([c, d, e, f], $to);
        }
    }};
}

#[inline(always)]
pub(super) fn transform<H: Halves>(codes: &[TileCodes], to: &mut [Tiles]) {
    for (codes, to) in codes.iter().zip(to) {
        transform_half!(codes, H, |code: &[i16; 4]| [code[0], code[1]], 0, 1, to);
        transform_half!(codes, H, |code: &[i16; 4]| [code[2], code[3]], 2, 3, to);
    }
}

/// Products of `tiles` with four filters, of whose weights there are two rows for each place and each of `tiles`.
#[inline(always)]
pub(super) fn products<H: Halves>(weights: &[[i16; 8]], tiles: &[Tiles], products: &mut TileProducts) {
    let of_place = tiles.len().wrapping_mul(2);
    *products = [[0; 8]; 16];
    if of_place == 0 {
        return;
    }
    for ((place, sums), rows) in products.iter_mut().enumerate().zip(weights.chunks_exact(of_place)) {
        for (tile, rows) in tiles.iter().zip(rows.as_chunks::<2>().0) {
            let codes = tile.get(place).copied().unwrap_or_default();
            for (codes, row) in codes.as_chunks::<4>().0.iter().zip(rows) {
                let [a, b, c, d] = *codes;
                for (sums, weights) in sums.as_chunks_mut::<2>().0.iter_mut().zip(row.as_chunks::<2>().0) {
                    let [first, second] = *sums;
                    *sums =
                        [H::multiply_add([a, b], *weights, first), H::multiply_add([c, d], *weights, second)];
                }
            }
        }
    }
}
