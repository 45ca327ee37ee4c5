//! One filter over one padded plane at stride 1, both laid out flat: a row's end runs into the next row's padding, so
//! that every inner loop is one long vector. Called by `conv` where channels do not mix.

use pulp::{Arch, Simd, WithSimd};

/// Inner loops run over whole blocks: two of the widest vectors. What they touch past the end is never read.
const BLOCK: usize = 32;

/// A plane of `[height, width]` with its padding, and where the taps of a filter find their elements.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    input: [usize; 2],
    output: [usize; 2],
    begin: [usize; 2],
    /// Elements of a padded row: without a stride the outputs and the reach of the filter fill it exactly.
    row: usize,
    /// Distance of each tap from the first.
    taps: Vec<usize>,
}

impl Plane {
    /// The plane of a convolution with stride 1.
    pub(super) fn new(
        input: [usize; 2],
        output: [usize; 2],
        kernel: [usize; 2],
        begin: [usize; 2],
        dilation: [usize; 2],
    ) -> Self {
        let row = output[1] + (kernel[1] - 1) * dilation[1];
        let taps = (0..kernel[0])
            .flat_map(|y| (0..kernel[1]).map(move |x| y * dilation[0] * row + x * dilation[1]))
            .collect();
        Self { input, output, begin, row, taps }
    }

    /// Elements of `scratch` that [`forward`](Self::forward) and its relatives need. They are zero at first, and each
    /// buffer stays with one of the three, which writes the same places on every call.
    pub(super) fn scratch_elems(&self) -> usize {
        2 * self.buffer_elems()
    }

    fn buffer_elems(&self) -> usize {
        (self.run() + 2 * self.reach()).next_multiple_of(BLOCK) + BLOCK
    }

    /// Elements from the first to the last output, gaps included.
    fn run(&self) -> usize {
        (self.output[0] - 1) * self.row + self.output[1]
    }

    /// Where the first element of the unpadded plane is.
    fn start(&self) -> usize {
        self.begin[0] * self.row + self.begin[1]
    }

    /// Distance of the last tap.
    fn reach(&self) -> usize {
        self.taps.last().copied().unwrap_or_default()
    }

    /// `out += filter` over `x`.
    pub(super) fn forward(
        &self,
        arch: Arch,
        x: &[f32],
        filter: &[f32],
        out: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (plane, flat) = scratch.split_at_mut(self.buffer_elems());
        self.pad(x, plane);
        let flat = &mut flat[..self.run().next_multiple_of(BLOCK)];
        arch.dispatch(Correlate { plane, taps: &self.taps, filter, out: flat, mirrored: false });
        for (out, flat) in out.chunks_exact_mut(self.output[1]).zip(flat.chunks(self.row)) {
            out.iter_mut().zip(flat).for_each(|(out, flat)| *out += flat);
        }
    }

    /// `x += ` the transposed filter over `y`.
    pub(super) fn adjoint(&self, arch: Arch, y: &[f32], filter: &[f32], x: &mut [f32], scratch: &mut [f32]) {
        let (plane, flat) = scratch.split_at_mut(self.buffer_elems());
        self.spread(y, plane);
        let flat = &mut flat[..(self.run() + self.reach()).next_multiple_of(BLOCK)];
        arch.dispatch(Correlate { plane, taps: &self.taps, filter, out: flat, mirrored: true });
        let rows = flat[self.start()..].chunks(self.row);
        for (x, flat) in x.chunks_exact_mut(self.input[1]).zip(rows) {
            x.iter_mut().zip(flat).for_each(|(x, flat)| *x += flat);
        }
    }

    /// `filter += ` what each tap of `x` contributes to `y`.
    pub(super) fn weight_gradient(
        &self,
        arch: Arch,
        x: &[f32],
        y: &[f32],
        filter: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (plane, flat) = scratch.split_at_mut(self.buffer_elems());
        self.pad(x, plane);
        self.spread(y, flat);
        let flat = &flat[self.reach()..][..self.run().next_multiple_of(BLOCK)];
        arch.dispatch(Dots { plane, taps: &self.taps, flat, out: filter });
    }

    /// `x` with its padding from the start of `plane` on.
    fn pad(&self, x: &[f32], plane: &mut [f32]) {
        let rows = plane[self.start()..].chunks_mut(self.row);
        for (plane, x) in rows.zip(x.chunks_exact(self.input[1])) {
            // Rows are short: a loop is faster than a call.
            plane.iter_mut().zip(x).for_each(|(plane, x)| *plane = *x);
        }
    }

    /// `y` with zeros in the gaps between rows, after as many zeros as the last tap is away.
    fn spread(&self, y: &[f32], plane: &mut [f32]) {
        let rows = plane[self.reach()..].chunks_mut(self.row);
        for (plane, y) in rows.zip(y.chunks_exact(self.output[1])) {
            plane.iter_mut().zip(y).for_each(|(plane, y)| *plane = *y);
        }
    }
}

/// `out[i] = sum of filter[t] * plane[i + taps[t]]`; mirrored, `plane[i + last tap - taps[t]]`.
struct Correlate<'a> {
    plane: &'a [f32],
    taps: &'a [usize],
    filter: &'a [f32],
    out: &'a mut [f32],
    mirrored: bool,
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let reach = self.taps.last().copied().unwrap_or_default();
        let (out, _) = S::as_mut_simd_f32s(self.out);
        let (out, _) = out.as_chunks_mut::<2>();
        for (block, out) in out.iter_mut().enumerate() {
            let start = block * 2 * S::F32_LANES;
            let mut sums = [simd.splat_f32s(0.0); 2];
            for (&tap, &weight) in self.taps.iter().zip(self.filter) {
                let first = start + if self.mirrored { reach - tap } else { tap };
                let (plane, _) = S::as_simd_f32s(&self.plane[first..first + 2 * S::F32_LANES]);
                let weight = simd.splat_f32s(weight);
                for (sum, plane) in sums.iter_mut().zip(plane) {
                    *sum = simd.mul_add_e_f32s(weight, *plane, *sum);
                }
            }
            *out = sums;
        }
    }
}

/// `out[t] += sum of flat[i] * plane[i + taps[t]]`.
struct Dots<'a> {
    plane: &'a [f32],
    taps: &'a [usize],
    flat: &'a [f32],
    out: &'a mut [f32],
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (flat, _) = S::as_simd_f32s(self.flat);
        for (&tap, out) in self.taps.iter().zip(self.out) {
            let (plane, _) = S::as_simd_f32s(&self.plane[tap..][..self.flat.len()]);
            let mut sum = simd.splat_f32s(0.0);
            for (&flat, &plane) in flat.iter().zip(plane) {
                sum = simd.mul_add_e_f32s(flat, plane, sum);
            }
            *out += simd.reduce_sum_f32s(sum);
        }
    }
}
