//! The codes of one output position after the other, gathered once for all filters: rows of a dense layer, windows of a
//! convolution. Called by the kernels of packings whose filters are multiplied together.

use exactum_format::pair_elems;

use crate::image::Conv;
use crate::isa::{Isa, Rows, Spread};
use crate::lane::Lane;
use crate::matrix::Dense;
use crate::source::Source;

/// Scratch for the codes of two positions, or of one.
pub(crate) struct Gathered<'s> {
    pub(crate) codes: &'s mut [i16],
}

impl Gathered<'_> {
    pub(crate) fn lane(&mut self, at: Spread) -> Lane<'_> {
        Lane::new(self.codes, at)
    }

    pub(crate) fn view(&self, elems: usize, positions: usize) -> &[[i16; 4]] {
        let codes = pair_elems(elems).wrapping_mul(positions);
        self.codes.get(..codes).unwrap_or_default().as_chunks().0
    }
}

/// What gathers the codes of one position after the other.
pub(crate) trait Gather {
    fn gather(&mut self, lane: &mut Lane<'_>);

    /// The same of the next two positions at once; whether it can be done.
    fn gather_two(&mut self, to: &mut [i16]) -> bool;
}

/// What a layer multiplies.
pub(crate) struct Geometry {
    pub(crate) positions: usize,
    /// Weights of a filter.
    pub(crate) elems: usize,
    pub(crate) filters: usize,
}

/// The rows of a dense layer.
pub(crate) struct DenseRows<'a, S, K> {
    dense: &'a Dense<'a>,
    input: S,
    isa: K,
    /// The next row.
    position: usize,
}

impl<'a, S: Source, K: Isa> DenseRows<'a, S, K> {
    /// From the first row on.
    pub(crate) fn new(dense: &'a Dense<'a>, input: S, isa: K) -> Self {
        Self { dense, input, isa, position: 0 }
    }

    pub(crate) fn geometry(&self) -> Geometry {
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
pub(crate) struct Windows<'a, S, K> {
    conv: &'a Conv<'a>,
    input: S,
    isa: K,
    /// The next position.
    y: u32,
    x: u32,
}

impl<'a, S: Source, K: Isa> Windows<'a, S, K> {
    /// From the first position of the area on.
    pub(crate) fn new(conv: &'a Conv<'a>, input: S, isa: K) -> Self {
        Self { conv, input, isa, y: conv.area.rows[0], x: conv.area.columns[0] }
    }

    pub(crate) fn geometry(&self) -> Geometry {
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
