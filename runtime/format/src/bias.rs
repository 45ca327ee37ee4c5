//! Biases: what starts the accumulators of a layer.

use exactum_num::codes::Element;

use crate::constants::{ConstRef, Constants};
use crate::error::OpFault;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// Integers that start the accumulators, one for each output channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bias<'p> {
    /// Accumulators start at 0.
    #[default]
    None,
    /// 16-bit biases.
    I16(&'p [i16]),
    /// 32-bit biases.
    I32(&'p [i32]),
}

impl<'p> Bias<'p> {
    /// The bias of `channel`; 0 if there is none.
    pub fn at(self, channel: usize) -> i32 {
        match self {
            Self::None => None,
            Self::I16(values) => values.get(channel).map(|value| i32::from(*value)),
            Self::I32(values) => values.get(channel).copied(),
        }
        .unwrap_or_default()
    }

    /// Whether this holds a bias for each of `channels` channels, or none at all.
    pub(crate) fn suits(self, channels: usize) -> bool {
        match self {
            Self::None => true,
            Self::I16(values) => values.len() == channels,
            Self::I32(values) => values.len() == channels,
        }
    }

    pub(crate) fn decode(element: u8, place: ConstRef, constants: Constants<'p>) -> Result<Self, OpFault> {
        match Element::from_code(element) {
            None if element == 0 && place.elems == 0 => Ok(Self::None),
            Some(Element::I16) => constants.slice(place).map(Self::I16),
            Some(Element::I32) => constants.slice(place).map(Self::I32),
            _ => Err(OpFault::Bias),
        }
    }

    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(self, constants: &mut ConstantWriter<'_, S>) -> (u8, ConstRef) {
        match self {
            Self::None => (0, ConstRef::default()),
            Self::I16(values) => (Element::I16.code(), constants.put(values)),
            Self::I32(values) => (Element::I32.code(), constants.put(values)),
        }
    }
}
