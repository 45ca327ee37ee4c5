//! Convolutions with two spatial dimensions as linear maps: forward, adjoint (the gradient of the input, which is also
//! the transposed convolution) and the gradient of the weight. Called by `ops::Convolution`.
//!
//! Samples are independent. Each one's windows become columns in a buffer of its thread, small enough for the cache,
//! and a matrix product does the rest; windows of one element need no columns, and filters that each see one channel
//! go to `depthwise`.

use pulp::Arch;

use super::depthwise::Plane;
use super::gemm::{Matrix, Packed, multiply_add};
use super::parallel::{map_chunks, map_parts, part_samples, sum_in_order};
use super::window::{element, outputs_inside};

/// The shape of a convolution from `[batch, in_channels, input]` to `[batch, out_channels, output]`. Pairs are height
/// and width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conv {
    pub(super) batch: usize,
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
    pub(super) groups: usize,
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    /// Zeros before the first element.
    pub(super) begin: [usize; 2],
    pub(super) dilation: [usize; 2],
}

fn area(extents: [usize; 2]) -> usize {
    extents[0] * extents[1]
}

/// What a task needs besides its operands.
struct Task {
    conv: Conv,
    plane: Option<Plane>,
    scratch: Vec<f32>,
    packed: Packed,
    arch: Arch,
}

impl Conv {
    /// Elements of the input of a sample.
    fn x_elems(&self) -> usize {
        self.in_channels * area(self.input)
    }

    /// Elements of the output of a sample.
    fn y_elems(&self) -> usize {
        self.out_channels * area(self.output)
    }

    /// Elements of a window.
    fn inner(&self) -> usize {
        self.in_channels / self.groups * area(self.kernel)
    }

    fn pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.input == self.output
    }

    fn task(&self) -> Task {
        let depthwise = self.in_channels == self.groups && self.stride == [1, 1];
        let plane =
            depthwise.then(|| Plane::new(self.input, self.output, self.kernel, self.begin, self.dilation));
        let scratch = match &plane {
            Some(plane) => plane.scratch_elems(),
            None if self.pointwise() => 0,
            None => self.inner() * area(self.output),
        };
        Task { conv: *self, plane, scratch: vec![0.0; scratch], packed: Packed::default(), arch: Arch::new() }
    }

    /// `y` of all samples.
    pub(super) fn forward(&self, x: &[f32], weight: &[f32]) -> Vec<f32> {
        let samples = part_samples(self.batch);
        let mut out = vec![0.0; self.batch * self.y_elems()];
        map_chunks(&mut out, samples * self.y_elems(), |part, out| {
            let mut task = self.task();
            let x = &x[part * samples * self.x_elems()..];
            for (x, y) in x.chunks_exact(self.x_elems()).zip(out.chunks_exact_mut(self.y_elems())) {
                task.forward(x, weight, y);
            }
        });
        out
    }

    /// The transposed map of `y`: an `x` of all samples.
    pub(super) fn adjoint(&self, y: &[f32], weight: &[f32]) -> Vec<f32> {
        let samples = part_samples(self.batch);
        let mut out = vec![0.0; self.batch * self.x_elems()];
        map_chunks(&mut out, samples * self.x_elems(), |part, out| {
            let mut task = self.task();
            let y = &y[part * samples * self.y_elems()..];
            for (y, x) in y.chunks_exact(self.y_elems()).zip(out.chunks_exact_mut(self.x_elems())) {
                task.adjoint(y, weight, x);
            }
        });
        out
    }

    /// The gradient of the weight, given that of `y`.
    pub(super) fn weight_gradient(&self, x: &[f32], y: &[f32]) -> Vec<f32> {
        let samples = part_samples(self.batch);
        let weight_elems = self.out_channels * self.inner();
        let parts = map_parts(self.batch.div_ceil(samples), y.len(), |part| {
            let mut task = self.task();
            let mut weight = vec![0.0; weight_elems];
            let x = x[part * samples * self.x_elems()..].chunks_exact(self.x_elems());
            let y = y[part * samples * self.y_elems()..].chunks_exact(self.y_elems());
            for (x, y) in x.zip(y).take(samples) {
                task.weight_gradient(x, y, &mut weight);
            }
            weight
        });
        sum_in_order(parts, weight_elems)
    }

    /// Calls `f(columns, x)` for each run of columns that stems from one row of `x`, both as ranges of elements with
    /// the step between elements of `x`.
    #[inline(always)]
    fn runs(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [_, out_width] = self.output;
        for channel in 0..self.in_channels / self.groups {
            for tap in 0..area(self.kernel) {
                let [ky, kx] = [tap / self.kernel[1], tap % self.kernel[1]];
                let row = (channel * area(self.kernel) + tap) * area(self.output);
                let shift = (kx * self.dilation[1]) as isize - self.begin[1] as isize;
                let outputs = outputs_inside(shift, self.stride[1], self.input[1], out_width);
                if outputs.is_empty() {
                    continue;
                }
                let x_first = (outputs.start * self.stride[1]).wrapping_add_signed(shift);
                let vertical = [self.stride[0], self.dilation[0], self.begin[0], self.input[0]];
                for y in 0..self.output[0] {
                    if let Some(x_row) = element(y, ky, vertical) {
                        let column = row + y * out_width + outputs.start;
                        let x = (channel * self.input[0] + x_row) * self.input[1] + x_first;
                        f(column, x, outputs.len());
                    }
                }
            }
        }
    }

    /// The windows of a group of channels, `[inner, output]`. Padding is left as it is in `columns`: zero.
    fn columns(&self, x: &[f32], columns: &mut [f32]) {
        let step = self.stride[1];
        self.runs(|column, start, len| {
            let columns = &mut columns[column..column + len];
            if step == 1 {
                columns.copy_from_slice(&x[start..start + len]);
            } else {
                columns.iter_mut().zip(x[start..].iter().step_by(step)).for_each(|(c, x)| *c = *x);
            }
        });
    }

    /// Adds each window to where it came from.
    fn add_columns(&self, columns: &[f32], x: &mut [f32]) {
        let step = self.stride[1];
        self.runs(|column, start, len| {
            let columns = &columns[column..column + len];
            if step == 1 {
                columns.iter().zip(&mut x[start..start + len]).for_each(|(c, x)| *x += c);
            } else {
                columns.iter().zip(x[start..].iter_mut().step_by(step)).for_each(|(c, x)| *x += c);
            }
        });
    }
}

