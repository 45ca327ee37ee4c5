//! Which values a threshold may take: any, or powers of two.
//!
//! A learned threshold is stored in the domain of its restriction (logarithms for the last two), so the optimizer
//! moves it there.

use crate::backend::Tensor;
use crate::component::Component;
use crate::math::{exp2, log2, straight_through};

/// Maps between thresholds and the domain in which they are stored.
pub trait RestrictValue: Component {
    /// From a threshold to the stored domain.
    fn preprocess(&self, threshold: Tensor<2>) -> Tensor<2>;

    /// From the stored domain to a permitted threshold.
    fn forward(&self, stored: Tensor<2>) -> Tensor<2>;
}

/// Any positive float.
#[derive(Clone, Copy, Debug, Default)]
pub struct FloatRestrictValue;

impl Component for FloatRestrictValue {
    fn label(&self) -> String {
        "FloatRestrictValue()".into()
    }
}

impl RestrictValue for FloatRestrictValue {
    fn preprocess(&self, threshold: Tensor<2>) -> Tensor<2> {
        threshold
    }

    fn forward(&self, stored: Tensor<2>) -> Tensor<2> {
        stored
    }
}

/// Any positive float, stored as its logarithm of base two.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogFloatRestrictValue;

impl Component for LogFloatRestrictValue {
    fn label(&self) -> String {
        "LogFloatRestrictValue()".into()
    }
}

impl RestrictValue for LogFloatRestrictValue {
    fn preprocess(&self, threshold: Tensor<2>) -> Tensor<2> {
        log2(threshold)
    }

    fn forward(&self, stored: Tensor<2>) -> Tensor<2> {
        exp2(stored)
    }
}

/// The next power of two that is not below, with a gradient that passes the rounding up.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerOfTwoRestrictValue;

impl Component for PowerOfTwoRestrictValue {
    fn label(&self) -> String {
        "PowerOfTwoRestrictValue(restrict_value_float_to_int_impl=CeilSte())".into()
    }
}

impl RestrictValue for PowerOfTwoRestrictValue {
    fn preprocess(&self, threshold: Tensor<2>) -> Tensor<2> {
        log2(threshold)
    }

    fn forward(&self, stored: Tensor<2>) -> Tensor<2> {
        exp2(straight_through(stored.clone(), stored.ceil()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend;

    fn column(values: &[f32]) -> Tensor<2> {
        backend::tensor(values.to_vec(), [values.len(), 1], &backend::training_device()).require_grad()
    }

    /// Over the whole range of scales a power of two stays itself; everything else goes up.
    #[test]
    fn powers_of_two_are_exact() {
        let restricted = |x: f32| {
            let stored = PowerOfTwoRestrictValue.preprocess(column(&[x]));
            backend::scalar(&PowerOfTwoRestrictValue.forward(stored))
        };
        for exponent in -126..=127 {
            let power = 2f32.powi(exponent);
            assert_eq!(restricted(power), power);
        }
        assert_eq!(restricted(1.0 + f32::EPSILON), 2.0);
        assert_eq!(restricted(0.3), 0.5);
    }

    #[test]
    fn logarithms_carry_the_gradient() {
        let x = column(&[0.75, 3.0]);
        let y = LogFloatRestrictValue.forward(LogFloatRestrictValue.preprocess(x.clone()));
        for (found, needed) in backend::to_f32(&y).iter().zip([0.75, 3.0]) {
            assert!((found - needed).abs() < 1e-6);
        }
        for found in backend::to_f32(&x.grad(&y.sum().backward()).unwrap()) {
            assert!((found - 1.0).abs() < 1e-5, "{found}");
        }
    }
}
