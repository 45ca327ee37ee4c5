//! Zero points: the code that stands for zero.

use crate::backend::Tensor;
use crate::component::Component;

/// Gives the zero point of a quantizer.
pub trait ZeroPoint: Component {
    /// `[1, 1]` or `[groups, 1]`, in codes, from the scale and the bit width.
    fn forward(&self, scale: &Tensor<2>, bit_width: &Tensor<2>) -> Tensor<2>;
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
    fn forward(&self, scale: &Tensor<2>, _bit_width: &Tensor<2>) -> Tensor<2> {
        Tensor::zeros([1, 1], &scale.device().inner())
    }
}
