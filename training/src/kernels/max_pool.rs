//! The largest element of each window of a plane. Called by `ops::MaxPool`.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::parallel::{map_chunks, part_samples};
use super::window::{element, outputs_inside};

/// Windows over planes of `input`; pairs are height and width.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxPool {
    /// Batch times channels.
    pub(super) planes: usize,
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Elements before the first, which are never the largest.
    pub(super) begin: [usize; 2],
    pub(super) dilation: [usize; 2],
}

/// The largest elements of a row of windows, and which of `taps` they are: the first, if there are several.
struct Row {
    largest: Vec<f32>,
    chosen: Vec<u32>,
    taps: Vec<Tap>,
    /// The elements of one tap.
    elements: Vec<f32>,
}

/// An element of the windows of a row.
struct Tap {
    /// Its row in the window.
    y: usize,
    /// The windows in which it is inside the input.
    outputs: Range<usize>,
    /// Its column in the input, in the first of these.
    first: usize,
}

/// Whether `x` is larger; what is not a number is. Results are selected, not branched on: which element is the largest
/// cannot be predicted.
#[inline(always)]
fn exceeds(x: f32, largest: f32) -> bool {
    (x > largest) | x.is_nan()
}

#[inline(always)]
fn larger(largest: f32, x: f32) -> f32 {
    if exceeds(x, largest) { x } else { largest }
}

fn area(extents: [usize; 2]) -> usize {
    extents[0] * extents[1]
}

impl MaxPool {
    /// The largest elements of all planes.
    pub(super) fn forward(&self, x: &[f32]) -> Vec<f32> {
        let planes = part_samples(self.planes);
        let mut out = vec![0.0; self.planes * area(self.output)];
        map_chunks(&mut out, planes * area(self.output), |part, out| {
            let mut row = self.row();
            let x = x[part * planes * area(self.input)..].chunks_exact(area(self.input));
            for (x, out) in x.zip(out.chunks_exact_mut(area(self.output))) {
                if self.is_halving() {
                    Arch::new().dispatch(Halve { width: self.input[1], x, out });
                    continue;
                }
                for (index, out) in out.chunks_exact_mut(self.output[1]).enumerate() {
                    self.find(x, index, &mut row);
                    out.copy_from_slice(&row.largest);
                }
            }
        });
        out
    }

    /// The gradient of `x`, given that of the result.
    pub(super) fn backward(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let planes = part_samples(self.planes);
        let mut out = vec![0.0; x.len()];
        map_chunks(&mut out, planes * area(self.input), |part, out| {
            let mut row = self.row();
            let x = x[part * planes * area(self.input)..].chunks_exact(area(self.input));
            let gradients = gradient[part * planes * area(self.output)..].chunks_exact(area(self.output));
            for ((x, gradients), out) in x.zip(gradients).zip(out.chunks_exact_mut(area(self.input))) {
                if self.is_halving() {
                    Arch::new().dispatch(HalveBack { width: self.input[1], x, gradients, out });
                    continue;
                }
                for (index, gradients) in gradients.chunks_exact(self.output[1]).enumerate() {
                    self.find(x, index, &mut row);
                    let top = index * self.stride[0];
                    for (window, (chosen, gradient)) in row.chosen.iter().zip(gradients).enumerate() {
                        let Some(tap) = row.taps.get(*chosen as usize) else { continue };
                        let y = top + tap.y * self.dilation[0] - self.begin[0];
                        let x = tap.first + (window - tap.outputs.start) * self.stride[1];
                        out[y * self.input[1] + x] += gradient;
                    }
                }
            }
        });
        out
    }

    /// Whether windows are pairs of pairs side by side, as nearly all max pools have them.
    fn is_halving(&self) -> bool {
        let plain = self.begin == [0, 0] && self.dilation == [1, 1];
        plain && self.kernel == [2, 2] && self.stride == [2, 2] && self.input == self.output.map(|n| 2 * n)
    }

