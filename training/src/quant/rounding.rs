//! Rounding of scaled values to codes, with gradients that pass through.
//!
//! Called by `IntQuant`. Evaluation rounds the exact value in the way `FloatToInt::rounding` names.

mod learned;
mod stochastic;

pub use learned::LearnedRoundSte;
pub use stochastic::StochasticRoundSte;

use exactum_runtime::num::Rounding;

use crate::backend::Tensor;
use crate::codes::CodeRounding;
use crate::component::Component;
use crate::math::straight_through;

/// Turns scaled values into integers.
pub trait FloatToInt: Component {
    /// Integers of the same shape.
    fn forward(&self, x: Tensor<2>) -> Tensor<2>;

    /// The mode that evaluation and export use.
    fn rounding(&self) -> CodeRounding;

    /// Whether a fused kernel may stand in: half to even, with a gradient that passes.
    fn is_fused(&self) -> bool {
        false
    }

    /// For each element, row-major, whether evaluation rounds up what lies between two integers: a rounding learned
    /// element by element. `rounding` is [`Rounding::Floor`] then.
    fn rounded_up(&self) -> Option<Vec<bool>> {
        None
    }
}

macro_rules! roundings {
    ($($(#[$doc:meta])* $name:ident, $rounding:expr, |$x:ident| $round:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Component for $name {
            fn label(&self) -> String {
                concat!(stringify!($name), "()").into()
            }
        }

        impl FloatToInt for $name {
            fn forward(&self, $x: Tensor<2>) -> Tensor<2> {
                straight_through($x.clone(), $round)
            }

            fn rounding(&self) -> CodeRounding {
                $rounding
            }

            fn is_fused(&self) -> bool {
                $rounding == CodeRounding::Mode(Rounding::HalfEven)
            }
        }
    )*};
}

roundings! {
    /// To the nearest integer, ties to even; the gradient passes unchanged.
    RoundSte, CodeRounding::Mode(Rounding::HalfEven), |x| x.round();
    /// Up; the gradient passes unchanged.
    CeilSte, CodeRounding::Mode(Rounding::Ceil), |x| x.ceil();
    /// Down; the gradient passes unchanged.
    FloorSte, CodeRounding::Mode(Rounding::Floor), |x| x.floor();
    /// Toward zero; the gradient passes unchanged.
    RoundToZeroSte, CodeRounding::Mode(Rounding::Toward), |x| x.clone().sign() * x.abs().floor();
    /// To the nearest integer, ties to even above zero and up below it; the gradient passes unchanged.
    DPURoundSte, CodeRounding::Dpu, |x| {
        let tie = (x.clone() - x.clone().floor()).equal_elem(0.5);
        let negative_tie = tie.bool_and(x.clone().lower_elem(0.0));
        x.clone().round().mask_where(negative_tie, x.ceil())
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend;

    /// Halves and quarters around zero: the tensors round as the exact integers do, and gradients pass.
    #[test]
    fn tensors_round_as_exact_values() {
        let quarters: Vec<i32> = (-13..=13).collect();
        let values = quarters.iter().map(|q| *q as f32 / 4.0).collect();
        let implementations: [&dyn FloatToInt; 5] =
            [&RoundSte, &CeilSte, &FloorSte, &RoundToZeroSte, &DPURoundSte];
        for rounding in implementations {
            let x = backend::tensor::<2>(Vec::clone(&values), [1, values.len()], &backend::training_device())
                .require_grad();
            let y = rounding.forward(x.clone());
            let exact = quarters.iter().map(|q| {
                let (floor, rest) = (i64::from(q.div_euclid(4)), q.rem_euclid(4) as u64);
                rounding.rounding().round(floor, rest, 4).unwrap() as f32
            });
            assert_eq!(backend::to_f32(&y), exact.collect::<Vec<_>>(), "{}", rounding.label());
            let gradient = backend::to_f32(&x.grad(&y.sum().backward()).unwrap());
            assert_eq!(gradient, vec![1.0; values.len()], "{}", rounding.label());
        }
    }
}
