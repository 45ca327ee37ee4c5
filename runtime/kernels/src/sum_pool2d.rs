//! Sum and average pooling: a block of channels of a pixel at once, so that codes are read in order.

use exactum_format::Window2d;
use exactum_num::codes::{Code, Codes, CodesMut};
use exactum_num::with_codes;

use crate::image::{Area, Image};
use crate::isa::Isa;
use crate::store::{BLOCK_CHANNELS, blocks};
use crate::tail::{Said, Stored, Tail};

/// What is summed.
#[derive(Clone, Copy, Debug)]
pub struct SumPool<'a> {
    /// Window, stride, dilation, padding.
    pub window: &'a Window2d,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// 0 for sums; for averages a common multiple of the numbers of taps inside the image.
    pub unit: u32,
}

/// Computes `pool` at the positions of `area`; see [`exactum_format::op::SumPool2d`] for the formula.
pub fn sum_pool2d<K: Isa>(
    pool: &SumPool<'_>,
    in_shape: Image,
    area: Area,
    input: Codes<'_>,
    tail: Stored<Said<'_, K>, CodesMut<'_>>,
) {
    let isa = tail.finish.isa;
    with_codes!(Codes, input, codes => positions(isa, pool, in_shape, area, codes, tail));
}

/// The same of codes of one type.
#[inline(never)]
pub fn positions<K: Isa, C: Code, T: Tail<i32>>(
    isa: K,
    pool: &SumPool<'_>,
    [height, width, channels]: Image,
    area: Area,
    input: &[C],
    mut tail: T,
) {
    let [down, right] = pool.window.axes();
    let mut accs = [0i32; BLOCK_CHANNELS];
    for out_y in area.rows() {
        let rows = down.inside(out_y, height);
        for out_x in area.columns() {
            let columns = right.inside(out_x, width);
            let taps = rows.taps.wrapping_mul(columns.taps);
            let factor =
                if pool.unit == 0 { 1 } else { pool.unit.checked_div(taps).unwrap_or_default() as i32 };
            let zero = pool.input_zero_point.wrapping_mul(taps as i32);
            blocks([0, channels as usize], |first, elems| {
                let Some(accs) = accs.get_mut(..elems) else { return };
                accs.fill(0);
                for y in rows.elements() {
                    for x in columns.elements() {
                        let pixel = y.wrapping_mul(width).wrapping_add(x) as usize;
                        let start = pixel.wrapping_mul(channels as usize).wrapping_add(first);
                        isa.sum_each(input.get(start..).unwrap_or_default(), accs);
                    }
                }
                accs.iter_mut().for_each(|acc| *acc = acc.wrapping_sub(zero).wrapping_mul(factor));
                tail.store(first, accs);
            });
        }
    }
}
