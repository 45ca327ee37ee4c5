//! Inputs and outputs of a model, with what a device needs to quantize floats.

use exactum_num::{InputQuantizer, IntRange, ThresholdQuantizer};

use crate::constants::{ConstRef, Constants};
use crate::error::PortFault;
use crate::id::TensorId;
use crate::meaning::{Meaning, MeaningRecord, PortNumbers};
use crate::record::record;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// One input of the model. Input `i` is tensor `i`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Input<'p> {
    /// From real values to codes, or `None` if the model takes integers.
    pub quantizer: Option<InputRule<'p>>,
    /// What the codes stand for: what the quantizer makes of the caller's numbers.
    pub meaning: Meaning<'p>,
}

/// How the real values of an input become codes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InputRule<'p> {
    /// `clamp(round_half_even(x / scale + zero_point))`, or with ties to the odd code.
    Uniform {
        /// Real value of one code; positive and finite.
        scale: f32,
        /// Code of the real value 0.
        zero_point: i32,
        /// Whether a tie goes to the odd code, not to the even one: an odd zero point that is added after rounding.
        ties_to_odd: bool,
    },
    /// Counts thresholds; see [`ThresholdQuantizer`], whose fields these are.
    Thresholds {
        /// Ascending [`float_key`](exactum_num::float_key)s, one fewer than the codes of the tensor's range: a group
        /// for all channels, or one for each.
        thresholds: &'p [i32],
        /// Channels; at least 1.
        channels: u32,
        /// Neighbouring elements of one channel; at least 1.
        inner: u32,
        /// Whether codes fall where values rise.
        falling: bool,
        /// Code of NaN, in the tensor's range.
        nan: i32,
    },
}

impl<'p> Input<'p> {
    /// The quantizer from real values to codes of `range`, the range of the input's tensor.
    ///
    /// `None` if the model takes integers. Of a loaded program every rule gives a quantizer.
    pub fn quantizer(&self, range: IntRange) -> Option<ElementQuantizer<'p>> {
        self.quantizer?.quantizer(range)
    }
}

impl<'p> InputRule<'p> {
    /// The quantizer to codes of `range`, or `None` if the rule does not suit that range: a scale that is not
    /// positive and finite, thresholds of another number or not ascending, no channel, NaN's code outside.
    pub fn quantizer(&self, range: IntRange) -> Option<ElementQuantizer<'p>> {
        match *self {
            Self::Uniform { scale, zero_point, ties_to_odd } => {
                let quantizer = InputQuantizer::new(scale, zero_point, range)?;
                let quantizer = if ties_to_odd { quantizer.with_ties_to_odd() } else { quantizer };
                Some(ElementQuantizer::Uniform(quantizer))
            }
            Self::Thresholds { thresholds, channels, inner, falling, nan } => {
                let quantizer = ThresholdQuantizer { thresholds, channels, inner, falling, nan, range };
                quantizer.is_well_formed().then_some(ElementQuantizer::Thresholds(quantizer))
            }
        }
    }
}

/// Turns the elements of one input into codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementQuantizer<'p> {
    /// The same function for all elements.
    Uniform(InputQuantizer),
    /// Thresholds of the element's channel.
    Thresholds(ThresholdQuantizer<'p>),
}

impl ElementQuantizer<'_> {
    /// The code of `value` as element `index` of the input's tensor, counted row-major.
    pub fn quantize(&self, index: usize, value: f32) -> i32 {
        match self {
            Self::Uniform(quantizer) => quantizer.quantize(value),
            Self::Thresholds(quantizer) => quantizer.quantize(index, value),
        }
    }
}

/// One output of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output<'p> {
    /// The tensor to read.
    pub tensor: TensorId,
    /// What its integers stand for.
    pub meaning: Meaning<'p>,
}

impl Output<'_> {
    /// An output of integers of which nothing is known.
    pub fn new(tensor: TensorId) -> Self {
        Self { tensor, meaning: Meaning::default() }
    }
}

record! {
    /// One input in the image.
    #[derive(Default)]
    pub(crate) struct InputRecord {
        pub(crate) reserved: u16 = "Zero.",
        pub(crate) rule: u8 = "0 the model takes integers, 1 uniform, 2 thresholds, 3 uniform with ties to the odd code.",
        pub(crate) falling: u8 = "`thresholds`: 1 if codes fall where values rise; else 0.",
        pub(crate) scale: u32 = "`uniform`: bits of the `f32` scale, positive and finite; else 0.",
        pub(crate) zero_point: i32 = "`uniform`: code of the real value 0; else 0.",
        pub(crate) nan: i32 = "`thresholds`: code of NaN; else 0.",
        pub(crate) channels: u32 = "`thresholds`: channels, at least 1; else 0.",
        pub(crate) inner: u32 = "`thresholds`: neighbouring elements of one channel, at least 1; else 0.",
        pub(crate) thresholds: ConstRef = "`thresholds`: `i32`, for all channels or for each; else empty.",
        pub(crate) meaning: MeaningRecord = "What its codes stand for.",
    }
}

