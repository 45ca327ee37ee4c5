//! What dense layers and convolutions of both directions have in common: weights and what follows their products.

use core::fmt;

use exactum_num::codes::{Codes, Element};
use exactum_num::requant::{Form, at};
use exactum_num::{IntRange, Requant};

use crate::bias::Bias;
use crate::bounds;
use crate::constants::{ConstRef, Constants};
use crate::error::OpFault;
use crate::packing::{FilterShape, Packing, Reads, Weights};
use crate::record::record;
use crate::requant::RequantRecord;
use crate::stored::Stored;
use crate::tensor::Tensor;
use crate::work::Work;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// `requant(o, bias[o] + sum_i weight[o][i] * (input[i] - zero_point))` for the elements of an input that a filter meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer<'p> {
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// A filter for each output channel.
    pub weights: Weights<'p>,
    /// Starts the accumulators.
    pub bias: Bias<'p>,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
    /// Whether sums have 64 bits; then `requant` is not `None`.
    pub wide: bool,
}

record! {
    /// What layers have in common, in the image.
    pub(crate) struct LayerRecord {
        pub(crate) input_zero_point: i32 = "Code of the real value 0 in the input.",
        pub(crate) bias_element: u8 = "Element type of the biases, 0 if there are none.",
        pub(crate) weight_element: u8 = "Element type of the weights.",
        pub(crate) packing: u8 = "Packing of the weights.",
        pub(crate) wide: u8 = "1 if sums have 64 bits, else 0.",
        pub(crate) weights: ConstRef = "A filter for each output channel, of the element type and in the places that the packing says.",
        pub(crate) bias: ConstRef = "`i16` or `i32`, one for each output channel.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> Stored<'p, LayerRecord> for Layer<'p> {
    fn decode(record: &LayerRecord, constants: Constants<'p>) -> Result<Self, OpFault> {
        let element = Element::from_code(record.weight_element).ok_or(OpFault::Element)?;
        let elements = match element {
            Element::I8 => constants.slice(record.weights).map(Codes::I8)?,
            Element::U8 => constants.slice(record.weights).map(Codes::U8)?,
            Element::I16 => constants.slice(record.weights).map(Codes::I16)?,
            _ => return Err(OpFault::Element),
        };
        let packing = Packing::from_code(record.packing).ok_or(OpFault::Packing)?;
        Ok(Self {
            input_zero_point: record.input_zero_point,
            weights: Weights { packing, elements },
            bias: Bias::decode(record.bias_element, record.bias, constants)?,
            requant: record.requant.decode(constants)?,
            wide: bool::decode(&record.wide, constants)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> LayerRecord {
        let weights = match self.weights.elements {
            Codes::I8(codes) => constants.put(codes),
            Codes::U8(codes) => constants.put(codes),
            Codes::I16(codes) => constants.put(codes),
            Codes::I32(codes) => constants.put(codes),
        };
        let (bias_element, bias) = self.bias.encode(constants);
        LayerRecord {
            input_zero_point: self.input_zero_point,
            bias_element,
            weight_element: self.weights.elements.element().code(),
            packing: self.weights.packing.code(),
            wide: self.wide.into(),
            weights,
            bias,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }
}

impl Layer<'_> {
    /// Checks element types, weights, biases, requantization, and the accumulators and codes of each filter of `shape`,
    /// with an input whose windows can be `padded`, of which filters read `codes`.
    pub(crate) fn verify(
        &self,
        input: &Tensor,
        output: &Tensor,
        shape: FilterShape,
        codes: Reads,
        padded: bool,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let Weights { packing, elements } = self.weights;
        if !packing.allows(codes, self.wide) || !packing.elements().contains(&elements.element()) {
            return Err(OpFault::Packing);
        }
        if !self.weights.suits(shape) {
            return Err(OpFault::WeightCount);
        }
        let centered = bounds::centered(input, self.input_zero_point, padded)?;
        if !packing.takes(centered) {
            return Err(OpFault::CenteredRange);
        }
        if input.element == Element::I32 || (self.requant.is_none() && output.element != Element::I32) {
            return Err(OpFault::Element);
        }
        if self.wide && self.requant.is_none() {
            return Err(OpFault::Form);
        }
        if !self.bias.suits(shape.filters) {
            return Err(OpFault::Bias);
        }
        bounds::well_formed(self.requant.as_ref(), shape.filters, work)?;
        // The weights suit the shape: the array has an element for each two of them at least.
        work.spend(shape.filters.saturating_mul(shape.elems))?;
        (0..shape.filters).try_for_each(|channel| {
            let acc = self.accumulator(shape, channel, centered)?;
            let sums = [Some(acc), self.offset_sums(channel, acc)];
            if !sums.into_iter().flatten().all(|sums| packing.holds(channel, sums))
                || !self.weights.are_weights(shape, channel)
            {
                return Err(OpFault::Packing);
            }
            bounds::stored(self.requant.as_ref(), channel, acc, output)
        })
    }

    /// Sums that start with the offset of a form, as some kernels compute them.
    fn offset_sums(&self, channel: usize, acc: IntRange) -> Option<IntRange> {
        match self.requant?.form {
            Form::MultiplyHigh { offsets, .. } => {
                acc.checked_add(IntRange::point(at(offsets, channel).into()))
            }
            _ => None,
        }
    }

    fn accumulator(
        &self,
        shape: FilterShape,
        channel: usize,
        centered: IntRange,
    ) -> Result<IntRange, OpFault> {
        let weights = (0..shape.elems).map(|element| self.weights.get(shape, channel, element));
        bounds::accumulator(weights, centered, self.bias.at(channel), self.wide)
    }
}

impl fmt::Display for Layer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Weights { packing, elements } = self.weights;
        match packing {
            Packing::RowMajor | Packing::TapMajor => {
                let element = if elements.element() == Element::I16 { "i16 " } else { "" };
                write!(f, "{} {element}weights, ", elements.len())?;
            }
            Packing::FilterPairs | Packing::FilterQuads | Packing::TapBlocks | Packing::Winograd => {
                write!(f, "{} {packing} weights, ", elements.len())?
            }
            Packing::Nibbles => write!(f, "{} bytes of 4-bit weights, ", elements.len())?,
        }
        match self.bias {
            Bias::None => {}
            Bias::I16(_) => f.write_str("i16 bias, ")?,
            Bias::I32(_) => f.write_str("i32 bias, ")?,
        }
        if self.wide {
            f.write_str("64-bit sums, ")?;
        }
        list_requant(f, self.requant.as_ref())
    }
}

/// Writes a requantization, or that there is none.
pub(crate) fn list_requant(f: &mut fmt::Formatter<'_>, requant: Option<&Requant<'_>>) -> fmt::Result {
    match requant {
        Some(requant) => write!(f, "{} to {}", requant.form_name(), requant.range()),
        None => f.write_str("accumulators"),
    }
}
