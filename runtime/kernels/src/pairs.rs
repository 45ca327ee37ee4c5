//! Layers whose filters are packed in pairs: the codes of two positions are gathered once for all filters, and each element
//! of the weights is multiplied with both.

use exactum_format::{Bias, pair_elems};
use exactum_num::codes::Code;

use crate::high::High;
use crate::image::Conv;
use crate::isa::{Isa, Rows, Spread};
use crate::lane::Lane;
use crate::matrix::Dense;
use crate::source::Source;
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

/// Scratch for the codes of two positions, or of one.
struct Gathered<'s> {
    codes: &'s mut [i16],
}

impl Gathered<'_> {
    fn lane(&mut self, at: Spread) -> Lane<'_> {
        Lane::new(self.codes, at)
    }

    fn view(&self, elems: usize, positions: usize) -> &[[i16; 4]] {
        let codes = pair_elems(elems).wrapping_mul(positions);
        self.codes.get(..codes).unwrap_or_default().as_chunks().0
    }
}

/// What gathers the codes of one position after the other.
trait Gather {
    fn gather(&mut self, lane: &mut Lane<'_>);

    /// The same of the next two positions at once; whether it can be done.
    fn gather_two(&mut self, to: &mut [i16]) -> bool;
}

struct Geometry {
    positions: usize,
    /// Weights of a filter.
    elems: usize,
    filters: usize,
}

/// Computes `conv`, of one group, with a tail of the form that keeps the high word.
#[inline(never)]
pub fn conv2d_high<S: Source, K: Isa, T: Code>(
    conv: &Conv<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut windows =
        Windows { conv, input, isa: weights.isa(), y: conv.area.rows[0], x: conv.area.columns[0] };
    let geometry = windows.geometry();
    high(&mut windows, &geometry, weights, scratch, tail);
}

/// Computes `conv`, of one group.
#[inline(never)]
pub fn conv2d<S: Source, K: Isa, T: Tail<i32>>(
    conv: &Conv<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut windows =
        Windows { conv, input, isa: weights.isa(), y: conv.area.rows[0], x: conv.area.columns[0] };
    let geometry = windows.geometry();
    any(&mut windows, &geometry, conv.bias, weights, scratch, tail);
}

/// Computes `dense`, all its features, with a tail of the form that keeps the high word.
#[inline(never)]
pub fn dense_high<S: Source, K: Isa, T: Code>(
    dense: &Dense<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: High<'_, K, T>,
) {
    let mut rows = DenseRows { dense, input, isa: weights.isa(), position: 0 };
    let geometry = rows.geometry();
    high(&mut rows, &geometry, weights, scratch, tail);
}

/// Computes `dense`, all its features.
#[inline(never)]
pub fn dense<S: Source, K: Isa, T: Tail<i32>>(
    dense: &Dense<'_>,
    weights: FilterPairs<'_, K>,
    input: S,
    scratch: &mut [i16],
    tail: T,
) {
    let mut rows = DenseRows { dense, input, isa: weights.isa(), position: 0 };
    let geometry = rows.geometry();
    any(&mut rows, &geometry, dense.bias, weights, scratch, tail);
}

/// Two positions at a time.
#[inline(always)]
fn high<K: Isa, T: Code>(
    from: &mut impl Gather,
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
#[inline(always)]
fn any<K: Isa, T: Tail<i32>>(
    from: &mut impl Gather,
    geometry: &Geometry,
    bias: Bias<'_>,
    weights: FilterPairs<'_, K>,
    scratch: &mut [i16],
    mut tail: T,
) {
    let Geometry { positions, elems, filters } = *geometry;
    let mut gathered = Gathered { codes: scratch };
    for _ in 0..positions {
        from.gather(&mut gathered.lane(Spread::Only));
        let codes = gathered.view(elems, 1);
        let mut first = 0usize;
        while let Some(rows) = weights.block(elems, first >> 3).filter(|_| first < filters) {
            let channels = filters.wrapping_sub(first).min(8);
            let start = |channel: usize| bias.at(first.wrapping_add(channel));
            let starts = [[start(0), start(1), start(2), start(3)], [start(4), start(5), start(6), start(7)]];
            let [[a, b, c, d], [e, f, g, h]] = sums_of_one(weights.isa, codes, rows, starts);
            let mut sums = [a, b, c, d, e, f, g, h];
            tail.store(first, sums.get_mut(..channels).unwrap_or_default());
            first = first.wrapping_add(channels);
        }
    }
}

/// The rows of a dense layer.
struct DenseRows<'a, S, K> {
    dense: &'a Dense<'a>,
    input: S,
    isa: K,
    /// The next row.
    position: usize,
}

impl<S: Source, K: Isa> DenseRows<'_, S, K> {
    fn geometry(&self) -> Geometry {
        let Dense { in_features, out_features: [_, filters], .. } = *self.dense;
        let positions = self.input.elems().checked_div(in_features).unwrap_or_default();
        Geometry { positions, elems: in_features, filters }
    }
}

impl<S: Source, K: Isa> Gather for DenseRows<'_, S, K> {
    fn gather(&mut self, lane: &mut Lane<'_>) {
        let elems = self.dense.in_features;
        let row = [1, elems, 0, self.position.wrapping_mul(elems)];
        self.input.spread_rows(self.isa, self.dense.input_zero_point, row, lane);
        self.position = self.position.wrapping_add(1);
        lane.fill_up();
    }

    fn gather_two(&mut self, to: &mut [i16]) -> bool {
        let elems = self.dense.in_features;
        let first = self.position.wrapping_mul(elems);
        let rows = Rows { first: [first, first.wrapping_add(elems)], rows: 1, elems: [elems, elems] };
        let done = self.dense.input_zero_point == 0 && self.input.spread_two(self.isa, &rows, to);
        if done {
            self.position = self.position.wrapping_add(2);
        }
        done
    }
}