impl Task {
    /// `y += weight` over the windows of `x`, one sample.
    fn forward(&mut self, x: &[f32], weight: &[f32], y: &mut [f32]) {
        let Self { conv, plane, scratch, packed, arch } = self;
        let [rows, inner, columns] = conv.matrix();
        if let Some(plane) = plane {
            for (out, (y, filter)) in y.chunks_exact_mut(columns).zip(weight.chunks_exact(inner)).enumerate()
            {
                let x = &x[out / rows * area(conv.input)..][..area(conv.input)];
                plane.forward(*arch, x, filter, y, scratch);
            }
            return;
        }
        let groups = x.chunks_exact(x.len() / conv.groups).zip(weight.chunks_exact(rows * inner));
        for ((x, weight), y) in groups.zip(y.chunks_exact_mut(rows * columns)) {
            let windows = conv.windows(x, scratch);
            let (weight, windows) = (Matrix::new(weight, inner), Matrix::new(windows, columns));
            multiply_add(*arch, y, weight, windows, [rows, inner, columns], packed);
        }
    }

    /// `x += ` the transposed map of `y`, one sample.
    fn adjoint(&mut self, y: &[f32], weight: &[f32], x: &mut [f32]) {
        let Self { conv, plane, scratch, packed, arch } = self;
        let [rows, inner, columns] = conv.matrix();
        if let Some(plane) = plane {
            for (out, (y, filter)) in y.chunks_exact(columns).zip(weight.chunks_exact(inner)).enumerate() {
                let x = &mut x[out / rows * area(conv.input)..][..area(conv.input)];
                plane.adjoint(*arch, y, filter, x, scratch);
            }
            return;
        }
        let group_elems = x.len() / conv.groups;
        let groups = x.chunks_exact_mut(group_elems).zip(weight.chunks_exact(rows * inner));
        for ((x, weight), y) in groups.zip(y.chunks_exact(rows * columns)) {
            let (weight, y) = (Matrix::new(weight, inner).transposed(), Matrix::new(y, columns));
            if conv.pointwise() {
                multiply_add(*arch, x, weight, y, [inner, rows, columns], packed);
            } else {
                scratch.fill(0.0);
                multiply_add(*arch, scratch, weight, y, [inner, rows, columns], packed);
                conv.add_columns(scratch, x);
            }
        }
    }

    /// `weight += ` its gradient from one sample.
    fn weight_gradient(&mut self, x: &[f32], y: &[f32], weight: &mut [f32]) {
        let Self { conv, plane, scratch, packed, arch } = self;
        let [rows, inner, columns] = conv.matrix();
        if let Some(plane) = plane {
            for (out, (y, filter)) in y.chunks_exact(columns).zip(weight.chunks_exact_mut(inner)).enumerate()
            {
                let x = &x[out / rows * area(conv.input)..][..area(conv.input)];
                plane.weight_gradient(*arch, x, y, filter, scratch);
            }
            return;
        }
        let groups = x.chunks_exact(x.len() / conv.groups).zip(weight.chunks_exact_mut(rows * inner));
        for ((x, weight), y) in groups.zip(y.chunks_exact(rows * columns)) {
            let windows = conv.windows(x, scratch);
            let (y, windows) = (Matrix::new(y, columns), Matrix::new(windows, columns).transposed());
            multiply_add(*arch, weight, y, windows, [rows, columns, inner], packed);
        }
    }
}

impl Conv {
    /// The weight's rows per group, the elements of a window, and the windows of a sample.
    fn matrix(&self) -> [usize; 3] {
        [self.out_channels / self.groups, self.inner(), area(self.output)]
    }

    /// The windows of a group: `x` itself where they have one element.
    fn windows<'a>(&self, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        if self.pointwise() {
            return x;
        }
        self.columns(x, scratch);
        scratch
    }
}
