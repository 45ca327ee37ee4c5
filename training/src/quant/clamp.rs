//! Clamping to the codes of a type, and of scales to a smallest value.
//!
//! Activations stop the gradient outside the range; weights whose scale follows their own maximum let it pass.

use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::{map_values, straight_through};

/// Smallest and largest code, each `[1, 1]` or `[groups, 1]`; tensors, because a learned bit width gets its gradient through them.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Smallest code.
    pub min: Tensor<2>,
    /// Largest code.
    pub max: Tensor<2>,
}

impl Bounds {
    /// Both bounds, if no gradient goes to them and all groups have the same.
    pub(super) fn constants(&self) -> Option<(f32, f32)> {
        let constant = |bound: &Tensor<2>| !bound.is_tracked() && bound.dims() == [1, 1];
        (constant(&self.min) && constant(&self.max))
            .then(|| (backend::scalar(&self.min), backend::scalar(&self.max)))
    }
}

/// Limits values to bounds.
pub trait Clamp: Component {
    /// Values of the same shape within `bounds`.
    fn forward(&self, x: Tensor<2>, bounds: &Bounds) -> Tensor<2>;

    /// Whether gradients pass outside constant bounds, if a fused kernel may stand in for this clamp.
    fn fused_pass_through(&self) -> Option<bool> {
        None
    }
}

/// The gradient passes inside the bounds, the bounds included, and reaches the bounds from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct TensorClamp;

impl Component for TensorClamp {
    fn label(&self) -> String {
        "TensorClamp()".into()
    }
}

impl Clamp for TensorClamp {
    fn forward(&self, x: Tensor<2>, bounds: &Bounds) -> Tensor<2> {
        if let Some((min, max)) = bounds.constants() {
            return x.clamp(min, max);
        }
        let shape = x.dims();
        let max = bounds.max.clone().expand(shape);
        let above = x.clone().greater(max.clone());
        let x = x.mask_where(above, max);
        let min = bounds.min.clone().expand(shape);
        let below = x.clone().lower(min.clone());
        x.mask_where(below, min)
    }

    fn fused_pass_through(&self) -> Option<bool> {
        Some(false)
    }
}

/// The gradient passes unchanged, inside and outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct TensorClampSte;

impl Component for TensorClampSte {
    fn label(&self) -> String {
        "TensorClampSte()".into()
    }
}

impl Clamp for TensorClampSte {
    fn forward(&self, x: Tensor<2>, bounds: &Bounds) -> Tensor<2> {
        let clamped = TensorClamp.forward(x.clone(), bounds);
        straight_through(x, clamped)
    }

    fn fused_pass_through(&self) -> Option<bool> {
        Some(true)
    }
}

/// Keeps scales away from zero; the gradient passes unchanged.
#[derive(Clone, Copy, Debug)]
pub struct ScalarClampMin {
    /// Smallest value.
    pub min_val: f32,
}

impl Component for ScalarClampMin {
    fn label(&self) -> String {
        format!("ScalarClampMin(min_val={:e})", self.min_val)
    }
}

impl ScalarClampMin {
    /// `x`, or the smallest value where `x` is below.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let clamped = map_values(&x, |value| if value < self.min_val { self.min_val } else { value });
        straight_through(x, clamped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f32]) -> Tensor<2> {
        backend::tensor(values.to_vec(), [1, values.len()], &backend::training_device()).require_grad()
    }

    /// Values outside hand their gradient to the bound they meet; on a bound it stays with the value.
    #[test]
    fn learned_bounds_receive_gradients() {
        let (x, min, max) = (row(&[-3.0, -2.0, 0.5, 1.0, 4.0, 5.0]), row(&[-2.0]), row(&[1.0]));
        let bounds = Bounds { min: min.clone(), max: max.clone() };
        let y = TensorClamp.forward(x.clone(), &bounds);
        assert_eq!(backend::to_f32(&y), [-2.0, -2.0, 0.5, 1.0, 1.0, 1.0]);
        let gradients = y.sum().backward();
        let gradient = |leaf: &Tensor<2>| backend::to_f32(&leaf.grad(&gradients).unwrap());
        assert_eq!(gradient(&x), [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        assert_eq!((gradient(&min), gradient(&max)), (vec![1.0], vec![2.0]));
    }

    #[test]
    fn straight_through_clamps_pass_gradients() {
        let x = row(&[-3.0, 0.5, 4.0]);
        let bounds = Bounds { min: row(&[-2.0]).detach(), max: row(&[1.0]).detach() };
        let y = TensorClampSte.forward(x.clone(), &bounds);
        assert_eq!(backend::to_f32(&y), [-2.0, 0.5, 1.0]);
        assert_eq!(backend::to_f32(&x.grad(&y.sum().backward()).unwrap()), [1.0; 3]);
        let y = ScalarClampMin { min_val: 1.0 }.forward(x.clone());
        assert_eq!(backend::to_f32(&y), [1.0, 1.0, 4.0]);
        assert_eq!(backend::to_f32(&x.grad(&y.sum().backward()).unwrap()), [1.0; 3]);
    }
}
