//! A quantizer with all parameters known: the one that evaluation, export and the integer program share.

use exactum_runtime::num::{InputQuantizer, IntRange, IntType, Rounding};
use thiserror::Error;

use super::{CodeRounding, ExactRounder};

/// Scale, zero point, rounding and codes, as constants.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedQuantizer {
    scales: Vec<f32>,
    /// One, or one per channel.
    zero_points: Vec<i32>,
    int_type: IntType,
    bipolar: bool,
    rounding: CodeRounding,
}

/// The parameters of a quantizer do not form an integer quantizer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantizerError {
    /// A scale is zero, negative, infinite or not a number.
    #[error("scale {scale} of group {group} is not a positive finite number; check weights and data for NaN")]
    Scale {
        /// Index of the group.
        group: usize,
        /// What was found.
        scale: f32,
    },
    /// A scale depends on the values it is applied to.
    #[error(
        "the scale is dynamic; use a scaling that is known before the input is, such as ParameterFromStats"
    )]
    Dynamic,
    /// A bit width is not an integer from 1 to 32, has fewer than two codes, or codes leave 32 bits.
    #[error(
        "bit width {bit_width} gives no integer codes within 32 bits; of one bit use QuantType::Binary, and let \
         learned widths end at a min_bit_width of 2"
    )]
    BitWidth {
        /// What was found, in bits.
        bit_width: f32,
    },
    /// A zero point is not an integer, or leaves 32 bits.
    #[error("zero points {zero_points:?} are not integers within 32 bits; set quantize_zero_point")]
    ZeroPoint {
        /// What was found.
        zero_points: Vec<f32>,
    },
    /// The zero points of an activation differ between channels.
    #[error("zero points {zero_points:?} differ between channels of an activation; use one zero point")]
    ZeroPoints {
        /// What was found.
        zero_points: Vec<i32>,
    },
    /// Weights that keep accumulators within a width depend on the codes of the input.
    #[error("the limit of the accumulator needs quantized input; quantize the input before the layer")]
    Input,
    /// A ternary quantizer does not round to the nearest of its values.
    #[error("threshold {found} has no integer evaluation; use 0.5 scales")]
    Threshold {
        /// What was found, in scales.
        found: f32,
    },
    /// The channels of a tensor are not those of the quantizer.
    #[error("found a tensor of shape {found:?}, needed {groups} channels in dimension {axis}")]
    Channels {
        /// The shape of the tensor.
        found: Vec<usize>,
        /// Scales of the quantizer.
        groups: usize,
        /// The dimension of channels.
        axis: usize,
    },
    /// Learned rounding has a value for each weight.
    #[error("found {found} values, needed the {needed} that the rounding was learned for")]
    LearnedRound {
        /// Number of values.
        found: usize,
        /// Number of learned roundings.
        needed: usize,
    },
}

impl FixedQuantizer {
    /// A quantizer with one scale, or one per channel, that rounds half to even.
    ///
    /// # Errors
    ///
    /// If a scale is not positive and finite, or the codes of `int_type` leave 32 bits.
    pub fn new(scales: Vec<f32>, zero_point: i32, int_type: IntType) -> Result<Self, QuantizerError> {
        if int_type.max() > i64::from(i32::MAX) {
            let bit_width = f32::from(int_type.width.bits());
            return Err(QuantizerError::BitWidth { bit_width });
        }
        let unfit = |scale: &f32| !(scale.is_finite() && *scale > 0.0);
        if let Some(group) = scales.iter().position(unfit) {
            return Err(QuantizerError::Scale { group, scale: scales[group] });
        }
        let rounding = CodeRounding::Mode(Rounding::HalfEven);
        Ok(Self { scales, zero_points: vec![zero_point], int_type, bipolar: false, rounding })
    }

    /// A quantizer to the codes -1 and 1: the sign, zero and NaN counting as positive.
    ///
    /// # Errors
    ///
    /// If a scale is not positive and finite.
    pub fn bipolar(scales: Vec<f32>) -> Result<Self, QuantizerError> {
        let bit = IntType::new(1, true, false).ok_or(QuantizerError::BitWidth { bit_width: 1.0 })?;
        Ok(Self { bipolar: true, ..Self::new(scales, 0, bit)? })
    }

    /// With one zero point, or one per channel.
    #[must_use]
    pub fn with_zero_points(self, zero_points: Vec<i32>) -> Self {
        Self { zero_points, ..self }
    }

    /// With another rounding.
    #[must_use]
    pub fn with_rounding(self, rounding: CodeRounding) -> Self {
        Self { rounding, ..self }
    }

