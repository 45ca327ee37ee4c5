//! Max pooling: all channels of a pixel at once, so that codes are read in order.

use super::conv2d::Image;
use super::taps;
use crate::codes::{Code, Codes, CodesMut};
use crate::program::Window2d;

/// Writes the largest code of each channel in each window. Shapes are height, width, channels; element types agree.
pub(crate) fn max_pool2d(
    window: &Window2d,
    in_shape: [u32; 3],
    out_shape: [u32; 3],
    input: Codes<'_>,
    output: CodesMut<'_>,
) {
    let (in_shape, out_shape) = (in_shape.map(|dim| dim as usize), out_shape.map(|dim| dim as usize));
    match (input, output) {
        (Codes::I8(input), CodesMut::I8(output)) => positions(window, in_shape, out_shape, input, output),
        (Codes::U8(input), CodesMut::U8(output)) => positions(window, in_shape, out_shape, input, output),
        (Codes::I16(input), CodesMut::I16(output)) => positions(window, in_shape, out_shape, input, output),
        (Codes::I32(input), CodesMut::I32(output)) => positions(window, in_shape, out_shape, input, output),
        _ => {}
    }
}

#[inline(never)]
fn positions<T: Code>(
    window: &Window2d,
    [height, width, channels]: Image,
    [out_height, out_width, _]: Image,
    input: &[T],
    mut output: &mut [T],
) {
    let ([rows, columns], [dilation_y, dilation_x]) = (window.size, window.dilation);
    let ([stride_y, stride_x], [top, left, ..]) = (window.stride, window.pads);
    for out_y in 0..out_height {
        let taps_y = taps::inside(taps::origin(out_y, stride_y, top), rows, dilation_y, height);
        for out_x in 0..out_width {
            let taps_x = taps::inside(taps::origin(out_x, stride_x, left), columns, dilation_x, width);
            let Some((largest, rest)) = core::mem::take(&mut output).split_at_mut_checked(channels) else {
                return;
            };
            output = rest;
            largest.fill(T::MIN);
            for (_, y) in taps_y.clone() {
                for (_, x) in taps_x.clone() {
                    let pixel = y.wrapping_mul(width).wrapping_add(x);
                    let codes = input.get(pixel.wrapping_mul(channels)..).unwrap_or_default();
                    raise(largest, codes.get(..channels).unwrap_or_default());
                }
            }
        }
    }
}

/// Raises each of `largest` to the code at its position; four at a time, so that the compiler keeps one pointer for
/// each slice.
fn raise<T: Code>(largest: &mut [T], codes: &[T]) {
    let ((largest, last_largest), (codes, last_codes)) =
        (largest.as_chunks_mut::<4>(), codes.as_chunks::<4>());
    for (largest, codes) in largest.iter_mut().zip(codes) {
        for (largest, code) in largest.iter_mut().zip(codes) {
            *largest = (*largest).max(*code);
        }
    }
    for (largest, code) in last_largest.iter_mut().zip(last_codes) {
        *largest = (*largest).max(*code);
    }
}
