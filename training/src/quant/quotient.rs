//! Values divided by a scale, and the scale that a threshold has: the one definition of both for training, evaluation
//! and export.

use exactum_runtime::num::Rounding;

use crate::backend::{self, Tensor};
use crate::codes::CodeRounding;
use crate::kernels;
use crate::math::straight_through;

/// How a value that is divided is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    /// It is the float itself, as a parameter is, or an input.
    Exact,
    /// The float is the nearest to a product of codes and scales: a quotient next to an integer is that integer.
    Computed,
}

/// `x / scale + zero_point`, `[groups, elems]`: a float that rounds to the integer that the real number rounds to,
/// whatever the rounding. On accelerators it is the nearest float.
pub(crate) fn quotient(
    x: Tensor<2>,
    scale: &Tensor<2>,
    zero_point: &Tensor<2>,
    operand: Operand,
) -> Tensor<2> {
    let side = kernels::quotient(&x, scale, zero_point, operand == Operand::Computed);
    let scaled = x / scale.clone();
    let nearest = if is_zero(zero_point) { scaled } else { scaled + zero_point.clone() };
    match side {
        Some(side) => straight_through(nearest, side),
        None => nearest,
    }
}

/// The scale of a threshold, `[groups, 1]`, that `divisor`, `[1, 1]`, stands for.
///
/// A directed rounding must not miss the threshold's own code: of it the scale is the largest float that, times the
/// divisor, does not exceed the threshold. Of others it is the nearest float to the quotient.
pub(crate) fn scale(threshold: Tensor<2>, divisor: Tensor<2>, rounding: CodeRounding) -> Tensor<2> {
    let nearest = threshold.clone() / divisor.clone();
    let directed = matches!(
        rounding,
        CodeRounding::Mode(Rounding::Floor | Rounding::Ceil | Rounding::Toward | Rounding::Away)
    );
    if !directed {
        return nearest;
    }
    let code = f64::from(backend::scalar(&divisor));
    let values = backend::to_f32(&nearest);
    let reached = values.iter().zip(backend::to_f32(&threshold)).map(|(scale, threshold)| {
        // Codes of thresholds have at most 32 bits: the product is exact but of learned widths, which are rounded.
        if f64::from(*scale) * code > f64::from(threshold) { scale.next_down() } else { *scale }
    });
    let reached = backend::constant(reached.collect(), nearest.dims(), &nearest);
    straight_through(nearest, reached)
}

/// Whether a zero point is the constant zero, so that two passes over the tensor can be left out.
pub(super) fn is_zero(zero_point: &Tensor<2>) -> bool {
    !zero_point.is_tracked() && zero_point.dims() == [1, 1] && backend::scalar(zero_point) == 0.0
}
