//! Sines and cosines of the fractions of a turn that a frame needs, and its window: whole numbers, computed by integers while this is
//! compiled, so that no library of floats has a say.

use crate::FRAME;

/// Bits behind the point of what the tables are computed with.
const DEEP: u32 = 60;
/// Pi with [`DEEP`] bits behind the point.
const PI: i128 = 0x0003_243F_6A88_85A3_08D3 >> 4;

/// Cosine and sine of `index / FRAME` of a turn, times 2^15, for the first half turn.
pub(crate) const TURN: [(i32, i32); FRAME / 2] = {
    let mut table = [(0, 0); FRAME / 2];
    let mut index = 0;
    while index < FRAME / 2 {
        table[index] = (to_15(cosine(index)), to_15(cosine((index + 3 * FRAME / 4) % FRAME)));
        index += 1;
    }
    table
};

/// The window of Hann, times 2^15: `(1 - cos) / 2`, periodic.
pub(crate) const HANN: [i32; FRAME] = {
    let mut table = [0; FRAME];
    let mut index = 0;
    while index < FRAME {
        table[index] = to_15(((1 << DEEP) - cosine(index)) / 2);
        index += 1;
    }
    table
};

/// The nearest multiple of 2^-15.
const fn to_15(value: i128) -> i32 {
    ((value + (1 << (DEEP - 16))) >> (DEEP - 15)) as i32
}

/// The cosine of `index / FRAME` of a turn, by its series about the nearest quarter.
const fn cosine(index: usize) -> i128 {
    // The cosine is even, and changes its sign after half a turn.
    let index = if index > FRAME / 2 { FRAME - index } else { index };
    let (index, sign) = if index > FRAME / 4 { (FRAME / 2 - index, -1) } else { (index, 1) };
    let angle = 2 * PI * index as i128 / FRAME as i128;
    let square = (angle * angle) >> DEEP;
    let (mut sum, mut term, mut n) = (1i128 << DEEP, 1i128 << DEEP, 0);
    while n < 24 {
        term = -(((term * square) >> DEEP) / ((n + 1) * (n + 2)));
        sum += term;
        n += 2;
    }
    sign * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn tables_are_the_nearest_numbers() {
        for (index, found) in HANN.iter().enumerate() {
            let angle = TAU * index as f64 / FRAME as f64;
            let nearest = |value: f64| (value * 32768.0).round() as i32;
            assert_eq!(*found, nearest((1.0 - angle.cos()) / 2.0), "window {index}");
            if let Some(found) = TURN.get(index) {
                assert_eq!(*found, (nearest(angle.cos()), nearest(angle.sin())), "turn {index}");
            }
        }
    }
}
