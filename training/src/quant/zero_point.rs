//! Zero points: the code that stands for zero.

mod parameter;
mod parameter_from_runtime;
mod stats_from_parameter;

pub use parameter::ParameterZeroPoint;
pub use parameter_from_runtime::ParameterFromRuntimeZeroPoint;
pub use stats_from_parameter::StatsFromParameterZeroPoint;

use super::IntQuant;
use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// Gives the zero point of a quantizer.
pub trait ZeroPoint: Component {
    /// `[1, 1]` or `[groups, 1]`, in codes, from the scale and the bit width. `x`, `[groups, elems]`, is what the
    /// quantizer is applied to; without it the zero point is the one evaluation uses.
    fn forward(
        &self,
        x: Option<&Tensor<2>>,
        scale: &Tensor<2>,
        bit_width: &Tensor<2>,
        mode: Mode,
    ) -> Tensor<2>;
}

/// Always zero: symmetric quantization.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZeroZeroPoint;

impl Component for ZeroZeroPoint {
    fn label(&self) -> String {
        "ZeroZeroPoint()".into()
    }
}

impl ZeroPoint for ZeroZeroPoint {
    fn forward(
        &self,
        _x: Option<&Tensor<2>>,
        scale: &Tensor<2>,
        _bit_width: &Tensor<2>,
        _mode: Mode,
    ) -> Tensor<2> {
        Tensor::zeros([1, 1], &scale.device().inner())
    }
}

/// Turns the distance of the smallest value from zero into the code that stands for zero: the smallest value gets the
/// smallest code.
#[derive(Clone)]
pub struct ScaleShiftZeroPoint {
    /// The codes there are.
    pub int_quant: IntQuant,
    /// Round to one of them.
    pub quantize_zero_point: bool,
}

impl ScaleShiftZeroPoint {
    /// `distance / scale` above the smallest code, `[groups, 1]`.
    pub fn forward(&self, distance: Tensor<2>, scale: &Tensor<2>, bit_width: &Tensor<2>) -> Tensor<2> {
        let distance = backend::beside(distance, scale);
        let min_int = self.int_quant.bounds(bit_width).min;
        if self.quantize_zero_point {
            self.int_quant.to_int(scale, &min_int, bit_width, distance)
        } else {
            distance / scale.clone() + min_int
        }
    }
}

impl Component for ScaleShiftZeroPoint {
    fn label(&self) -> String {
        format!("ScaleShiftZeroPoint(quantize_zero_point={})", self.quantize_zero_point)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("int_quant", &self.int_quant)]
    }
}
