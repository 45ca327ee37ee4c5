//! What can be wrong with an image.

use core::fmt::{Display, Formatter, Result};

use crate::id::{TensorId, VERSION};
use crate::kind::OpKind;

/// Why an image is not a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum LoadError {
    /// The image's first byte is not at a multiple of 8.
    Misaligned,
    /// The image ends inside its header.
    Truncated {
        /// Length of a header.
        need_bytes: usize,
        /// Length of the image.
        have_bytes: usize,
    },
    /// The image does not start with the magic of programs.
    Magic,
    /// The image is of another version of the format.
    Version {
        /// Version of the image.
        found: u32,
    },
    /// The image is not as long as it says.
    Length {
        /// Length stated by the header.
        stated_bytes: u32,
        /// Length of the image.
        have_bytes: usize,
    },
    /// The image was changed after it was written.
    Checksum {
        /// Checksum stated by the header.
        stated: u32,
        /// Checksum of the image's bytes.
        computed: u32,
    },
    /// The stated arena is larger than 2^31 - 1 bytes.
    Arena {
        /// Arena stated by the header.
        need_bytes: u32,
    },
    /// The tables do not fill the image.
    Sections,
    /// A tensor is not valid.
    Tensor {
        /// Which one.
        tensor: TensorId,
        /// What is wrong with it.
        fault: TensorFault,
    },
    /// An input of the model is not valid.
    Input {
        /// Position in the input table.
        input: u16,
        /// What is wrong with it.
        fault: PortFault,
    },
    /// An output of the model is not valid.
    Output {
        /// Position in the output table.
        output: u16,
        /// What is wrong with it.
        fault: PortFault,
    },
    /// An op is not valid.
    Op {
        /// Position in the op table.
        op: u16,
        /// What is wrong with it.
        fault: OpFault,
    },
}

/// What is wrong with a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum TensorFault {
    /// Unknown element type.
    Element,
    /// Rank outside 1 to 4, a zero dimension, or too many elements.
    Shape,
    /// A reserved field is not zero.
    Reserved,
    /// Empty range of codes, or codes the element type does not hold.
    Range,
    /// Not at a multiple of 8, or not inside the arena.
    Place,
}

/// What is wrong with an input or output of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PortFault {
    /// There is no such tensor.
    NoTensor,
    /// A reserved field is not zero.
    Reserved,
    /// An unknown rule of quantization, or one with fields that do not belong to it.
    Rule,
    /// Thresholds lie outside the constant section or are misaligned.
    Constant,
    /// The scale is not positive and finite.
    Scale,
    /// Thresholds do not ascend or do not suit range and channels, or the code of NaN lies outside the range.
    Thresholds,
    /// Two inputs are one tensor, or share memory.
    Shared,
    /// Nothing writes the tensor.
    NotWritten,
    /// An op overwrites the tensor before the run ends.
    Overwritten,
}

/// What is wrong with an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpFault {
    /// The op table ends inside the record, has another length than the kind demands, or holds another number of ops.
    Record,
    /// The kind is unknown.
    Kind {
        /// The number found.
        found: u16,
    },
    /// This build of the runtime leaves the op's kernel out.
    KernelLeftOut {
        /// The kind of op.
        kind: OpKind,
    },
    /// There is no such tensor.
    NoTensor {
        /// The number found.
        tensor: TensorId,
    },
    /// A reserved field is not zero.
    Reserved,
    /// A constant array lies outside the constant section or is misaligned.
    Constant,
    /// The kernel does not support the element type of a tensor or of the weights.
    Element,
    /// Unknown requantization form, one with fields that do not belong to it, or none where sums have 64 bits.
    Form,
    /// Requantization arrays that do not suit the channels, a shift past the word, or unordered thresholds.
    RequantParameters,
    /// The requantization would wrap on an accumulator that can occur.
    RequantWraps,
    /// A stride, dilation, window, group or channel count of zero, or one that does not divide what it must.
    Geometry,
    /// The input's shape does not suit the op.
    InputShape,
    /// The output's shape is not the one the op produces.
    OutputShape,
    /// A pooling window lies in padding alone.
    EmptyWindow,
    /// The number of weights does not suit the shapes.
    WeightCount,
    /// Unknown packing of weights, or one that does not suit the op or the weights' element type.
    Packing,
    /// The number of biases is not the number of output channels, or their element type is unknown.
    Bias,
    /// Codes minus zero point leave 16 bits.
    CenteredRange,
    /// An accumulator can leave 32 bits, or 64 where sums have as many; or a score can leave 64 bits.
    Accumulator,
    /// The op reads outside its input.
    OutsideInput,
    /// The op can produce codes the output tensor must not hold.
    OutputRange,
    /// The input was not written before.
    NotWritten,
    /// The output was written before.
    WrittenTwice,
    /// The input was overwritten by another op since it was written.
    Overwritten,
    /// Input and output share memory, and the op cannot work in place.
    Overlap,
}

