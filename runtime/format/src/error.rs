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
    /// The stated arena is larger than 2^31 - 1 bytes, or than its caller allows.
    Arena {
        /// Arena stated by the header.
        need_bytes: u32,
    },
    /// The image is longer than its caller allows.
    ImageLimit {
        /// Length stated by the header.
        need_bytes: u32,
        /// Most that is allowed.
        limit_bytes: u32,
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
    /// A state is not valid.
    State {
        /// Position in the state table.
        state: u16,
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

/// Faults: what each means, its number, which stays the same in all versions, and what is said of it.
macro_rules! faults {
    (
        $(#[doc = $about:literal])*
        $name:ident {$(
            $(#[doc = $meaning:literal])*
            $number:literal $fault:ident $({ $field:ident: $ty:ty })? = $message:literal,
        )*}
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum $name {$(
            $(#[doc = $meaning])*
            $fault $({
                /// What was found.
                $field: $ty,
            })?,
        )*}

        impl $name {
            /// Its number.
            pub const fn code(&self) -> u16 {
                match self {
                    $(Self::$fault $({ $field: _ })? => $number,)*
                }
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> Result {
                match self {
                    $(Self::$fault $({ $field })? => write!(f, $message $(, $field = $field)?),)*
                }
            }
        }
    };
}

faults! {
    /// What is wrong with a tensor.
    TensorFault {
        /// Unknown element type.
        1 Element = "unknown element type",
        /// Rank outside 1 to 4, a zero dimension, or too many elements.
        2 Shape = "rank outside 1 to 4, a zero dimension, or too many elements",
        /// A reserved field is not zero.
        3 Reserved = "a reserved field is not zero",
        /// Empty range of codes, or codes the element type does not hold.
        4 Range = "codes outside the element type",
        /// Not at a multiple of 8, or not inside the arena.
        5 Place = "not at a multiple of 8 inside the arena",
        /// No op writes it, or works in it.
        6 NotWritten = "nothing writes it or works in it",
        /// It lies outside the arena and is no output.
        7 NoPort = "outside the arena, and no output",
    }
}

faults! {
    /// What is wrong with an input or output of the model.
    PortFault {
        /// There is no such tensor.
        1 NoTensor = "no such tensor",
        /// A reserved field is not zero.
        2 Reserved = "a reserved field is not zero",
        /// An unknown rule of quantization, or one with fields that do not belong to it.
        3 Rule = "unknown rule of quantization, or fields that do not belong to it",
        /// Thresholds lie outside the constant section or are misaligned.
        4 Constant = "thresholds lie outside the constant section or are misaligned",
        /// The scale is not positive and finite.
        5 Scale = "the scale is not positive and finite",
        /// Thresholds do not ascend or do not suit range and channels, or the code of NaN lies outside the range.
        6 Thresholds = "thresholds or the code of NaN do not suit range and channels",
        /// Two inputs are one tensor, or share memory.
        7 Shared = "shares memory with another input",
        /// Nothing writes the tensor.
        8 NotWritten = "nothing writes the tensor",
        /// An op overwrites the tensor before the run ends.
        9 Overwritten = "an op overwrites the tensor",
        /// A name or label is not UTF-8.
        10 Text = "a name or label is not UTF-8",
        /// Multipliers, offsets and channels do not suit each other or the tensor.
        11 Numbers = "the numbers that integers stand for do not suit the tensor",
        /// What states start with lies outside the range, or states do not lie behind all other tensors.
        12 State = "the fill lies outside the range, or the state not behind all other tensors",
        /// Checking it takes more steps than an image of this length may take.
        13 Work = "checking it takes too many steps for an image of this length",
        /// The tensor lies outside the arena, but not in the next buffer of those of inputs or outputs.
        14 Outside = "outside the arena, but not in the next buffer of inputs or outputs",
    }
}

faults! {
    /// What is wrong with an op.
    OpFault {
        /// The op table ends inside the record, has another length than the kind demands, or holds another number of ops.
        1 Record = "the op table does not hold the record",
        /// The kind is unknown.
        2 Kind { found: u16 } = "unknown kind {found}",
        /// This build of the runtime leaves the op's kernel out.
        3 KernelLeftOut { kind: OpKind } = "this runtime is built without {kind}",
        /// There is no such tensor.
        4 NoTensor { tensor: TensorId } = "no tensor {tensor}",
        /// A reserved field is not zero.
        5 Reserved = "a reserved field is not zero",
        /// A constant array lies outside the constant section or is misaligned.
        6 Constant = "a constant lies outside the constant section or is misaligned",
        /// The kernel does not support the element type of a tensor or of the weights.
        7 Element = "the kernel does not support the element type",
        /// Unknown requantization form, one with fields that do not belong to it, or none where sums have 64 bits.
        8 Form = "unknown or missing requantization form, or fields that do not belong to it",
        /// Requantization arrays that do not suit the channels, a shift past the word, or unordered thresholds.
        9 RequantParameters = "requantization parameters do not suit the channels",
        /// The requantization would wrap on an accumulator that can occur.
        10 RequantWraps = "the requantization wraps on an accumulator that can occur",
        /// A stride, dilation, window, group or channel count of zero, or one that does not divide what it must.
        11 Geometry = "a zero in the geometry, or a count that does not divide what it must",
        /// The input's shape does not suit the op.
        12 InputShape = "the input's shape does not suit the op",
        /// The output's shape is not the one the op produces.
        13 OutputShape = "the output's shape is not the one the op produces",
        /// A pooling window lies in padding alone.
        14 EmptyWindow = "a window lies in padding alone",
        /// The number of weights does not suit the shapes.
        15 WeightCount = "the number of weights does not suit the shapes",
        /// Unknown packing of weights, or one that does not suit the op or the weights' element type.
        16 Packing = "unknown packing of weights, or one that the op does not take",
        /// The number of biases is not the number of output channels, or their element type is unknown.
        17 Bias = "the biases do not suit the output channels",
        /// Codes minus zero point leave 16 bits.
        18 CenteredRange = "codes minus zero point leave 16 bits",
        /// An accumulator can leave 32 bits, or 64 where sums have as many; or a score can leave 64 bits.
        19 Accumulator = "an accumulator can leave its bits",
        /// The op reads outside its input.
        20 OutsideInput = "the op reads outside its input",
        /// The op can produce codes the output tensor must not hold.
        21 OutputRange = "codes can leave the output tensor's range",
        /// The input was not written before.
        22 NotWritten = "the input was not written before",
        /// The input was overwritten by another op since it was written.
        23 Overwritten = "the input was overwritten before",
        /// Input and output share memory, and the op cannot work in place.
        24 Overlap = "input and output share memory",
        /// Another number of tensors than the op reads.
        25 Operands = "the op reads another number of tensors",
        /// No scratch, scratch of an op that has no use for it, or too little of it.
        26 Scratch = "scratch is missing, too small, or not for this op",
        /// Tensors are not in the order in which ops write them.
        27 Order = "tensors are not in the order in which ops write them",
        /// Checking it takes more steps than an image of this length may take.
        28 Work = "checking it takes too many steps for an image of this length",
    }
}

impl LoadError {
    /// A number for logs, which stays the same in all versions: below 100 of the image, from 100 on of a tensor, 200 of an
    /// input, 300 of an output, 400 of a state, 500 of an op, where the fault's own number is added.
    pub const fn code(&self) -> u16 {
        let (part, fault) = match self {
            Self::Misaligned => (0, 1),
            Self::Truncated { .. } => (0, 2),
            Self::Magic => (0, 3),
            Self::Version { .. } => (0, 4),
            Self::Length { .. } => (0, 5),
            Self::Checksum { .. } => (0, 6),
            Self::Arena { .. } => (0, 7),
            Self::Sections => (0, 8),
            Self::ImageLimit { .. } => (0, 9),
            Self::Tensor { fault, .. } => (100, fault.code()),
            Self::Input { fault, .. } => (200, fault.code()),
            Self::Output { fault, .. } => (300, fault.code()),
            Self::State { fault, .. } => (400, fault.code()),
            Self::Op { fault, .. } => (500, fault.code()),
        };
        // Fewer than 100 faults each.
        fault.wrapping_add(part)
    }
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
            Self::ImageLimit { need_bytes, limit_bytes } => {
                write!(f, "an image of {need_bytes} bytes, at most {limit_bytes} are allowed")
            }
            Self::Sections => f.write_str("the tables do not fill the image"),
            Self::Tensor { tensor, fault } => write!(f, "tensor {tensor}: {fault}"),
            Self::Input { input, fault } => write!(f, "input {input}: {fault}"),
            Self::State { state, fault } => write!(f, "state {state}: {fault}"),
            Self::Output { output, fault } => write!(f, "output {output}: {fault}"),
            Self::Op { op, fault } => write!(f, "op {op}: {fault}"),
        }
    }
}

impl core::error::Error for LoadError {}
