//! The rectifier. Called by `ops::Relu`.

use pulp::Arch;

use super::parallel::map_chunks;

/// Elements of a part.
const PART_ELEMS: usize = 1 << 13;

/// `x`, or zero where it is negative.
pub(super) fn forward(x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    map_chunks(&mut out, PART_ELEMS, |part, out| {
        let x = &x[part * PART_ELEMS..][..out.len()];
        Arch::new().dispatch(
            #[inline(always)]
            || out.iter_mut().zip(x).for_each(|(y, x)| *y = if *x < 0.0 { 0.0 } else { *x }),
        );
    });
    out
}

/// Makes the gradient of the result that of `x`: none where `x` is not positive.
pub(super) fn backward(x: &[f32], gradient: &mut [f32]) {
    map_chunks(gradient, PART_ELEMS, |part, gradient| {
        let x = &x[part * PART_ELEMS..][..gradient.len()];
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (gradient, x) in gradient.iter_mut().zip(x) {
                    *gradient = if *x > 0.0 { *gradient } else { 0.0 };
                }
            },
        );
    });
}
