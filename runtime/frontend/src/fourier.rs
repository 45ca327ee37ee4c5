//! The Fourier transform of a frame, in place, without a division: a sum of 512 values of 16 bits fits 25.

use crate::FRAME;
use crate::circle::TURN;

/// A complex number in units of a sample.
type Complex = (i32, i32);

/// `X[k] = sum of x[n] e^(-2 pi i k n / FRAME)`. Each product with a root of unity is rounded once, up at a half.
///
/// Magnitudes of at most 2^15 become at most 2^15 times [`FRAME`], and a unit for each of its nine stages.
pub(crate) fn transform(values: &mut [Complex; FRAME]) {
    const BITS: u32 = FRAME.trailing_zeros();
    for index in 0..FRAME {
        let other = index.reverse_bits() >> (usize::BITS - BITS);
        if index < other {
            values.swap(index, other);
        }
    }
    let mut half = 1;
    while half < FRAME {
        for group in values.chunks_exact_mut(2 * half) {
            let (front, back) = group.split_at_mut(half);
            let roots = TURN.iter().step_by(FRAME / 2 / half);
            for ((a, b), root) in front.iter_mut().zip(back).zip(roots) {
                let turned = times_conjugate(*b, *root);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        half *= 2;
    }
}

fn times_conjugate((re, im): Complex, (cos, sin): Complex) -> Complex {
    let rounded = |product: i64| ((product + (1 << 14)) >> 15) as i32;
    let [re, im, cos, sin] = [re, im, cos, sin].map(i64::from);
    (rounded(re * cos + im * sin), rounded(im * cos - re * sin))
}
