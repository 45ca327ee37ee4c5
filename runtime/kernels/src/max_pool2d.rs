//! Max pooling: all channels of a pixel at once, so that codes are read in order.

use exactum_format::Window2d;
use exactum_num::codes::{Code, Codes, CodesMut};

use crate::image::{Area, Image};
use crate::isa::Isa;

/// Writes the largest code of each channel in the window of each position of `area`. Element types agree.
pub fn max_pool2d<K: Isa>(
    isa: K,
    window: &Window2d,
    in_shape: Image,
    area: Area,
    input: Codes<'_>,
    output: CodesMut<'_>,
) {
    match (input, output) {
        (Codes::I8(input), CodesMut::I8(output)) => positions(isa, window, in_shape, area, input, output),
        (Codes::U8(input), CodesMut::U8(output)) => positions(isa, window, in_shape, area, input, output),
        (Codes::I16(input), CodesMut::I16(output)) => positions(isa, window, in_shape, area, input, output),
        (Codes::I32(input), CodesMut::I32(output)) => positions(isa, window, in_shape, area, input, output),
        _ => {}
    }
}

/// The same of codes of one type.
#[inline(never)]
pub fn positions<K: Isa, T: Code>(
    isa: K,
    window: &Window2d,
    [height, width, channels]: Image,
    area: Area,
    input: &[T],
    mut output: &mut [T],
) {
    let ([down, right], channels) = (window.axes(), channels as usize);
    for out_y in area.rows() {
        let rows = down.inside(out_y, height);
        for out_x in area.columns() {
            let columns = right.inside(out_x, width);
            let Some((largest, rest)) = core::mem::take(&mut output).split_at_mut_checked(channels) else {
                return;
            };
            output = rest;
            largest.fill(T::MIN);
            for y in rows.elements() {
                for x in columns.elements() {
                    let pixel = y.wrapping_mul(width).wrapping_add(x) as usize;
                    let codes = input.get(pixel.wrapping_mul(channels)..).unwrap_or_default();
                    isa.max_each(codes.get(..channels).unwrap_or_default(), largest);
                }
            }
        }
    }
}
