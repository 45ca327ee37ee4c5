//! Bit widths of quantizers.

use crate::Mode;
use crate::backend::{self, Tensor};
use crate::component::Component;

/// Gives the bit width of a quantizer.
pub trait BitWidth: Component {
    /// `[1, 1]`, in bits.
    fn forward(&self, mode: Mode) -> Tensor<2>;
}

/// A width that does not change.
#[derive(Clone, Copy, Debug)]
pub struct BitWidthConst {
    /// Bits of a code.
    pub bit_width: u8,
}

impl Component for BitWidthConst {
    fn label(&self) -> String {
        format!("BitWidthConst(bit_width={})", self.bit_width)
    }
}

impl BitWidth for BitWidthConst {
    fn forward(&self, _mode: Mode) -> Tensor<2> {
        backend::tensor(vec![f32::from(self.bit_width)], [1, 1], &backend::evaluation_device())
    }
}
