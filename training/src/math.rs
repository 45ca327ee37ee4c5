//! Functions of tensors that quantizers and quantized tensors share.

mod view;

pub use view::View;

use crate::backend::{self, Tensor};
use crate::kernels;

/// `exact` in the forward pass, with the gradient of `x`, which must be finite.
pub(crate) fn straight_through<const D: usize>(x: Tensor<D>, exact: Tensor<D>) -> Tensor<D> {
    if !x.is_tracked() {
        return exact;
    }
    let exact = exact.detach();
    // A finite number minus itself is zero, so that nothing is rounded.
    kernels::straight_through(&x, &exact).unwrap_or_else(|| exact + (x.clone() - x.detach()))
}

/// The logarithm of base two, exact at powers of two: a quotient of natural logarithms carries the gradient only.
pub(crate) fn log2(x: Tensor<2>) -> Tensor<2> {
    let exact = map_values(&x, f32::log2);
    if !x.is_tracked() {
        return exact;
    }
    straight_through(x.log() / std::f32::consts::LN_2, exact)
}

/// Two to the power of `x`, exact at integers.
pub(crate) fn exp2(x: Tensor<2>) -> Tensor<2> {
    let exact = map_values(&x, exp2_of);
    if !x.is_tracked() {
        return exact;
    }
    straight_through((x * std::f32::consts::LN_2).exp(), exact)
}

/// Two to the power of `x`, exact at integers.
pub(crate) fn exp2_of(x: f32) -> f32 {
    if x == x.trunc() { 2f32.powi(x as i32) } else { x.exp2() }
}

/// `f` of each value, as a constant.
pub(crate) fn map_values(x: &Tensor<2>, f: impl Fn(f32) -> f32) -> Tensor<2> {
    let values = backend::to_f32(x).into_iter().map(f).collect();
    backend::constant(values, x.dims(), x)
}

/// Per-group values `[groups, 1]`, shaped to broadcast against a tensor of rank `D` along `axis`.
pub(crate) fn broadcast<const D: usize>(values: Tensor<2>, axis: Option<usize>) -> Tensor<D> {
    let [groups, _] = values.dims();
    let mut shape = [1; D];
    if let Some(axis) = axis {
        shape[axis] = groups;
    }
    values.reshape(shape)
}
