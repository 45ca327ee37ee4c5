//! Layers whose filters are packed in pairs: the codes of two positions are gathered once for all filters, and each element
//! of the weights is multiplied with both.

use exactum_format::{Bias, pair_elems};
use exactum_num::codes::Code;

use crate::gathered::{DenseRows, Gather, Gathered, Geometry, Windows};
use crate::high::High;
use crate::image::Conv;
use crate::isa::{Isa, Spread};
use crate::matrix::Dense;
use crate::source::Source;
use crate::store::{BLOCK_CHANNELS, blocks, start};
use crate::tail::Tail;

/// Weights that are packed in pairs, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct FilterPairs<'p, K> {
    weights: &'p [i16],
    isa: K,
}

impl<'p, K: Isa> FilterPairs<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [i16]) -> Self {
        Self { weights, isa }
    }

    /// The instructions that multiply.
    pub(crate) fn isa(self) -> K {
        self.isa
    }

    /// The rows of block `index` of eight filters of `elems` weights.
    fn block(self, elems: usize, index: usize) -> Option<&'p [[i16; 8]]> {
        let rows = pair_elems(elems) >> 1;
        let rest = self.weights.as_chunks::<8>().0.get(rows.checked_mul(index)?..)?;
        rest.get(..rows).filter(|rows| !rows.is_empty())
    }
}

/// Computes `conv`, of one group, with a tail of the form that keeps the high word.
#[inline]
pub fn conv2d_high<S: Source, K: Isa, T: Code>(
    conv: &Conv<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut windows = Windows::new(conv, input, weights.isa());
    let geometry = windows.geometry();
    high(&mut windows, &geometry, weights, scratch, tail);
}

/// Computes `conv`, of one group.
#[inline]
pub fn conv2d<S: Source, K: Isa, T: Tail<i32>>(
    conv: &Conv<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut windows = Windows::new(conv, input, weights.isa());
    let geometry = windows.geometry();
    any(&mut windows, &geometry, conv.bias, weights, scratch, tail);
}

/// Computes `dense`, all its features, with a tail of the form that keeps the high word.
#[inline]
pub fn dense_high<S: Source, K: Isa, T: Code>(
    dense: &Dense<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut rows = DenseRows::new(dense, input, weights.isa());
    let geometry = rows.geometry();
    high(&mut rows, &geometry, weights, scratch, tail);
}

/// Computes `dense`, all its features.
#[inline]
pub fn dense<S: Source, K: Isa, T: Tail<i32>>(
    dense: &Dense<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut rows = DenseRows::new(dense, input, weights.isa());
    let geometry = rows.geometry();
    any(&mut rows, &geometry, dense.bias, weights, scratch, tail);
}

/// Two positions at a time.
/// One copy for all kinds of layers and codes that are read.
#[inline(never)]
fn high<K: Isa, T: Code>(
    from: &mut dyn Gather,
    geometry: &Geometry,
    weights: FilterPairs<'_, K>,
    scratch: &mut [i16],
    mut tail: High<'_, K, T>,
) {
    let Geometry { positions, elems, filters } = *geometry;
    let mut gathered = Gathered { codes: scratch };
    let mut position = 0usize;
    while position < positions {
        let start = position.wrapping_mul(filters);
        if position.wrapping_add(1) < positions {
            if !from.gather_two(gathered.codes) {
                from.gather(&mut gathered.lane(Spread::First));
                from.gather(&mut gathered.lane(Spread::Second));
            }
            two(weights, gathered.view(elems, 2), elems, filters, start, &mut tail);
        } else {
            from.gather(&mut gathered.lane(Spread::Only));
            one(weights, gathered.view(elems, 1), elems, filters, start, &mut tail);
        }
        position = position.wrapping_add(2);
    }
}

