//! Sums and windows in floats: matrix products, convolutions, pools; channels first, sums in the order of the weights.

use super::{Operands, moves};
use crate::graph::{AveragePool, Conv, ConvTranspose, Pool, Window};

/// `alpha * a * b + beta * c`; `a` may have leading axes, which count as rows.
pub(super) fn gemm(operands: &Operands<'_>, [alpha, beta]: [f32; 2], transposed: [bool; 2]) -> Vec<f32> {
    let turned = |index: usize| {
        let (values, shape) = operands.at(index);
        match (transposed[index], shape) {
            (true, [rows, columns]) => {
                (exactum_host::elements::permuted(values, shape, &[1, 0]), vec![*columns, *rows])
            }
            _ => (values.to_vec(), shape.to_vec()),
        }
    };
    let ((a, _), (b, b_shape)) = (turned(0), turned(1));
    let (inner, columns) = match b_shape.as_slice() {
        [inner, columns] => (*inner, *columns),
        _ => (b.len(), 1),
    };
    let c = operands.get(2).map(|(values, shape)| moves::broadcast(values, shape, operands.output));
    let mut result = Vec::with_capacity(operands.output.iter().product());
    for row in a.chunks(inner.max(1)) {
        for column in 0..columns {
            let sum: f32 = row.iter().enumerate().map(|(k, a)| a * b[k * columns + column]).sum();
            let added = c.as_ref().map_or(0.0, |c| beta * c[result.len()]);
            result.push(alpha * sum + added);
        }
    }
    result
}

/// Where tap `tap` of the window at `position` lies in an image of `size`; `None` in the padding.
fn place(window: &Window, size: &[usize], position: [usize; 2], tap: [usize; 2]) -> Option<usize> {
    let mut at = [0; 2];
    for axis in 0..2 {
        let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
        at[axis] = padded.checked_sub(window.pads[axis]).filter(|i| *i < size[axis])?;
    }
    Some(at[0] * size[1] + at[1])
}

/// Calls `f` for each channel and position of an output of `shape`.
fn map(shape: &[usize], mut f: impl FnMut(usize, [usize; 2]) -> f32) -> Vec<f32> {
    let mut result = Vec::with_capacity(shape.iter().product());
    for channel in 0..shape[1] {
        for row in 0..shape[2] {
            for column in 0..shape[3] {
                result.push(f(channel, [row, column]));
            }
        }
    }
    result
}

fn taps(window: &Window) -> impl Iterator<Item = [usize; 2]> + Clone + use<> {
    let [height, width] = window.size;
    (0..height).flat_map(move |row| (0..width).map(move |column| [row, column]))
}

pub(super) fn convolve(operands: &Operands<'_>, conv: &Conv) -> Vec<f32> {
    let (x, shape, (weights, _)) = (operands.x(), operands.shape(), operands.at(1));
    let bias = operands.get(2).map_or(&[][..], |(bias, _)| bias);
    let (per_group, outputs_per_group) = (shape[1] / conv.groups, operands.output[1] / conv.groups);
    let [height, width] = conv.window.size;
    let plane = shape[2] * shape[3];
    map(operands.output, |output, position| {
        let first = output / outputs_per_group * per_group;
        let mut sum = 0.0;
        for input in 0..per_group {
            let filter = &weights[(output * per_group + input) * height * width..];
            for (tap, weight) in taps(&conv.window).zip(filter) {
                if let Some(at) = place(&conv.window, &shape[2..], position, tap) {
                    sum += x[(first + input) * plane + at] * weight;
                }
            }
        }
        sum + bias.get(output).unwrap_or(&0.0)
    })
}

pub(super) fn convolve_transposed(operands: &Operands<'_>, conv: &ConvTranspose) -> Vec<f32> {
    let (x, shape, (weights, _)) = (operands.x(), operands.shape(), operands.at(1));
    let bias = operands.get(2).map_or(&[][..], |(bias, _)| bias);
    let (per_group, outputs_per_group) = (shape[1] / conv.groups, operands.output[1] / conv.groups);
    let [height, width] = conv.window.size;
    let plane = operands.output[2] * operands.output[3];
    let mut result = map(operands.output, |output, _| bias.get(output).copied().unwrap_or(0.0));
    for input in 0..shape[1] {
        let first = input / per_group * outputs_per_group;
        for row in 0..shape[2] {
            for column in 0..shape[3] {
                let x = x[(input * shape[2] + row) * shape[3] + column];
                for output in 0..outputs_per_group {
                    let filter = &weights[(input * outputs_per_group + output) * height * width..];
                    for (tap, weight) in taps(&conv.window).zip(filter) {
                        if let Some(at) = place(&conv.window, &operands.output[2..], [row, column], tap) {
                            result[(first + output) * plane + at] += x * weight;
                        }
                    }
                }
            }
        }
    }
    result
}

pub(super) fn max_pool(operands: &Operands<'_>, pool: &Pool) -> Vec<f32> {
    let (x, shape) = (operands.x(), operands.shape());
    let plane = shape[2] * shape[3];
    map(operands.output, |channel, position| {
        let seen = taps(&pool.window).filter_map(|tap| place(&pool.window, &shape[2..], position, tap));
        seen.map(|at| x[channel * plane + at]).fold(f32::NEG_INFINITY, f32::max)
    })
}

pub(super) fn average_pool(operands: &Operands<'_>, pool: &AveragePool) -> Vec<f32> {
    let (x, shape) = (operands.x(), operands.shape());
    let window = &pool.pool.window;
    let plane = shape[2] * shape[3];
    // With padding counted, elements past it that a rounded-up output reaches still do not count.
    let counted = |position: [usize; 2], tap: [usize; 2]| {
        (0..2).all(|axis| {
            let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
            padded < shape[axis + 2] + window.pads[axis] + window.pads[axis + 2]
        })
    };
    map(operands.output, |channel, position| {
        let (mut sum, mut seen, mut all) = (0.0, 0u32, 0u32);
        for tap in taps(window) {
            all += u32::from(counted(position, tap));
            if let Some(at) = place(window, &shape[2..], position, tap) {
                sum += x[channel * plane + at];
                seen += 1;
            }
        }
        sum / if pool.count_include_pad { all } else { seen } as f32
    })
}
