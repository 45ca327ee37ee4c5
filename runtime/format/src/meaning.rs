//! What the integers of an input or output stand for, so that a device need not be told by its firmware.

use exactum_num::requant::at;
use exactum_num::{Real, Unit};

use crate::constants::{ConstRef, Constants};
use crate::error::PortFault;
use crate::record::record;
use crate::tensor::Tensor;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// Name, numbers and labels of an input or output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meaning<'p> {
    /// Name in the model's file; empty if it is not known.
    pub name: &'p str,
    /// The real numbers that integers stand for; `None` if they stand for themselves, or for something that no line says.
    pub numbers: Option<PortNumbers<'p>>,
    /// Names of classes; empty if there are none.
    pub labels: Labels<'p>,
    /// What the model does with the real numbers after the program.
    pub after: After,
    /// Order of the axes.
    pub axes: Axes,
    /// Element type in the model's file, as `TensorProto.DataType` of ONNX numbers them; 0 if it is not known.
    pub file_type: u8,
}

/// Integer `q` of channel `c` stands for `(multipliers[c] * q + offsets[c]) * unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortNumbers<'p> {
    /// One for each channel, or one for all.
    pub multipliers: &'p [i64],
    /// One for each channel, one for all, or none for 0.
    pub offsets: &'p [i64],
    /// What is counted.
    pub unit: Unit,
    /// Channels, at least 1.
    pub channels: u32,
    /// Neighbouring elements of one channel, at least 1: element `e` belongs to channel `e / inner mod channels`.
    pub inner: u32,
    /// Whether the numbers are exact; else multipliers, offsets or unit are rounded to their bits.
    pub exact: bool,
}

impl PortNumbers<'_> {
    /// What `integer` at element `index` of the tensor stands for.
    pub fn real(&self, index: usize, integer: i32) -> Real {
        let channel = index.checked_div(self.inner as usize).unwrap_or_default();
        let channel = channel.checked_rem(self.channels as usize).unwrap_or_default();
        // 63 and 31 bits, and 63 more.
        let product = i128::from(at(self.multipliers, channel)).wrapping_mul(integer.into());
        Real { count: product.wrapping_add(at(self.offsets, channel).into()), unit: self.unit }
    }

    /// Whether `other` gives each integer the same real number.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let line = |numbers: &Self, element| [0, 1].map(|integer| numbers.real(element, integer).count);
        let elems =
            self.inner.max(1).saturating_mul(self.channels).max(other.inner.saturating_mul(other.channels));
        // Two points make a line; channels repeat.
        self == other
            || self.unit == other.unit
                && (0..elems as usize).all(|element| line(self, element) == line(other, element))
    }

    /// Whether comparing integers says which of the real numbers is larger.
    pub fn are_ordered(&self) -> bool {
        let same = |values: &[i64]| values.iter().all(|value| values.first() == Some(value));
        same(self.multipliers) && same(self.offsets) && at(self.multipliers, 0) > 0
    }
}

/// Names of classes, each followed by a zero byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels<'p>(pub &'p str);

impl<'p> Labels<'p> {
    /// The label of class `index`, if there is one.
    pub fn get(self, index: usize) -> Option<&'p str> {
        self.iter().nth(index)
    }

    /// All labels, in order.
    pub fn iter(self) -> impl Iterator<Item = &'p str> + Clone {
        self.0.split_terminator('\0')
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

/// What the model does with the real numbers of an output, and a program leaves to its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum After {
    /// Nothing.
    #[default]
    Nothing,
    /// Softmax along the last axis: the order of the numbers stays.
    Softmax,
    /// The logistic function of each: the order of the numbers stays.
    Sigmoid,
    /// Something else, which the `.exa` container describes.
    Other,
}

/// The order of a tensor's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Axes {
    /// As in the model's file.
    #[default]
    OfFile,
    /// Channels, the file's first axis of a sample, last.
    ChannelsLast,
}

record! {
    /// The meaning of a port in the image.
    #[derive(Default)]
    pub(crate) struct MeaningRecord {
        pub(crate) name: ConstRef = "Name in the model's file, UTF-8; empty if it is not known.",
        pub(crate) labels: ConstRef = "Names of classes, UTF-8, each followed by a zero byte; empty if there are none.",
        pub(crate) multipliers: ConstRef = "`i64`, one for each channel or one for all; empty if the integers stand for no numbers.",
        pub(crate) offsets: ConstRef = "`i64`, one for each channel, one for all, or none for 0.",
        pub(crate) mantissa: u64 = "Of the unit; 0 if there are no multipliers.",
        pub(crate) exponent: i16 = "Of the unit: it is `mantissa * 2^exponent`.",
        pub(crate) exact: u8 = "1 if multipliers, offsets and unit are exact, 0 if one is rounded or there are none.",
        pub(crate) after: u8 = "What follows in the model: 0 nothing, 1 softmax along the last axis, 2 the logistic function, 3 something else.",
        pub(crate) axes: u8 = "0 axes in the file's order, 1 channels last.",
        pub(crate) file_type: u8 = "Element type in the file, as `TensorProto.DataType` of ONNX; 0 if it is not known.",
        pub(crate) reserved: u16 = "Zero.",
        pub(crate) channels: u32 = "Channels, at least 1; 0 if there are no multipliers.",
        pub(crate) inner: u32 = "Neighbouring elements of one channel, at least 1; 0 if there are no multipliers.",
    }
}