const UNIFORM: u8 = 1;
const THRESHOLDS: u8 = 2;
const UNIFORM_TO_ODD: u8 = 3;

impl InputRecord {
    /// The record's meaning.
    pub(crate) fn decode<'p>(&self, constants: Constants<'p>) -> Result<Input<'p>, PortFault> {
        let no_scale = self.scale == 0 && self.zero_point == 0;
        let no_thresholds = self.falling == 0
            && self.nan == 0
            && self.channels == 0
            && self.inner == 0
            && self.thresholds.elems == 0;
        let quantizer = match self.rule {
            0 if no_scale && no_thresholds => None,
            UNIFORM | UNIFORM_TO_ODD if no_thresholds => Some(InputRule::Uniform {
                scale: f32::from_bits(self.scale),
                zero_point: self.zero_point,
                ties_to_odd: self.rule == UNIFORM_TO_ODD,
            }),
            THRESHOLDS if no_scale && self.falling <= 1 => Some(InputRule::Thresholds {
                thresholds: constants.slice(self.thresholds).map_err(|_| PortFault::Constant)?,
                channels: self.channels,
                inner: self.inner,
                falling: self.falling == 1,
                nan: self.nan,
            }),
            _ => return Err(PortFault::Rule),
        };
        if self.reserved != 0 {
            return Err(PortFault::Reserved);
        }
        Ok(Input { quantizer, meaning: self.meaning.decode(constants)? })
    }

    /// The record's meaning; an input of integers if it has none, which no loaded program holds.
    pub(crate) fn decode_or_integers<'p>(&self, constants: Constants<'p>) -> Input<'p> {
        self.decode(constants).unwrap_or_default()
    }

    /// The record of `input`, its thresholds written to `constants`.
    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(input: &Input<'_>, constants: &mut ConstantWriter<'_, S>) -> Self {
        let record = Self::encode_rule(input, constants);
        Self { meaning: MeaningRecord::encode(&input.meaning, constants), ..record }
    }

    #[cfg(feature = "encode")]
    fn encode_rule<S: Extend<u8>>(input: &Input<'_>, constants: &mut ConstantWriter<'_, S>) -> Self {
        let record = Self::default();
        match input.quantizer {
            None => record,
            Some(InputRule::Uniform { scale, zero_point, ties_to_odd }) => {
                let rule = if ties_to_odd { UNIFORM_TO_ODD } else { UNIFORM };
                Self { rule, scale: scale.to_bits(), zero_point, ..record }
            }
            Some(InputRule::Thresholds { thresholds, channels, inner, falling, nan }) => Self {
                rule: THRESHOLDS,
                falling: falling.into(),
                nan,
                channels,
                inner,
                thresholds: constants.put(thresholds),
                ..record
            },
        }
    }
}

record! {
    /// One output in the image.
    pub(crate) struct OutputRecord {
        pub(crate) tensor: u16 = "Tensor to read.",
        pub(crate) reserved: [u16; 3] = "Zeros.",
        pub(crate) meaning: MeaningRecord = "What its integers stand for.",
    }
}

impl OutputRecord {
    /// The tensor to read.
    pub(crate) const fn tensor(&self) -> TensorId {
        TensorId(self.tensor)
    }

    /// The numbers that its integers stand for.
    pub(crate) fn numbers<'p>(&self, constants: Constants<'p>) -> Option<PortNumbers<'p>> {
        self.meaning.decode_numbers(constants).ok().flatten()
    }

    /// The record's meaning; integers of which nothing is known if it has none, which no loaded program holds.
    pub(crate) fn decode<'p>(&self, constants: Constants<'p>) -> Output<'p> {
        let meaning = self.meaning.decode(constants).unwrap_or_default();
        Output { tensor: self.tensor(), meaning }
    }

    /// The record of `output`.
    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(output: &Output<'_>, constants: &mut ConstantWriter<'_, S>) -> Self {
        let meaning = MeaningRecord::encode(&output.meaning, constants);
        Self { tensor: output.tensor.0, reserved: [0; 3], meaning }
    }
}