/// The windows of a convolution.
struct Windows<'a, S, K> {
    conv: &'a Conv<'a>,
    input: S,
    isa: K,
    /// The next position.
    y: u32,
    x: u32,
}

impl<S: Source, K: Isa> Windows<'_, S, K> {
    fn geometry(&self) -> Geometry {
        let ([.., channels], filters) = (self.conv.input, self.conv.out_channels);
        let positions = self.conv.area.rows().len().wrapping_mul(self.conv.area.columns().len());
        let elems = self.conv.filter_elems(channels as usize);
        Geometry { positions, elems, filters: filters as usize }
    }
}

impl<S: Source, K: Isa> Gather for Windows<'_, S, K> {
    /// Of windows that lie inside the image, of neighbouring columns.
    #[inline(never)]
    fn gather_two(&mut self, to: &mut [i16]) -> bool {
        let (y, x) = (self.y, self.x);
        let Some(first) = self.inside([y, x]) else { return false };
        let (next_y, next_x) = self.after([y, x]);
        let Some(second) = self.inside([next_y, next_x]) else { return false };
        let [rows, columns] = self.conv.window.size.map(usize::from);
        let per_pixel = self.conv.input[2] as usize;
        let row = (self.conv.input[1] as usize).wrapping_mul(usize::from(self.conv.window.dilation[0]));
        let elems = [columns.wrapping_mul(per_pixel), row.wrapping_mul(per_pixel)];
        let rows = Rows { first: [first, second], rows, elems };
        let done = self.conv.input_zero_point == 0 && self.input.spread_two(self.isa, &rows, to);
        if done {
            (self.y, self.x) = self.after([next_y, next_x]);
        }
        done
    }

    #[inline(never)]
    fn gather(&mut self, lane: &mut Lane<'_>) {
        let at = [self.y, self.x];
        (self.y, self.x) = self.after(at);
        match self.inside(at) {
            Some(first) => {
                let Conv { input: [_, width, channels], window, input_zero_point, .. } = *self.conv;
                let per_pixel = channels as usize;
                let [rows, columns] = window.size.map(usize::from);
                let row = (width as usize).wrapping_mul(usize::from(window.dilation[0]));
                let elems = columns.wrapping_mul(per_pixel);
                let rows = [rows, elems, row.wrapping_mul(per_pixel), first];
                self.input.spread_rows(self.isa, input_zero_point, rows, lane);
            }
            None => self.border(at, lane),
        }
        lane.fill_up();
    }
}

impl<S: Source, K: Isa> Windows<'_, S, K> {
    /// The position after `[y, x]`.
    #[inline(always)]
    fn after(&self, [y, x]: [u32; 2]) -> (u32, u32) {
        let next = x.wrapping_add(1);
        let [first, behind] = self.conv.area.columns;
        if next >= behind { (y.wrapping_add(1), first) } else { (y, next) }
    }

    /// The first code of the window at `[y, x]`, if all of it lies inside the image, and rows of it are runs of codes.
    #[inline(always)]
    fn inside(&self, [y, x]: [u32; 2]) -> Option<usize> {
        let Conv { input: [height, width, channels], window, .. } = *self.conv;
        let along = |axis: usize, at: u32, limit: u32| {
            let place = |values: &[u16]| values.get(axis).copied().map(u32::from).unwrap_or_default();
            let (size, stride, dilation) =
                (place(&window.size), place(&window.stride), place(&window.dilation));
            let start = at.wrapping_mul(stride).checked_sub(place(&window.pads))?;
            let last = start.wrapping_add(size.wrapping_sub(1).wrapping_mul(dilation));
            (last < limit).then_some(start)
        };
        let (top, left) = (along(0, y, height)?, along(1, x, width)?);
        let runs = window.dilation[1] == 1 || window.size[1] == 1;
        runs.then_some(top.wrapping_mul(width).wrapping_add(left).wrapping_mul(channels) as usize)
    }

    /// The codes of a window of which taps may lie outside the image.
    #[inline(never)]
    fn border(&self, [y, x]: [u32; 2], lane: &mut Lane<'_>) {
        let Conv { input: [height, width, channels], window, .. } = *self.conv;
        let [down, right] = window.axes();
        let [rows, columns] = window.size.map(u32::from);
        let (inside, zero_point) = (right.inside(x, width), self.conv.input_zero_point);
        let (top, per_pixel) = (down.start(y), channels as usize);
        let all = columns.wrapping_mul(channels) as usize;
        // A window wholly in the padding has no taps inside.
        let before = inside.first_tap.min(columns);
        let after = columns.wrapping_sub(before).wrapping_sub(inside.taps);
        for tap in 0..rows {
            let Some(row) = down.element(top, tap, height) else {
                lane.push_zeros(all);
                continue;
            };
            let pixel = |x: u32| row.wrapping_mul(width).wrapping_add(x).wrapping_mul(channels) as usize;
            lane.push_zeros((before as usize).wrapping_mul(per_pixel));
            if right.is_dense() {
                let elems = (inside.taps as usize).wrapping_mul(per_pixel);
                self.input.spread_rows(
                    self.isa,
                    zero_point,
                    [1, elems, 0, pixel(inside.first_element)],
                    lane,
                );
            } else {
                for x in inside.elements() {
                    self.input.spread_rows(self.isa, zero_point, [1, per_pixel, 0, pixel(x)], lane);
                }
            }
            lane.push_zeros((after as usize).wrapping_mul(per_pixel));
        }
    }
}
