//! The codes that a table holds, in the element type that they need. Used by the form that looks codes up.

use super::channel_slice;

/// Codes for each channel, or for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries<'a> {
    /// Codes from -128 to 127.
    I8(&'a [i8]),
    /// Codes from 0 to 255.
    U8(&'a [u8]),
    /// Codes of up to 16 bits.
    I16(&'a [i16]),
}

impl Entries<'_> {
    /// Number of codes.
    pub const fn len(&self) -> usize {
        match self {
            Self::I8(codes) => codes.len(),
            Self::U8(codes) => codes.len(),
            Self::I16(codes) => codes.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Code `index`.
    pub fn get(&self, index: usize) -> Option<i32> {
        match self {
            Self::I8(codes) => codes.get(index).map(|code| (*code).into()),
            Self::U8(codes) => codes.get(index).map(|code| (*code).into()),
            Self::I16(codes) => codes.get(index).map(|code| (*code).into()),
        }
    }

    /// The `domain` codes of `channel`, or the shared ones if there is only one group.
    #[must_use]
    pub fn of_channel(self, domain: usize, channel: usize) -> Self {
        match self {
            Self::I8(codes) => Self::I8(channel_slice(codes, domain, channel)),
            Self::U8(codes) => Self::U8(channel_slice(codes, domain, channel)),
            Self::I16(codes) => Self::I16(channel_slice(codes, domain, channel)),
        }
    }
}
