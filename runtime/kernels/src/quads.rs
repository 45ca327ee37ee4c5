//! Layers whose filters are packed in fours: one pointer leads through the weights of four filters, so that processors with few
//! registers keep four sums in theirs.
//!
//! Elements are weights plus 128, which processors load without a sign more easily. What that adds to a sum, 128 times all codes of
//! the position, is taken off where it starts.

use exactum_format::{Bias, pair_elems};
use exactum_num::codes::Code;

use crate::gathered::{DenseRows, Gather, Gathered, Geometry, Windows};
use crate::high::High;
use crate::image::Conv;
use crate::isa::{Isa, Spread};
use crate::matrix::Dense;
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::Tail;

/// Weights that are packed in fours, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct FilterQuads<'p, K> {
    weights: &'p [u8],
    isa: K,
}

impl<'p, K: Isa> FilterQuads<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [u8]) -> Self {
        Self { weights, isa }
    }

    /// The rows of four filters of `elems` weights, four weights of each in one row.
    fn quads(self, elems: usize) -> impl Iterator<Item = &'p [[u8; 16]]> {
        // Layers without weights have no rows.
        self.weights.as_chunks::<16>().0.chunks((pair_elems(elems) >> 2).max(1))
    }
}

/// Computes `conv`, of one group, with a tail of the form that keeps the high word.
#[inline]
pub fn conv2d_high<S: Source, K: Isa, T: Code>(
    conv: &Conv<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut windows = Windows::new(conv, input, weights.isa);
    let geometry = windows.geometry();
    high(&mut windows, &geometry, weights, scratch, tail);
}

/// Computes `conv`, of one group.
#[inline]
pub fn conv2d<S: Source, K: Isa, T: Tail<i32>>(
    conv: &Conv<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut windows = Windows::new(conv, input, weights.isa);
    let geometry = windows.geometry();
    any(&mut windows, &geometry, conv.bias, weights, scratch, tail);
}

/// Computes `dense`, all its features, with a tail of the form that keeps the high word.
#[inline]
pub fn dense_high<S: Source, K: Isa, T: Code>(
    dense: &Dense<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut rows = DenseRows::new(dense, input, weights.isa);
    let geometry = rows.geometry();
    high(&mut rows, &geometry, weights, scratch, tail);
}

/// Computes `dense`, all its features.
#[inline]
pub fn dense<S: Source, K: Isa, T: Tail<i32>>(
    dense: &Dense<'_>,
    weights: FilterQuads<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut rows = DenseRows::new(dense, input, weights.isa);
    let geometry = rows.geometry();
    any(&mut rows, &geometry, dense.bias, weights, scratch, tail);
}

/// One copy for all kinds of layers and codes that are read.
#[inline(never)]
fn high<K: Isa, T: Code>(
    from: &mut dyn Gather,
    geometry: &Geometry,
    weights: FilterQuads<'_, K>,
    scratch: &mut [i16],
    mut tail: High<'_, K, T>,
) {
    let Geometry { positions, elems, filters } = *geometry;
    let mut gathered = Gathered { codes: scratch };
    let mut start = 0usize;
    for _ in 0..positions {
        from.gather(&mut gathered.lane(Spread::Only));
        let codes = gathered.view(elems, 1);
        let about @ [surplus, _] = surplus(weights.isa, codes);
        let (form, output) = tail.parts(start);
        let output = output.get_mut(..filters).unwrap_or_default();
        let rows = weights.weights.as_chunks().0;
        let done = weights.isa.codes_of_quads(codes, rows, about, &form, output);
        for (quad, rows) in weights.quads(elems).enumerate().skip(done) {
            let starts = tail.starts(quad).map(|start| start.wrapping_sub(surplus));
            let sums = sums(weights.isa, codes, rows, starts);
            tail.store(start, quad, sums);
        }
        start = start.wrapping_add(filters);
    }
}

/// One copy for all kinds of layers and codes that are read.
#[inline(never)]
fn any<K: Isa, T: Tail<i32>>(
    from: &mut dyn Gather,
    geometry: &Geometry,
    bias: Bias<'_>,
    weights: FilterQuads<'_, K>,
    scratch: &mut [i16],
    mut tail: T,
) {
    let Geometry { positions, elems, filters } = *geometry;
    let mut gathered = Gathered { codes: scratch };
    let mut all = [[0i32; 4]; BLOCK_CHANNELS / 4];
    for _ in 0..positions {
        from.gather(&mut gathered.lane(Spread::Only));
        let codes = gathered.view(elems, 1);
        let [surplus, _] = surplus(weights.isa, codes);
        let mut rows = weights.quads(elems);
        blocks([0, filters], |first, channels| {
            let quads = (first >> 2..).zip(all.iter_mut().take(channels.div_ceil(4)));
            for ((quad, of_quad), rows) in quads.zip(&mut rows) {
                let channel = |index: usize| quad.wrapping_mul(4).wrapping_add(index);
                let start = |index: usize| bias.at(channel(index)).wrapping_sub(surplus);
                *of_quad = sums(weights.isa, codes, rows, [start(0), start(1), start(2), start(3)]);
            }
            tail.store(first, all.as_flattened_mut().get_mut(..channels).unwrap_or_default());
        });
    }
}

/// What the 128 that all elements have too much add to a sum; an integer that is negative if a code is.
#[inline(never)]
fn surplus<K: Isa>(isa: K, codes: &[[i16; 4]]) -> [i32; 2] {
    let [sum, all] = isa.sum_codes(codes);
    [sum.wrapping_shl(7), all]
}

/// Not inlined: one copy for all kinds of layers and codes.
#[inline(never)]
fn sums<K: Isa>(isa: K, codes: &[[i16; 4]], rows: &[[u8; 16]], starts: [i32; 4]) -> [i32; 4] {
    isa.dot_quads(codes, rows, starts)
}
