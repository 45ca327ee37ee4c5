//! Weights of an op: 8-bit codes, or 16-bit ones where 8 do not hold them.

use super::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use super::encode::ConstantWriter;
#[cfg(feature = "encode")]
use crate::codes::Code;
use crate::codes::Element;
use crate::error::OpFault;

/// Weight codes, in the order that the op states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights<'p> {
    /// 8-bit weights.
    I8(&'p [i8]),
    /// 16-bit weights.
    I16(&'p [i16]),
}

impl Default for Weights<'_> {
    fn default() -> Self {
        Self::I8(&[])
    }
}

impl<'p> Weights<'p> {
    /// Number of weights.
    pub const fn len(self) -> usize {
        match self {
            Self::I8(values) => values.len(),
            Self::I16(values) => values.len(),
        }
    }

    /// Whether there is no weight.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Weight `index`; 0 if there is none.
    pub fn at(self, index: usize) -> i32 {
        match self {
            Self::I8(values) => values.get(index).map(|value| i32::from(*value)),
            Self::I16(values) => values.get(index).map(|value| i32::from(*value)),
        }
        .unwrap_or_default()
    }

    /// The weights from `start` on; none past the end.
    pub(crate) fn skip(self, start: usize) -> Self {
        match self {
            Self::I8(values) => Self::I8(values.get(start..).unwrap_or_default()),
            Self::I16(values) => Self::I16(values.get(start..).unwrap_or_default()),
        }
    }

    pub(crate) fn decode(element: u8, place: ConstRef, constants: Constants<'p>) -> Result<Self, OpFault> {
        match Element::from_code(element) {
            Some(Element::I8) => constants.slice(place).map(Self::I8),
            Some(Element::I16) => constants.slice(place).map(Self::I16),
            _ => Err(OpFault::Element),
        }
    }

    #[cfg(feature = "encode")]
    pub(crate) fn encode<S: Extend<u8>>(self, constants: &mut ConstantWriter<'_, S>) -> (u8, ConstRef) {
        match self {
            Self::I8(values) => (i8::ELEMENT.code(), constants.put(values)),
            Self::I16(values) => (i16::ELEMENT.code(), constants.put(values)),
        }
    }
}