impl Display for LoadError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match *self {
            Self::Misaligned => f.write_str("the image is not aligned to 8 bytes"),
            Self::Truncated { need_bytes, have_bytes } => {
                write!(f, "the image has {have_bytes} bytes, its header alone needs {need_bytes}")
            }
            Self::Magic => f.write_str("the image is no program"),
            Self::Version { found } => {
                write!(f, "program format version {found}, this runtime reads {VERSION}")
            }
            Self::Length { stated_bytes, have_bytes } => {
                write!(f, "the image has {have_bytes} bytes, its header states {stated_bytes}")
            }
            Self::Checksum { stated, computed } => {
                write!(f, "checksum {computed:08x}, the header states {stated:08x}")
            }
            Self::Arena { need_bytes } => write!(f, "an arena of {need_bytes} bytes is too large"),
            Self::Sections => f.write_str("the tables do not fill the image"),
            Self::Tensor { tensor, fault } => write!(f, "tensor {tensor}: {fault}"),
            Self::Input { input, fault } => write!(f, "input {input}: {fault}"),
            Self::Output { output, fault } => write!(f, "output {output}: {fault}"),
            Self::Op { op, fault } => write!(f, "op {op}: {fault}"),
        }
    }
}

impl Display for TensorFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Element => "unknown element type",
            Self::Shape => "rank outside 1 to 4, a zero dimension, or too many elements",
            Self::Reserved => "a reserved field is not zero",
            Self::Range => "codes outside the element type",
            Self::Place => "not at a multiple of 8 inside the arena",
        })
    }
}

impl Display for PortFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::NoTensor => "no such tensor",
            Self::Reserved => "a reserved field is not zero",
            Self::Rule => "unknown rule of quantization, or fields that do not belong to it",
            Self::Constant => "thresholds lie outside the constant section or are misaligned",
            Self::Scale => "the scale is not positive and finite",
            Self::Thresholds => "thresholds or the code of NaN do not suit range and channels",
            Self::Shared => "shares memory with another input",
            Self::NotWritten => "nothing writes the tensor",
            Self::Overwritten => "an op overwrites the tensor",
        })
    }
}

impl Display for OpFault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Kind { found } => return write!(f, "unknown kind {found}"),
            Self::KernelLeftOut { kind } => return write!(f, "this runtime is built without {kind}"),
            Self::NoTensor { tensor } => return write!(f, "no tensor {tensor}"),
            Self::Record => "the op table does not hold the record",
            Self::Reserved => "a reserved field is not zero",
            Self::Constant => "a constant lies outside the constant section or is misaligned",
            Self::Element => "the kernel does not support the element type",
            Self::Form => "unknown or missing requantization form, or fields that do not belong to it",
            Self::RequantParameters => "requantization parameters do not suit the channels",
            Self::RequantWraps => "the requantization wraps on an accumulator that can occur",
            Self::Geometry => "a zero in the geometry, or a count that does not divide what it must",
            Self::InputShape => "the input's shape does not suit the op",
            Self::OutputShape => "the output's shape is not the one the op produces",
            Self::EmptyWindow => "a window lies in padding alone",
            Self::WeightCount => "the number of weights does not suit the shapes",
            Self::Packing => "unknown packing of weights, or one that the op does not take",
            Self::Bias => "the biases do not suit the output channels",
            Self::CenteredRange => "codes minus zero point leave 16 bits",
            Self::Accumulator => "an accumulator can leave its bits",
            Self::OutsideInput => "the op reads outside its input",
            Self::OutputRange => "codes can leave the output tensor's range",
            Self::NotWritten => "the input was not written before",
            Self::WrittenTwice => "the output was written before",
            Self::Overwritten => "the input was overwritten before",
            Self::Overlap => "input and output share memory",
        })
    }
}

impl core::error::Error for LoadError {}
