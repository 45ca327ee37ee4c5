//! A quantizer with all parameters known: the one that evaluation, export and the integer program share.

use exactum_runtime::num::{InputQuantizer, IntType, Rounding};
use thiserror::Error;

use super::IntQuant;
use crate::backend::{self, Tensor};

/// Scale, zero point and integer type, as constants.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedQuantizer {
    scales: Vec<f32>,
    zero_point: i32,
    int_type: IntType,
    quantizers: Vec<InputQuantizer>,
}

/// The parameters of a quantizer do not form an integer quantizer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantizerError {
    /// A scale is zero, negative, infinite or not a number.
    #[error("scale {scale} of group {group} is not a positive finite number")]
    Scale {
        /// Index of the group.
        group: usize,
        /// What was found.
        scale: f32,
    },
    /// A bit width is not an integer from 1 to 32, or the codes leave 32 bits.
    #[error("bit width {bit_width} gives no integer codes within 32 bits")]
    BitWidth {
        /// What was found, in bits.
        bit_width: f32,
    },
    /// A zero point is not an integer, or differs between channels.
    #[error("zero points {zero_points:?} are not one integer within 32 bits")]
    ZeroPoint {
        /// What was found.
        zero_points: Vec<f32>,
    },
    /// Evaluation is defined for rounding half to even.
    #[error("rounding {found:?} has no integer evaluation; use RoundSte")]
    Rounding {
        /// What was found.
        found: Rounding,
    },
}

impl FixedQuantizer {
    /// A quantizer with one scale, or one per channel.
    ///
    /// # Errors
    ///
    /// If a scale is not positive and finite, or the codes of `int_type` leave 32 bits.
    pub fn new(scales: Vec<f32>, zero_point: i32, int_type: IntType) -> Result<Self, QuantizerError> {
        let bit_width = f32::from(int_type.width.bits());
        if int_type.max() > i64::from(i32::MAX) {
            return Err(QuantizerError::BitWidth { bit_width });
        }
        let quantizers = scales
            .iter()
            .enumerate()
            .map(|(group, &scale)| {
                let quantizer = InputQuantizer::new(scale, zero_point, int_type.range());
                quantizer.ok_or(QuantizerError::Scale { group, scale })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { scales, zero_point, int_type, quantizers })
    }

    /// One scale, or one per channel.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The code that stands for zero.
    pub fn zero_point(&self) -> i32 {
        self.zero_point
    }

    /// The codes this can produce.
    pub fn int_type(&self) -> IntType {
        self.int_type
    }

    /// The exact codes of row-major `values` whose channels are runs of `run_elems` elements.
    pub fn quantize(&self, values: &[f32], run_elems: usize) -> Vec<i32> {
        let groups = self.quantizers.len();
        let group_of = |index: usize| index / run_elems.max(1) % groups;
        values.iter().enumerate().map(|(i, &value)| self.quantizers[group_of(i)].quantize(value)).collect()
    }
}

/// Reads the parameters of a quantizer and checks that they are an integer quantizer.
pub(super) fn fix(
    int_quant: &IntQuant,
    scale: &Tensor<2>,
    zero_point: &Tensor<2>,
    bit_width: &Tensor<2>,
) -> Result<FixedQuantizer, QuantizerError> {
    let rounding = int_quant.float_to_int_impl.rounding();
    if rounding != Rounding::HalfEven {
        return Err(QuantizerError::Rounding { found: rounding });
    }
    let bit_width = backend::scalar(bit_width);
    let whole = bit_width == bit_width.trunc() && (1.0..=32.0).contains(&bit_width);
    let int_type = if whole { int_quant.int_type(bit_width as u8) } else { None };
    let int_type = int_type.ok_or(QuantizerError::BitWidth { bit_width })?;
    let zero_points = backend::to_f32(zero_point);
    let first = zero_points.first().copied().unwrap_or_default();
    let uniform = zero_points.iter().all(|z| *z == first) && first == first.trunc();
    if !uniform || first.abs() >= 2f32.powi(31) {
        return Err(QuantizerError::ZeroPoint { zero_points });
    }
    FixedQuantizer::new(backend::to_f32(scale), first as i32, int_type)
}
