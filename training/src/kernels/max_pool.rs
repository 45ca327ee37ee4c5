//! The largest element of each window of a plane. Called by `ops::MaxPool`.

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

/// The largest elements of a row of windows, and where in the plane they are: the first, if there are several.
struct Row {
    largest: Vec<f32>,
    place: Vec<usize>,
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
                for (index, gradients) in gradients.chunks_exact(self.output[1]).enumerate() {
                    self.find(x, index, &mut row);
                    for (place, gradient) in row.place.iter().zip(gradients) {
                        out[*place] += gradient;
                    }
                }
            }
        });
        out
    }

    fn row(&self) -> Row {
        Row { largest: vec![0.0; self.output[1]], place: vec![0; self.output[1]] }
    }

    /// Fills `row` with the windows of row `index`. What is not a number counts as the largest.
    fn find(&self, plane: &[f32], index: usize, row: &mut Row) {
        row.largest.fill(f32::NEG_INFINITY);
        let [_, width] = self.input;
        let taps = (0..self.kernel[0]).flat_map(|y| (0..self.kernel[1]).map(move |x| [y, x]));
        for [tap_y, tap_x] in taps {
            let vertical = [self.stride[0], self.dilation[0], self.begin[0], self.input[0]];
            let Some(y) = element(index, tap_y, vertical) else { continue };
            let shift = (tap_x * self.dilation[1]) as isize - self.begin[1] as isize;
            let outputs = outputs_inside(shift, self.stride[1], width, self.output[1]);
            if outputs.is_empty() {
                continue;
            }
            let first = y * width + (outputs.start * self.stride[1]).wrapping_add_signed(shift);
            let elements = plane[first..].iter().step_by(self.stride[1]);
            let found = row.largest[outputs.clone()].iter_mut().zip(&mut row.place[outputs]);
            for (count, ((largest, place), x)) in found.zip(elements).enumerate() {
                if *x > *largest || x.is_nan() {
                    (*largest, *place) = (*x, first + count * self.stride[1]);
                }
            }
        }
    }
}
