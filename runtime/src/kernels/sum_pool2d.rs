//! Sum and average pooling: a block of channels of a pixel at once, so that codes are read in order.

use super::store::{BLOCK_CHANNELS, blocks, store};
use crate::codes::{Code, Codes, CodesMut, with_codes};
use crate::program::op::SumPool2d;

/// Computes `op`; see [`SumPool2d`] for the formula. Shapes are height, width, channels.
pub(crate) fn sum_pool2d(
    op: &SumPool2d<'_>,
    in_shape: [u32; 3],
    out_shape: [u32; 3],
    input: Codes<'_>,
    output: CodesMut<'_>,
) {
    with_codes!(Codes, input, codes => positions(op, in_shape, out_shape, codes, output));
}

#[inline(never)]
fn positions<T: Code>(
    op: &SumPool2d<'_>,
    [height, width, channels]: [u32; 3],
    [out_height, out_width, _]: [u32; 3],
    input: &[T],
    mut output: CodesMut<'_>,
) {
    let [down, right] = op.window.axes();
    let mut accs = [0i32; BLOCK_CHANNELS];
    for out_y in 0..out_height {
        let rows = down.inside(out_y, height);
        for out_x in 0..out_width {
            let columns = right.inside(out_x, width);
            let taps = rows.taps.wrapping_mul(columns.taps);
            let factor = if op.unit == 0 { 1 } else { op.unit.checked_div(taps).unwrap_or_default() as i32 };
            let zero = op.input_zero_point.wrapping_mul(taps as i32);
            blocks(channels as usize, |first, elems| {
                let Some(accs) = accs.get_mut(..elems) else { return };
                accs.fill(0);
                for y in rows.elements(down.dilation()) {
                    for x in columns.elements(right.dilation()) {
                        let pixel = y.wrapping_mul(width).wrapping_add(x) as usize;
                        let start = pixel.wrapping_mul(channels as usize).wrapping_add(first);
                        let codes = input.get(start..).unwrap_or_default();
                        for (acc, code) in accs.iter_mut().zip(codes) {
                            *acc = acc.wrapping_add((*code).into());
                        }
                    }
                }
                accs.iter_mut().for_each(|acc| *acc = acc.wrapping_sub(zero).wrapping_mul(factor));
                store(op.requant.as_ref(), first, accs, output.take_front(elems));
            });
        }
    }
}