impl MeaningRecord {
    /// The record's meaning.
    pub(crate) fn decode<'p>(&self, constants: Constants<'p>) -> Result<Meaning<'p>, PortFault> {
        let text = |place| {
            let bytes = constants.slice::<u8>(place).map_err(|_| PortFault::Constant)?;
            core::str::from_utf8(bytes).map_err(|_| PortFault::Text)
        };
        Ok(Meaning {
            name: text(self.name)?,
            labels: Labels(text(self.labels)?),
            numbers: self.decode_numbers(constants)?,
            after: match self.after {
                0 => After::Nothing,
                1 => After::Softmax,
                2 => After::Sigmoid,
                3 => After::Other,
                _ => return Err(PortFault::Reserved),
            },
            axes: match self.axes {
                0 => Axes::OfFile,
                1 => Axes::ChannelsLast,
                _ => return Err(PortFault::Reserved),
            },
            file_type: self.file_type,
        })
    }

    /// What the record says of numbers.
    pub(crate) fn decode_numbers<'p>(
        &self,
        constants: Constants<'p>,
    ) -> Result<Option<PortNumbers<'p>>, PortFault> {
        let list = |place| constants.slice::<i64>(place).map_err(|_| PortFault::Constant);
        let (multipliers, offsets) = (list(self.multipliers)?, list(self.offsets)?);
        let Self { mantissa, exponent, channels, inner, .. } = *self;
        if self.reserved != 0 || self.exact > 1 {
            return Err(PortFault::Reserved);
        }
        if multipliers.is_empty() {
            let nothing = offsets.is_empty()
                && mantissa == 0
                && exponent == 0
                && self.exact == 0
                && channels == 0
                && inner == 0;
            return if nothing { Ok(None) } else { Err(PortFault::Numbers) };
        }
        let suits = |count: usize| count <= 1 || count == channels as usize;
        if mantissa == 0 || channels == 0 || inner == 0 || !suits(multipliers.len()) || !suits(offsets.len())
        {
            return Err(PortFault::Numbers);
        }
        let unit = Unit { mantissa, exponent };
        Ok(Some(PortNumbers { multipliers, offsets, unit, channels, inner, exact: self.exact == 1 }))
    }

    /// Checks that every element of `tensor` has a channel: that its last row of channels is whole.
    pub(crate) fn check<'p>(
        &self,
        constants: Constants<'p>,
        tensor: &Tensor,
    ) -> Result<Meaning<'p>, PortFault> {
        let meaning = self.decode(constants)?;
        let whole = |numbers: PortNumbers<'_>| {
            let row = numbers.inner.checked_mul(numbers.channels);
            row.is_some_and(|row| tensor.shape.elems().is_multiple_of(row))
        };
        if meaning.numbers.is_none_or(whole) { Ok(meaning) } else { Err(PortFault::Numbers) }
    }

    /// Bytes of all that it refers to.
    pub(crate) fn steps(&self) -> usize {
        let bytes = [self.name.elems, self.labels.elems].into_iter();
        bytes.fold(0, |sum, elems| sum.saturating_add(elems as usize))
    }

    /// The record of `meaning`, its arrays written to `constants`.
    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(
        meaning: &Meaning<'_>,
        constants: &mut ConstantWriter<'_, S>,
    ) -> Self {
        let record = Self {
            name: constants.put(meaning.name.as_bytes()),
            labels: constants.put(meaning.labels.0.as_bytes()),
            after: match meaning.after {
                After::Nothing => 0,
                After::Softmax => 1,
                After::Sigmoid => 2,
                After::Other => 3,
            },
            axes: match meaning.axes {
                Axes::OfFile => 0,
                Axes::ChannelsLast => 1,
            },
            file_type: meaning.file_type,
            ..Self::default()
        };
        let Some(numbers) = meaning.numbers else { return record };
        Self {
            multipliers: constants.put(numbers.multipliers),
            offsets: constants.put(numbers.offsets),
            mantissa: numbers.unit.mantissa,
            exponent: numbers.unit.exponent,
            exact: numbers.exact.into(),
            channels: numbers.channels,
            inner: numbers.inner,
            ..record
        }
    }
}
