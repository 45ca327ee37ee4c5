//! What can be wrong with an arena, an input or a buffer. After loading a program there is no other error.

use core::fmt::{Display, Formatter, Result};

use exactum_num::codes::Element;

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
    /// The program has inputs or outputs outside the arena: [`Engine::outside`](crate::Engine::outside) makes its engine.
    PortsOutside,
}

impl ArenaError {
    /// A number for logs, which stays the same in all versions.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Misaligned => 701,
            Self::TooSmall { .. } => 702,
            Self::PortsOutside => 703,
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
            Self::PortsOutside => f.write_str(
                "the program has inputs or outputs outside the arena, which need buffers for each run",
            ),
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
    /// The input, or the output, lies outside the arena, in a buffer of the caller.
    Outside,
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
            Self::Outside => 807,
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
            Self::Outside => f.write_str("it lies outside the arena, in a buffer of the caller"),
        }
    }
}

impl core::error::Error for InputError {}

/// A side of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Side {
    /// What the caller gives.
    Input,
    /// What the caller gets.
    Output,
}

impl Display for Side {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// Why buffers cannot be the ports outside the arena for a run. Buffers are counted from 0 on each side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BufferError {
    /// Another number of buffers than the side has ports outside.
    Count {
        /// The side.
        side: Side,
        /// Ports outside.
        need_buffers: usize,
        /// Buffers given.
        have_buffers: usize,
    },
    /// A buffer of another element type than its port.
    Element {
        /// The side.
        side: Side,
        /// Number of the buffer.
        buffer: usize,
        /// Element type of the port.
        need: Element,
        /// Element type of the buffer.
        have: Element,
    },
    /// A buffer of another number of elements than its port.
    Length {
        /// The side.
        side: Side,
        /// Number of the buffer.
        buffer: usize,
        /// Elements of the port.
        need_elems: usize,
        /// Elements of the buffer.
        have_elems: usize,
    },
}

impl BufferError {
    /// A number for logs, which stays the same in all versions.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Count { .. } => 901,
            Self::Element { .. } => 902,
            Self::Length { .. } => 903,
        }
    }
}

impl Display for BufferError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Count { side, need_buffers, have_buffers } => {
                write!(
                    f,
                    "{have_buffers} {side} buffers, the program has {need_buffers} {side}s outside the arena"
                )
            }
            Self::Element { side, buffer, need, have } => {
                write!(f, "{side} buffer {buffer} holds {have}, the {side} is of {need}")
            }
            Self::Length { side, buffer, need_elems, have_elems } => {
                write!(f, "{side} buffer {buffer} has {have_elems} elements, the {side} {need_elems}")
            }
        }
    }
}

impl core::error::Error for BufferError {}
