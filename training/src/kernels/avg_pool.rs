//! The mean of each window of a plane, padding counted, summed in the order of burn's. Called by `ops::Average`.

use std::ops::Range;

use super::parallel::{map_chunks, part_samples};

/// Windows over planes of `input`; pairs are height and width.
#[derive(Clone, Copy, Debug)]
pub(super) struct AvgPool {
    /// Batch times channels.
    pub(super) planes: usize,
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Zeros on both sides.
    pub(super) padding: [usize; 2],
}

fn area(extents: [usize; 2]) -> usize {
    extents[0] * extents[1]
}

impl AvgPool {
    /// The means of all planes.
    pub(super) fn forward(&self, x: &[f32]) -> Vec<f32> {
        let mut means = vec![0.0; self.planes * area(self.output)];
        self.map_planes(&mut means, self.output, x, self.input, |x, means| {
            self.windows(|index, elems, [rows, columns]| {
                let row = |row: usize| &x[row * self.input[1]..][columns.clone()];
                means[index] = rows.flat_map(row).fold(0.0, |sum, x| sum + x) / elems;
            });
        });
        means
    }

    /// The gradient of the input, given that of the means.
    pub(super) fn backward(&self, gradient: &[f32]) -> Vec<f32> {
        let mut of_x = vec![0.0; self.planes * area(self.input)];
        self.map_planes(&mut of_x, self.input, gradient, self.output, |gradient, of_x| {
            self.windows(|index, elems, [rows, columns]| {
                let share = gradient[index] / elems;
                for row in rows {
                    for x in &mut of_x[row * self.input[1]..][columns.clone()] {
                        *x += share;
                    }
                }
            });
        });
        of_x
    }

    /// `f(from, to)` for all planes.
    fn map_planes(
        &self,
        to: &mut [f32],
        to_extents: [usize; 2],
        from: &[f32],
        from_extents: [usize; 2],
        f: impl Fn(&[f32], &mut [f32]) + Send + Sync,
    ) {
        let planes = part_samples(self.planes);
        map_chunks(to, planes * area(to_extents), |part, to| {
            let from = from[part * planes * area(from_extents)..].chunks_exact(area(from_extents));
            for (from, to) in from.zip(to.chunks_exact_mut(area(to_extents))) {
                f(from, to);
            }
        });
    }

    /// Index, number of elements, and rows and columns inside the input, of each window.
    fn windows(&self, mut f: impl FnMut(usize, f32, [Range<usize>; 2])) {
        for index in 0..area(self.output) {
            let place = [index / self.output[1], index % self.output[1]];
            let span = |axis: usize| {
                let start = place[axis] * self.stride[axis];
                // Windows end with the padding at the latest.
                let end = (start + self.kernel[axis]).min(self.input[axis] + 2 * self.padding[axis]);
                let inside = |at: usize| at.saturating_sub(self.padding[axis]).min(self.input[axis]);
                (end - start, inside(start)..inside(end))
            };
            let [(height, rows), (width, columns)] = [span(0), span(1)];
            f(index, (height * width) as f32, [rows, columns]);
        }
    }
}
