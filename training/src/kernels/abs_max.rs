//! The largest magnitude of each group. Called by `ops::AbsMax`, and to find what is not finite.
//!
//! Magnitudes are compared as the integers that their bits are: the order is the same, and what is not a number counts
//! as the largest, so that it is not lost.

use pulp::Arch;

fn magnitude(x: f32) -> u32 {
    x.to_bits() & 0x7fff_ffff
}

fn largest(group: &[f32]) -> u32 {
    Arch::new().dispatch(
        #[inline(always)]
        || group.iter().fold(0, |largest, x| magnitude(*x).max(largest)),
    )
}

/// Whether no element is infinite or not a number.
pub(super) fn is_finite(x: &[f32]) -> bool {
    f32::from_bits(largest(x)).is_finite()
}

/// The largest magnitude of each run of `elems` elements.
pub(super) fn forward(x: &[f32], elems: usize) -> Vec<f32> {
    x.chunks(elems).map(|group| f32::from_bits(largest(group))).collect()
}

/// The gradient of `x`: the first of the largest elements of a group has all of it.
pub(super) fn backward(x: &[f32], elems: usize, gradient: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    for ((x, out), gradient) in x.chunks(elems).zip(out.chunks_mut(elems)).zip(gradient) {
        let largest = largest(x);
        if let Some(picked) = x.iter().position(|x| magnitude(*x) == largest) {
            out[picked] = if x[picked] == 0.0 { 0.0 } else { gradient * x[picked].signum() };
        }
    }
    out
}
