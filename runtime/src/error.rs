//! What can be wrong with an arena or an input. After loading a program there is no other error.

use core::fmt::{Display, Formatter, Result};

/// Why a buffer cannot serve as an engine's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ArenaError {
    /// Its first byte is not at a multiple of 8.
    Misaligned,
    /// It is too small.
    TooSmall {
        /// Bytes the program needs.
        need_bytes: usize,
        /// Bytes of the buffer.
        have_bytes: usize,
    },
}

impl ArenaError {
    /// A number for logs, which stays the same in all versions.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Misaligned => 701,
            Self::TooSmall { .. } => 702,
        }
    }
}

impl Display for ArenaError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Misaligned => f.write_str("the arena is not aligned to 8 bytes"),
            Self::TooSmall { need_bytes, have_bytes } => {
                write!(f, "the arena has {have_bytes} bytes, the program needs {need_bytes}")
            }
        }
    }
}

impl core::error::Error for ArenaError {}

/// Why values cannot be an engine's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum InputError {
    /// The program has no such input.
    NoInput,
    /// Another number of values than the input has elements.
    Length {
        /// Elements of the input.
        need_elems: usize,
        /// Values given.
        have_elems: usize,
    },
    /// A code outside the input's range.
    Code {
        /// Position of the first such code.
        index: usize,
        /// The code.
        code: i32,
    },
    /// Floats were given to an input of integers.
    NoScale,
    /// The program has no such output.
    NoOutput,
    /// An output cannot be an input: element types, codes or what these stand for differ.
    Differs,
}

impl InputError {
    /// A number for logs, which stays the same in all versions.
    pub const fn code(&self) -> u16 {
        match self {
            Self::NoInput => 801,
            Self::Length { .. } => 802,
            Self::Code { .. } => 803,
            Self::NoScale => 804,
            Self::NoOutput => 805,
            Self::Differs => 806,
        }
    }
}

impl Display for InputError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NoInput => f.write_str("the program has no such input"),
            Self::Length { need_elems, have_elems } => {
                write!(f, "{have_elems} values for an input of {need_elems} elements")
            }
            Self::Code { index, code } => {
                write!(f, "code {code} at element {index} is outside the input's range")
            }
            Self::NoScale => f.write_str("the input takes integers and has no scale"),
            Self::NoOutput => f.write_str("the program has no such output"),
            Self::Differs => {
                f.write_str("the output has codes, or codes of another meaning, that the input does not take")
            }
        }
    }
}

impl core::error::Error for InputError {}
