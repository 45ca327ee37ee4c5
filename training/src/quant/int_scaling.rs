//! Which code stands for the threshold: a scale is the threshold divided by it.

use crate::backend::Tensor;
use crate::component::Component;
use crate::math::{exp2, exp2_of, map_values};

/// The divisor that turns a threshold into a scale.
pub trait IntScaling: Component {
    /// From a bit width, `[1, 1]`, to the divisor, `[1, 1]`.
    fn forward(&self, bit_width: Tensor<2>) -> Tensor<2>;
}

/// The end of the range: `2^(b-1)` signed, one less if narrow, `2^b - 1` unsigned, one less if narrow.
#[derive(Clone, Copy, Debug)]
pub struct PlainIntScaling {
    /// Whether codes may be negative.
    pub signed: bool,
    /// Whether one end of the range is left out.
    pub narrow_range: bool,
}

impl Component for PlainIntScaling {
    fn label(&self) -> String {
        format!("IntScaling(signed={}, narrow_range={})", self.signed, self.narrow_range)
    }
}

impl IntScaling for PlainIntScaling {
    fn forward(&self, bit_width: Tensor<2>) -> Tensor<2> {
        let narrow = f32::from(u8::from(self.narrow_range));
        if !bit_width.is_tracked() {
            let code = |bits| if self.signed { exp2_of(bits - 1.0) } else { exp2_of(bits) - 1.0 };
            return map_values(&bit_width, |bits| code(bits) - narrow);
        }
        if self.signed { exp2(bit_width - 1.0) - narrow } else { exp2(bit_width) - 1.0 - narrow }
    }
}

/// A power of two, so that power-of-two thresholds give power-of-two scales: `2^(b-1)` signed, `2^b` unsigned.
#[derive(Clone, Copy, Debug)]
pub struct PowerOfTwoIntScaling {
    /// Whether codes may be negative.
    pub signed: bool,
}

impl Component for PowerOfTwoIntScaling {
    fn label(&self) -> String {
        format!("PowerOfTwoIntScaling(signed={})", self.signed)
    }
}

impl IntScaling for PowerOfTwoIntScaling {
    fn forward(&self, bit_width: Tensor<2>) -> Tensor<2> {
        exp2(if self.signed { bit_width - 1.0 } else { bit_width })
    }
}
