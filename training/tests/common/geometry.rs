//! Convolutions by loops, over numbers of any type: what layers and operators are compared with.

use std::ops::{AddAssign, Mul};

/// A convolution over two axes, or the way back; one-dimensional ones have a first axis of extent 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
    pub(crate) extents: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Before and behind each axis.
    pub(crate) pads: [[usize; 2]; 2],
    pub(crate) output_padding: [usize; 2],
}

impl Geometry {
    fn axes(self, f: impl Fn(usize) -> usize) -> [usize; 2] {
        [f(0), f(1)]
    }

    /// Extents behind the convolution, or behind its transpose.
    pub(crate) fn output(self, transposed: bool) -> [usize; 2] {
        self.axes(|axis| {
            let (extent, stride) = (self.extents[axis], self.stride[axis]);
            let span = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
            let padding: usize = self.pads[axis].iter().sum();
            if transposed {
                (extent - 1) * stride + span + self.output_padding[axis] - padding
            } else {
                (extent + padding - span) / stride + 1
            }
        })
    }

    /// Adds up, over every product there is, what it contributes to which output.
    pub(crate) fn apply<T>(self, transposed: bool, x: &[T], w: &[T]) -> Vec<T>
    where
        T: Copy + Default + AddAssign + Mul<Output = T>,
    {
        let (output, [height, width]) = (self.output(transposed), self.extents);
        let (inputs, outputs) = (self.inputs / self.groups, self.outputs / self.groups);
        let mut y = vec![T::default(); self.batch * self.outputs * output[0] * output[1]];
        for (sample, group) in (0..self.batch * self.groups).map(|i| (i / self.groups, i % self.groups)) {
            for (input, out) in (0..inputs * outputs).map(|i| (i / outputs, i % outputs)) {
                let (from, to) = (group * inputs + input, group * outputs + out);
                let row = if transposed { from * outputs + out } else { to * inputs + input };
                for tap in 0..self.kernel[0] * self.kernel[1] {
                    let taps = [tap / self.kernel[1], tap % self.kernel[1]];
                    let weight = w[row * self.kernel[0] * self.kernel[1] + tap];
                    // Places of the output are a stride apart in the input; of the transpose, the other way round.
                    let (near, far) =
                        if transposed { (self.extents, output) } else { (output, self.extents) };
                    for place in (0..near[0] * near[1]).map(|i| [i / near[1], i % near[1]]) {
                        let reach = self.axes(|axis| {
                            (place[axis] * self.stride[axis] + taps[axis] * self.dilation[axis])
                                .wrapping_sub(self.pads[axis][0])
                        });
                        if reach[0] >= far[0] || reach[1] >= far[1] {
                            continue;
                        }
                        let (at, into) = if transposed { (place, reach) } else { (reach, place) };
                        let value = x[((sample * self.inputs + from) * height + at[0]) * width + at[1]];
                        let target = sample * self.outputs + to;
                        y[(target * output[0] + into[0]) * output[1] + into[1]] += weight * value;
                    }
                }
            }
        }
        y
    }
}
