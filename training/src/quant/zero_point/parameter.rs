//! A learned zero point.

use crate::backend::Tensor;
use crate::component::Component;
use crate::quant::{ScaleShiftZeroPoint, ZeroPoint, bit_width::abs_binary_sign_grad};
use crate::{Mode, Parameter};

/// The distance of the smallest value from zero, learned in units of the values.
#[derive(Clone)]
pub struct ParameterZeroPoint {
    value: Parameter,
    scale_shift_zero_point: ScaleShiftZeroPoint,
}

impl ParameterZeroPoint {
    /// Distances that start at `zero_point_init`, one per group.
    pub fn new(zero_point_init: Vec<f32>, scale_shift_zero_point: ScaleShiftZeroPoint) -> Self {
        let groups = zero_point_init.len();
        Self { value: Parameter::new(zero_point_init, &[groups]), scale_shift_zero_point }
    }
}

impl Component for ParameterZeroPoint {
    fn label(&self) -> String {
        "ParameterZeroPoint()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("value", &self.value)]
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("scale_shift_zero_point", &self.scale_shift_zero_point)]
    }
}

impl ZeroPoint for ParameterZeroPoint {
    fn forward(
        &self,
        _x: Option<&Tensor<2>>,
        scale: &Tensor<2>,
        bit_width: &Tensor<2>,
        mode: Mode,
    ) -> Tensor<2> {
        let distance = abs_binary_sign_grad(self.value.tensor(mode, [self.value.len_elems(), 1]));
        self.scale_shift_zero_point.forward(distance, scale, bit_width)
    }
}