#[inline(never)]
fn two<K: Isa, T: Code>(
    weights: FilterPairs<'_, K>,
    codes: &[[i16; 4]],
    elems: usize,
    filters: usize,
    start: usize,
    tail: &mut High<'_, K, T>,
) {
    let (form, output) = tail.parts(start);
    let (first, second) = output.split_at_mut_checked(filters).unwrap_or_default();
    let second = second.get_mut(..filters).unwrap_or_default();
    let rows = weights.weights.as_chunks::<8>().0;
    let mut quad = weights.isa.codes_of_two(codes, rows, &form, [first, second]);
    let quads = filters.div_ceil(4);
    while quad < quads {
        let Some(rows) = weights.block(elems, quad >> 1) else { return };
        let [first, second] = sums_of_two(weights.isa, codes, rows, quad & 1 == 1, tail.starts(quad));
        tail.store(start, quad, first);
        tail.store(start.wrapping_add(filters), quad, second);
        quad = quad.wrapping_add(1);
    }
}

#[inline(never)]
fn one<K: Isa, T: Code>(
    weights: FilterPairs<'_, K>,
    codes: &[[i16; 4]],
    elems: usize,
    filters: usize,
    start: usize,
    tail: &mut High<'_, K, T>,
) {
    let (form, output) = tail.parts(start);
    let output = output.get_mut(..filters).unwrap_or_default();
    let rows = weights.weights.as_chunks::<8>().0;
    let mut block = weights.isa.codes_of_one(codes, rows, &form, output);
    let quads = filters.div_ceil(4);
    while let Some(rows) = weights.block(elems, block) {
        let quad = block.wrapping_mul(2);
        let next = quad.wrapping_add(1);
        if quad >= quads {
            return;
        }
        let starts = [tail.starts(quad), if next < quads { tail.starts(next) } else { [0; 4] }];
        let [first, second] = sums_of_one(weights.isa, codes, rows, starts);
        tail.store(start, quad, first);
        if next < quads {
            tail.store(start, next, second);
        }
        block = block.wrapping_add(1);
    }
}

/// Not inlined: one copy for all kinds of layers and codes.
#[inline(never)]
fn sums_of_two<K: Isa>(
    isa: K,
    codes: &[[i16; 4]],
    rows: &[[i16; 8]],
    last: bool,
    starts: [i32; 4],
) -> [[i32; 4]; 2] {
    isa.dot_two(codes, rows, last, starts)
}

/// Not inlined: one copy for all kinds of layers and codes.
#[inline(never)]
fn sums_of_one<K: Isa>(
    isa: K,
    codes: &[[i16; 4]],
    rows: &[[i16; 8]],
    starts: [[i32; 4]; 2],
) -> [[i32; 4]; 2] {
    isa.dot_one(codes, rows, starts)
}

/// One position at a time, eight filters after the other.
/// One copy for all kinds of layers and codes that are read.
#[inline(never)]
fn any<K: Isa, T: Tail<i32>>(
    from: &mut dyn Gather,
    geometry: &Geometry,
    bias: Bias<'_>,
    weights: FilterPairs<'_, K>,
    scratch: &mut [i16],
    mut tail: T,
) {
    let Geometry { positions, elems, filters } = *geometry;
    let mut gathered = Gathered { codes: scratch };
    let mut sums = [[[0i32; 4]; 2]; BLOCK_CHANNELS / 8];
    for _ in 0..positions {
        from.gather(&mut gathered.lane(Spread::Only));
        let codes = gathered.view(elems, 1);
        blocks([0, filters], |first, channels| {
            let all = sums.as_flattened_mut().as_flattened_mut();
            start(bias, first, all.get_mut(..channels).unwrap_or_default());
            let octets = (first >> 3..).zip(sums.iter_mut().take(channels.div_ceil(8)));
            for (octet, sums) in octets {
                let Some(rows) = weights.block(elems, octet) else { return };
                *sums = sums_of_one(weights.isa, codes, rows, *sums);
            }
            let sums = sums.as_flattened_mut().as_flattened_mut();
            tail.store(first, sums.get_mut(..channels).unwrap_or_default());
        });
    }
}