    /// The quantizer that gives codes back from the values that stand for them: these lie beside integers, so that they
    /// are rounded to the nearest.
    #[must_use]
    pub fn of_codes(self) -> Self {
        self.with_rounding(CodeRounding::Mode(Rounding::HalfEven))
    }

    /// One scale, or one per channel.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The code that stands for zero, of the first channel where channels differ.
    pub fn zero_point(&self) -> i32 {
        self.zero_points.first().copied().unwrap_or_default()
    }

    /// The codes that stand for zero: one, or one per channel.
    pub fn zero_points(&self) -> &[i32] {
        &self.zero_points
    }

    /// The type of the codes; of bipolar ones, whose range is -1 to 1 without 0, only the width counts.
    pub fn int_type(&self) -> IntType {
        self.int_type
    }

    /// Whether the codes are -1 and 1.
    pub fn is_bipolar(&self) -> bool {
        self.bipolar
    }

    /// The smallest range that holds all codes.
    pub fn range(&self) -> IntRange {
        if self.bipolar { IntRange { lo: -1, hi: 1 } } else { self.int_type.range() }
    }

    /// How values become codes.
    pub fn rounding(&self) -> CodeRounding {
        self.rounding
    }

    /// The exact codes of row-major `values` whose channels are runs of `run_elems` elements.
    pub fn quantize(&self, values: &[f32], run_elems: usize) -> Vec<i32> {
        let groups = self.scales.len().max(self.zero_points.len());
        let quantizers: Vec<GroupQuantizer> = (0..groups).map(|group| self.group(group)).collect();
        let group_of = |index: usize| index / run_elems.max(1) % groups;
        values.iter().enumerate().map(|(i, &value)| quantizers[group_of(i)].quantize(value)).collect()
    }

    /// The values that row-major `codes` stand for, in runs of `run_elems` elements per channel.
    pub fn values(&self, codes: &[i32], run_elems: usize) -> Vec<f32> {
        let value = |(index, code): (usize, &i32)| {
            let channel = index / run_elems.max(1);
            let zero_point = self.zero_points[channel % self.zero_points.len()];
            let scale = self.scales[channel % self.scales.len()];
            (f64::from(code - zero_point) * f64::from(scale)) as f32
        };
        codes.iter().enumerate().map(value).collect()
    }

    /// `codes`, of which those of more than 24 bits become the nearest ones that a float can stand for: a file stores
    /// values.
    pub(crate) fn storable(&self, codes: Vec<i32>, run_elems: usize) -> Vec<i32> {
        if self.int_type.width.bits() <= 24 {
            return codes;
        }
        self.clone().of_codes().quantize(&self.values(&codes, run_elems), run_elems)
    }

    /// The exact rounding of reals in channel `channel`. `relu` keeps codes below the zero point out.
    pub(crate) fn rounder(&self, channel: usize, relu: bool) -> ExactRounder {
        let zero_point = self.zero_points[channel % self.zero_points.len()];
        let range = self.range();
        let zero = if self.bipolar { 1 } else { i64::from(zero_point) };
        let lo = if relu { range.lo.max(zero) } else { range.lo };
        let scale = f64::from(self.scales[channel % self.scales.len()]);
        ExactRounder::new(
            scale,
            zero_point,
            IntRange { lo, hi: range.hi.max(lo) },
            self.rounding,
            self.bipolar,
        )
    }

    /// Adds one to codes rounded down where `rounded_up` says so and the value lies between two codes of the range.
    pub(crate) fn round_up(&self, values: &[f32], run_elems: usize, rounded_up: &[bool], codes: &mut [i32]) {
        let above =
            self.clone().with_rounding(CodeRounding::Mode(Rounding::Ceil)).quantize(values, run_elems);
        for ((code, above), up) in codes.iter_mut().zip(above).zip(rounded_up) {
            if *up {
                *code = above;
            }
        }
    }

    fn group(&self, group: usize) -> GroupQuantizer {
        let scale = self.scales[group % self.scales.len()];
        let zero_point = self.zero_points[group % self.zero_points.len()];
        let half_even = self.rounding == CodeRounding::Mode(Rounding::HalfEven) && !self.bipolar;
        let quick = if half_even { InputQuantizer::new(scale, zero_point, self.range()) } else { None };
        quick.map_or_else(|| GroupQuantizer::Exact(self.rounder(group, false)), GroupQuantizer::HalfEven)
    }
}

/// The quantizer of one channel.
enum GroupQuantizer {
    /// By integers alone, as devices do.
    HalfEven(InputQuantizer),
    Exact(ExactRounder),
}

impl GroupQuantizer {
    fn quantize(&self, value: f32) -> i32 {
        match self {
            Self::HalfEven(quantizer) => quantizer.quantize(value),
            Self::Exact(rounder) => rounder.code_of_float(value),
        }
    }
}
