//! Bit widths of quantizers: constant, or learned.

use crate::backend::{self, Tensor};
use crate::component::Component;
use crate::math::straight_through;
use crate::{Mode, Parameter};

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

/// A width that training does not change, but that is part of the saved state.
#[derive(Clone)]
pub struct BitWidthStatefulConst {
    value: Parameter,
}

impl BitWidthStatefulConst {
    /// A width of `bit_width` bits.
    pub fn new(bit_width: u8) -> Self {
        Self { value: Parameter::buffer(vec![f32::from(bit_width)], &[1]) }
    }
}

impl Component for BitWidthStatefulConst {
    fn label(&self) -> String {
        "BitWidthStatefulConst()".into()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("bit_width", &self.value)]
    }
}

impl BitWidth for BitWidthStatefulConst {
    fn forward(&self, mode: Mode) -> Tensor<2> {
        self.value.tensor(mode, [1, 1])
    }
}

/// A learned width, `round(|bit_width_offset| + min_bit_width)`.
///
/// The gradient passes the rounding and, with the sign of the offset, the magnitude. A handle: clones learn one width.
#[derive(Clone)]
pub struct BitWidthParameter {
    min_bit_width: u8,
    bit_width_offset: Parameter,
}

impl BitWidthParameter {
    /// The smallest width where none is given.
    pub const MIN_BIT_WIDTH: u8 = 2;

    /// A width that starts at `bit_width`, or at `min_bit_width` if that is greater.
    pub fn new(bit_width: u8, min_bit_width: u8) -> Self {
        let offset = f32::from(bit_width.saturating_sub(min_bit_width));
        Self { min_bit_width, bit_width_offset: Parameter::new(vec![offset], &[1]) }
    }

    /// The learned value: bits above the smallest width, in magnitude.
    pub fn bit_width_offset(&self) -> &Parameter {
        &self.bit_width_offset
    }
}

impl Component for BitWidthParameter {
    fn label(&self) -> String {
        format!("BitWidthParameter(min_bit_width={})", self.min_bit_width)
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        vec![("bit_width_offset", &self.bit_width_offset)]
    }
}

impl BitWidth for BitWidthParameter {
    fn forward(&self, mode: Mode) -> Tensor<2> {
        let offset = abs_binary_sign_grad(self.bit_width_offset.tensor(mode, [1, 1]));
        let width = offset + f64::from(self.min_bit_width);
        straight_through(width.clone(), width.round())
    }
}

/// The magnitude; its gradient is 1 from zero on and -1 below, so that a value at zero can leave it.
pub(super) fn abs_binary_sign_grad(x: Tensor<2>) -> Tensor<2> {
    let negative = x.clone().lower_elem(0.0);
    x.clone().mask_where(negative, x.neg())
}
