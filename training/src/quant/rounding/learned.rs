//! Rounding learned for each weight: down, plus a learned share of the way up.

use exactum_runtime::num::Rounding;

use super::{CodeRounding, FloatToInt};
use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;
use crate::{Mode, Parameter};

/// `floor(x) + h(value)` with the stretched sigmoid `h`, limited to 0 and 1; evaluation rounds up where `h` exceeds 0.5.
///
/// The gradient of `x` passes; each `value` learns which way to round. Hard sigmoid of adaptive rounding (Nagel et al.
/// 2020): `h(v) = clamp(sigmoid(v) * (zeta - gamma) + gamma, 0, 1)`.
#[derive(Clone)]
pub struct LearnedRoundSte {
    value: Parameter,
}

const ZETA: f64 = 1.1;
const GAMMA: f64 = -0.1;

impl LearnedRoundSte {
    /// A rounding for tensors of `shape` that starts undecided: halfway between both neighbours.
    pub fn new(shape: &[usize]) -> Self {
        Self { value: Parameter::new(vec![0.0; shape.iter().product()], shape) }
    }

    /// A rounding that starts at the given values, in the domain of the sigmoid.
    pub fn with_value(value: Parameter) -> Self {
        Self { value }
    }

    fn share(&self, mode: Mode, shape: [usize; 2]) -> Tensor<2> {
        let value = self.value.tensor(mode, shape);
        ((value.neg().exp() + 1.0).recip() * (ZETA - GAMMA) + GAMMA).clamp(0.0, 1.0)
    }
}

impl Component for LearnedRoundSte {
    fn label(&self) -> String {
        "LearnedRoundSte(learned_round_impl=HardSigmoid)".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }
}

impl FloatToInt for LearnedRoundSte {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let shape = x.dims();
        let floor = straight_through(x.clone(), x.clone().floor());
        if x.is_autodiff() {
            return floor + backend::beside(self.share(Mode::Train, shape), &x);
        }
        let up = backend::beside(self.share(Mode::Eval, shape), &x).greater_elem(0.5);
        floor.clone().mask_where(up, floor + 1.0)
    }

    fn rounding(&self) -> CodeRounding {
        CodeRounding::Mode(Rounding::Floor)
    }

    fn rounded_up(&self) -> Option<Vec<bool>> {
        let shape = [1, self.value.len_elems()];
        Some(backend::to_f32(&self.share(Mode::Eval, shape)).into_iter().map(|share| share > 0.5).collect())
    }
}