    fn row(&self) -> Row {
        let taps = (0..self.kernel[0]).flat_map(|y| (0..self.kernel[1]).map(move |x| (y, x)));
        let tap = |(y, x): (usize, usize)| {
            let shift = (x * self.dilation[1]) as isize - self.begin[1] as isize;
            let outputs = outputs_inside(shift, self.stride[1], self.input[1], self.output[1]);
            let first = (outputs.start * self.stride[1]).wrapping_add_signed(shift);
            Tap { y, outputs, first }
        };
        let taps = taps.map(tap).filter(|tap| !tap.outputs.is_empty());
        let [largest, elements] = [(); 2].map(|()| vec![0.0; self.output[1]]);
        Row { largest, chosen: vec![0; self.output[1]], taps: taps.collect(), elements }
    }

    /// Fills `row` with the windows of row `index`. What is not a number counts as the largest.
    fn find(&self, plane: &[f32], index: usize, row: &mut Row) {
        let Row { largest, chosen, taps, elements } = row;
        largest.fill(f32::NEG_INFINITY);
        chosen.fill(u32::MAX);
        let vertical = [self.stride[0], self.dilation[0], self.begin[0], self.input[0]];
        for (number, tap) in taps.iter().enumerate() {
            let Some(y) = element(index, tap.y, vertical) else { continue };
            let elements = &mut elements[tap.outputs.clone()];
            let row = plane[y * self.input[1] + tap.first..].chunks(self.stride[1]);
            elements.iter_mut().zip(row).for_each(|(element, x)| *element = x[0]);
            let windows = largest[tap.outputs.clone()].iter_mut().zip(&mut chosen[tap.outputs.clone()]);
            for ((largest, chosen), x) in windows.zip(elements) {
                *chosen = if exceeds(*x, *largest) { number as u32 } else { *chosen };
                *largest = larger(*largest, *x);
            }
        }
    }
}

/// The largest elements of a plane's pairs of pairs.
struct Halve<'a> {
    width: usize,
    x: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Halve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows = self.x.chunks_exact(2 * self.width).zip(self.out.chunks_exact_mut(self.width / 2));
        for (rows, out) in rows {
            let (top, bottom) = rows.split_at(self.width);
            let (top, bottom) = (top.as_chunks::<2>().0, bottom.as_chunks::<2>().0);
            for (([a, b], [c, d]), out) in top.iter().zip(bottom).zip(out) {
                *out = larger(larger(*a, *b), larger(*c, *d));
            }
        }
    }
}

/// The gradient of a plane from that of its pairs of pairs.
struct HalveBack<'a> {
    width: usize,
    x: &'a [f32],
    gradients: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for HalveBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let rows = self.x.chunks_exact(2 * self.width).zip(self.out.chunks_exact_mut(2 * self.width));
        for ((rows, out), gradients) in rows.zip(self.gradients.chunks_exact(self.width / 2)) {
            let ((top, bottom), (out_top, out_bottom)) =
                (rows.split_at(self.width), out.split_at_mut(self.width));
            let (top, bottom) = (top.as_chunks::<2>().0, bottom.as_chunks::<2>().0);
            let out_top = out_top.as_chunks_mut::<2>().0;
            let out_bottom = out_bottom.as_chunks_mut::<2>().0;
            let windows = top.iter().zip(bottom).zip(out_top).zip(out_bottom).zip(gradients);
            for (((([a, b], [c, d]), out_top), out_bottom), gradient) in windows {
                let largest = larger(larger(*a, *b), larger(*c, *d));
                let is = [a, b, c, d].map(|x| *x == largest);
                let first =
                    [is[0], is[1] & !is[0], is[2] & !is[0] & !is[1], is[3] & !is[0] & !is[1] & !is[2]];
                let [a, b, c, d] = first.map(|first| if first { *gradient } else { 0.0 });
                (*out_top, *out_bottom) = ([a, b], [c, d]);
            }
        }
    }
}
