//! Quotients by a scale, rounded so that no code is lost: see [`quotient`]. Called by `kernels::quotient`.

use super::parallel::map_chunks;

/// Elements of a part.
const PART_ELEMS: usize = 1 << 13;

/// From here on floats are whole or half numbers: there is none beside a number that is no such number.
const WHOLE: f32 = (1 << 22) as f32;

/// `x / scale + zero_point`, in double precision: on the side of each multiple of one half, up to 2^25, that the real
/// number is on, and on it exactly if that is.
///
/// A quotient of two floats that is no multiple of one half is at least 2^-26 away from each of those.
#[inline(always)]
pub(super) fn double(x: f32, scale: f32, zero_point: f32) -> f64 {
    f64::from(x) / f64::from(scale) + f64::from(zero_point)
}

/// The float nearest to `x / scale + zero_point`, or the one beside it where that is a multiple of one half which the real
/// number is not: whichever way it is rounded to an integer, it gives the integer that the real number gives.
fn quotient(x: f32, scale: f32, zero_point: f32) -> f32 {
    let real = double(x, scale, zero_point);
    let nearest = real as f32;
    let doubled = nearest * 2.0;
    if doubled != doubled.trunc() || nearest.abs() >= WHOLE || f64::from(nearest) == real {
        nearest
    } else if real > f64::from(nearest) {
        nearest.next_up()
    } else {
        nearest.next_down()
    }
}

/// As [`quotient`], of an `x` that is within a rounding or two of what is meant: a quotient that is within as much of a
/// multiple of one half is that multiple.
fn settled(x: f32, scale: f32, zero_point: f32) -> f32 {
    let real = double(x, scale, zero_point);
    let half = (real * 2.0).round_ties_even() / 2.0;
    let error = (real - f64::from(zero_point)).abs() * f64::from(f32::EPSILON);
    if error < 0.125 && (real - half).abs() <= error { half as f32 } else { real as f32 }
}

/// The quotients of `x` by one scale; `computed` if `x` is known to single precision only.
pub(super) fn forward(x: &[f32], scale: f32, zero_point: f32, computed: bool, out: &mut [f32]) {
    let quotient = if computed { settled } else { quotient };
    map_chunks(out, PART_ELEMS, |part, out| {
        let x = &x[part * PART_ELEMS..][..out.len()];
        for (y, x) in out.iter_mut().zip(x) {
            *y = quotient(*x, scale, zero_point);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of 8 bits comes back from its value, whatever the scale.
    #[test]
    fn codes_come_back_from_their_values() {
        for step in 1..200 {
            let scale = 0.37f32.powi(3) * step as f32 / 63.0;
            for code in -255i16..=255 {
                let code = f32::from(code);
                assert_eq!(settled(code * scale, scale, 0.0), code, "{code} by {scale}");
                assert_eq!(settled(code * scale, 2.0 * scale, 3.0), code / 2.0 + 3.0, "{code} by {scale}");
            }
        }
        assert_eq!(settled(1.001, 1.0, 0.0), 1.001);
    }

    #[test]
    fn quotients_keep_their_side_of_halves() {
        let scale = 1.0 / 255.0f32;
        assert!(f64::from(scale) * 255.0 > 1.0);
        assert_eq!(quotient(1.0, scale, 0.0), 255f32.next_down());
        assert_eq!(quotient(-1.0, scale, 0.0), (-255f32).next_up());
        assert_eq!(quotient(0.75, 0.25, 0.0), 3.0);
        assert_eq!(quotient(0.75, 0.5, -2.0), -0.5);
        // A sum that single precision rounds to a whole number.
        assert_eq!(quotient(1e-9, 1.0, 3.0), 3f32.next_up());
        assert_eq!(quotient(1e-45, 1e38, 0.0), 0f32.next_up());
        assert_eq!(quotient(f32::INFINITY, 1.0, 0.0), f32::INFINITY);
        assert_eq!(quotient(1e30, 1.0, 0.0), 1e30);
    }
}
