//! Windows over height and width, in the file's order of axes.

use crate::graph::{Conv, ConvTranspose, Layout, Pool, SumPool, Window};

/// A channels-first operand and the shape of the result.
pub(super) struct Spatial<'a> {
    pub(super) x: &'a [i64],
    pub(super) shape: &'a [usize],
    pub(super) output: &'a [usize],
}

impl Spatial<'_> {
    /// The element of `channel` under tap `tap` of the window at `position`; `None` in the padding.
    fn tap(&self, window: &Window, channel: usize, position: [usize; 2], tap: [usize; 2]) -> Option<i64> {
        let mut at = [0; 2];
        for axis in 0..2 {
            let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
            at[axis] = padded.checked_sub(window.pads[axis]).filter(|i| *i < self.shape[axis + 2])?;
        }
        Some(self.element(channel, at))
    }

    fn element(&self, channel: usize, at: [usize; 2]) -> i64 {
        self.x[(channel * self.shape[2] + at[0]) * self.shape[3] + at[1]]
    }

    /// Calls `f` for every output channel and position, in the order of elements.
    fn map(&self, mut f: impl FnMut(usize, [usize; 2]) -> i64) -> Vec<i64> {
        let mut result = Vec::with_capacity(self.output.iter().product());
        for channel in 0..self.output[1] {
            for row in 0..self.output[2] {
                for column in 0..self.output[3] {
                    result.push(f(channel, [row, column]));
                }
            }
        }
        result
    }
}

fn taps(window: &Window) -> impl Iterator<Item = [usize; 2]> + use<> {
    let [rows, columns] = window.size;
    (0..rows).flat_map(move |i| (0..columns).map(move |j| [i, j]))
}

pub(super) fn convolve(
    layer: &Spatial<'_>,
    zero_point: i64,
    weights: &[i64],
    bias: &[i64],
    conv: &Conv,
) -> Vec<i64> {
    assert_eq!(conv.layout, Layout::ChannelsFirst, "quantized graphs keep the file's order of axes");
    let per_group = layer.shape[1] / conv.groups;
    let outputs_per_group = layer.output[1] / conv.groups;
    let [kh, kw] = conv.window.size;
    layer.map(|output, position| {
        let first = output / outputs_per_group * per_group;
        let mut sum = bias.get(output).copied().unwrap_or(0);
        for input in 0..per_group {
            for tap in taps(&conv.window) {
                if let Some(x) = layer.tap(&conv.window, first + input, position, tap) {
                    let weight = weights[((output * per_group + input) * kh + tap[0]) * kw + tap[1]];
                    sum += weight * (x - zero_point);
                }
            }
        }
        sum
    })
}

/// Every element of the input is spread over a window of the output; weights are stored outputs first.
pub(super) fn convolve_transposed(
    layer: &Spatial<'_>,
    zero_point: i64,
    weights: &[i64],
    bias: &[i64],
    conv: &ConvTranspose,
) -> Vec<i64> {
    let window = &conv.window;
    let per_group = layer.shape[1] / conv.groups;
    let outputs_per_group = layer.output[1] / conv.groups;
    let [kh, kw] = window.size;
    let place = layer.output[2] * layer.output[3];
    let mut sums: Vec<i64> =
        (0..layer.output[1] * place).map(|i| bias.get(i / place).copied().unwrap_or(0)).collect();
    for group in 0..conv.groups {
        for input in 0..per_group {
            for at in (0..layer.shape[2]).flat_map(|i| (0..layer.shape[3]).map(move |j| [i, j])) {
                let x = layer.element(group * per_group + input, at) - zero_point;
                for tap in taps(window) {
                    let to = |axis: usize| {
                        let position = at[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
                        position.checked_sub(window.pads[axis]).filter(|i| *i < layer.output[axis + 2])
                    };
                    let (Some(row), Some(column)) = (to(0), to(1)) else { continue };
                    for output in 0..outputs_per_group {
                        let output = group * outputs_per_group + output;
                        let weight = weights[((output * per_group + input) * kh + tap[0]) * kw + tap[1]];
                        sums[output * place + row * layer.output[3] + column] += weight * x;
                    }
                }
            }
        }
    }
    sums
}

pub(super) fn max_pool(layer: &Spatial<'_>, pool: &Pool) -> Vec<i64> {
    layer.map(|channel, position| {
        let seen = taps(&pool.window).filter_map(|tap| layer.tap(&pool.window, channel, position, tap));
        seen.max().expect("padding is smaller than the window")
    })
}

pub(super) fn sum_pool(layer: &Spatial<'_>, SumPool { pool, zero_point, unit }: &SumPool) -> Vec<i64> {
    layer.map(|channel, position| {
        let seen: Vec<i64> =
            taps(&pool.window).filter_map(|tap| layer.tap(&pool.window, channel, position, tap)).collect();
        let sum: i64 = seen.iter().map(|x| x - zero_point).sum();
        if *unit == 0 { sum } else { sum * (*unit as i64 / seen.len().max(1) as i64) }
    })
}
