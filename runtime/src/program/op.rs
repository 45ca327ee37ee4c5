//! The ops of the format. The macro `ops!` declares each once: number, name, feature, type.
//!
//! Reading, writing, checking, running, listing and the documentation follow from that table and one file per op.

mod add;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod dense;
mod layer;
mod max_pool2d;
mod mul;
mod rearrange;
mod requantize;
mod sum_pool2d;
mod top_k;

pub use add::{Add, Multipliers};
pub use concat::Concat;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use dense::Dense;
pub use max_pool2d::MaxPool2d;
pub use mul::Mul;
pub use rearrange::Rearrange;
pub use requantize::Requantize;
pub use sum_pool2d::SumPool2d;
pub use top_k::TopK;

pub use super::tail::Bias;
pub use super::weights::Weights;

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::constants::Constants;
#[cfg(feature = "encode")]
use super::encode::ConstantWriter;
use super::record::record;
use super::tensor::{Tensor, TensorId, Tensors};
use crate::codes::{Codes, CodesMut};
use crate::error::OpFault;

record! {
    /// The start of every op in the image.
    pub(crate) struct OpHeader {
        pub(crate) kind: u16 = "The op's number.",
        pub(crate) record_bytes: u16 = "Length of this header and the fields after it, a multiple of 8.",
        pub(crate) input: u16 = "Tensor it reads, the first if there are several.",
        pub(crate) output: u16 = "Tensor it writes.",
    }
}

/// What one file per op provides.
pub(crate) trait OpBody<'p>: Sized {
    /// The fields after the header.
    type Record: FromBytes + IntoBytes + Immutable + KnownLayout;

    /// The record's meaning.
    fn decode(
        input: TensorId,
        output: TensorId,
        record: &Self::Record,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault>;

    /// The op's record, its constants written to `constants`.
    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> Self::Record;

    /// The second tensor it reads, if its record names one.
    fn second(&self) -> Option<TensorId> {
        None
    }

    /// Numbers of further tensors it reads, if its constants name some.
    fn rest(&self) -> &'p [u16] {
        &[]
    }

    /// Whether `input`, one of the tensors it reads, may lie at the very bytes of `output`.
    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        let _ = (input, output);
        false
    }

    /// Checks everything `run` relies on. `tensors` are for ops that read several.
    fn verify(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault>;

    /// Computes the output. Does nothing, or writes wrong codes, where `verify` would fail; never panics.
    fn run(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]);

    /// Writes the op's parameters, without name and tensors.
    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

macro_rules! ops {
    ($($(#[doc = $about:literal])* $code:literal $ty:ident $(<$lifetime:lifetime>)? $name:literal;)*) => {
        /// The kinds of op.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum OpKind {
            $($(#[doc = $about])* $ty,)*
        }

        impl OpKind {
            /// Every kind, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$ty),*];

            /// The number of the kind in a program.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$ty => $code,)*
                }
            }

            /// The kind a program's number stands for.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$ty),)*
                    _ => None,
                }
            }

            /// The name in listings; also the feature that builds its kernel.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$ty => $name,)*
                }
            }

            /// One sentence on what it computes.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Self::$ty => concat!($($about),*).trim_ascii_start(),)*
                }
            }

            /// Whether this build holds its kernel.
            pub const fn is_built(self) -> bool {
                match self {
                    $(Self::$ty => cfg!(feature = $name),)*
                }
            }
        }

        /// One op of a program, its constants borrowed from the image.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Op<'p> {
            $($(#[doc = $about])* $ty($ty $(<$lifetime>)?),)*
        }

        impl<'p> Op<'p> {
            /// Its kind.
            pub const fn kind(&self) -> OpKind {
                match self {
                    $(Self::$ty(_) => OpKind::$ty,)*
                }
            }

            /// The tensor it reads, the first if there are several.
            pub const fn input(&self) -> TensorId {
                match self {
                    $(Self::$ty(op) => op.input,)*
                }
            }

            /// The tensor it writes.
            pub const fn output(&self) -> TensorId {
                match self {
                    $(Self::$ty(op) => op.output,)*
                }
            }

            /// All tensors it reads, in order.
            pub fn inputs(&self) -> impl Iterator<Item = TensorId> + Clone + 'p {
                let (second, rest) = match self {
                    $(Self::$ty(op) => (op.second(), op.rest()),)*
                };
                core::iter::once(self.input()).chain(second).chain(rest.iter().map(|id| TensorId(*id)))
            }

            /// Writes the record to `records`, and the constants it refers to, to `constants`.
            #[cfg(feature = "encode")]
            pub(crate) fn encode<S: Extend<u8>>(
                &self,
                records: &mut impl Extend<u8>,
                constants: &mut ConstantWriter<'_, S>,
            ) {
                match self {
                    $(Self::$ty(op) => {
                        let record = op.encode(constants);
                        let record_bytes = size_of::<OpHeader>().wrapping_add(size_of_val(&record));
                        let header = OpHeader {
                            kind: $code,
                            record_bytes: record_bytes as u16,
                            input: op.input.0,
                            output: op.output.0,
                        };
                        records.extend(header.as_bytes().iter().copied());
                        records.extend(record.as_bytes().iter().copied());
                    })*
                }
            }

            /// Whether `input`, one of the tensors it reads, may lie at the very bytes of `output`.
            pub(crate) fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
                match self {
                    $(Self::$ty(op) => op.may_share(input, output),)*
                }
            }

            /// Checks the op against its tensors.
            pub(crate) fn verify(
                &self,
                tensors: Tensors<'_>,
                input: &Tensor,
                output: &Tensor,
            ) -> Result<(), OpFault> {
                match self {
                    $(Self::$ty(op) => op.verify(tensors, input, output),)*
                }
            }
        }

        impl<'p> OpRecord<'p> {
            /// The record's meaning.
            pub(crate) fn decode(self) -> Result<Op<'p>, OpFault> {
                match self.header.kind {
                    $($code => self.decode_as().map(Op::$ty),)*
                    found => Err(OpFault::Kind { found }),
                }
            }

            /// Runs the op of a checked record; nothing happens if its kernel is left out, which loading refuses.
            pub(crate) fn run(
                self,
                tensors: Tensors<'_>,
                input: &Tensor,
                output: &Tensor,
                arena: &mut [u8],
            ) {
                match self.header.kind {
                    $($code if cfg!(feature = $name) => self.run_as::<$ty>(tensors, input, output, arena),)*
                    _ => {}
                }
            }
        }

        impl fmt::Display for Op<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} ", self.kind())?;
                for (position, input) in self.inputs().enumerate() {
                    write!(f, "{}{input}", if position == 0 { "" } else { ", " })?;
                }
                write!(f, " -> {} ", self.output())?;
                match self {
                    $(Self::$ty(op) => op.list(f),)*
                }
            }
        }

        #[cfg(test)]
        impl<'p> Op<'p> {
            /// The fields of each op's record, for the documentation.
            pub(crate) const RECORDS: &'static [(OpKind, &'static [super::record::Field])] =
                &[$((OpKind::$ty, <$ty $(<$lifetime>)? as OpBody<'p>>::Record::FIELDS)),*];
        }

        $(impl<'p> From<$ty $(<$lifetime>)?> for Op<'p> {
            fn from(op: $ty $(<$lifetime>)?) -> Self {
                Self::$ty(op)
            }
        })*
    };
}

ops! {
    /// A matrix times each row of codes, then requantization.
    1 Dense<'p> "dense";
    /// A two-dimensional convolution with stride, padding, dilation and groups, then requantization.
    2 Conv2d<'p> "conv2d";
    /// The largest code of each channel in a sliding window.
    3 MaxPool2d "max-pool2d";
    /// Codes to codes, elementwise, by a requantization for each channel of the last axis.
    4 Requantize<'p> "requantize";
    /// A change of layout: axes reordered, sliced, reversed, repeated or padded.
    5 Rearrange "rearrange";
    /// The weighted sum of two tensors, elementwise, then requantization.
    6 Add<'p> "add";
    /// The product of two tensors, elementwise, then requantization.
    7 Mul<'p> "mul";
    /// The rows of several tensors one after the other.
    8 Concat<'p> "concat";
    /// The sum or the average of each channel in a sliding window, then requantization.
    9 SumPool2d<'p> "sum-pool2d";
    /// A two-dimensional transposed convolution, then requantization.
    10 ConvTranspose2d<'p> "conv-transpose2d";
    /// The positions of the largest or smallest elements of each row, or these elements.
    11 TopK<'p> "top-k";
}

impl fmt::Display for OpKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An op as the image holds it: a header whose kind and tensors are known, and fields that are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpRecord<'p> {
    header: &'p OpHeader,
    fields: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> OpRecord<'p> {
    /// The tensor it reads, the first if there are several.
    pub(crate) const fn input(self) -> TensorId {
        TensorId(self.header.input)
    }

    /// The tensor it writes.
    pub(crate) const fn output(self) -> TensorId {
        TensorId(self.header.output)
    }

    fn decode_as<B: OpBody<'p>>(self) -> Result<B, OpFault> {
        let record = FromBytes::ref_from_bytes(self.fields).map_err(|_| OpFault::Record)?;
        B::decode(self.input(), self.output(), record, self.constants)
    }

    /// Runs it as an op of one kind, never as an [`Op`]: that is as large as the largest kind, and moving it costs more
    /// than decoding. Not inlined, so that each kind has a stack frame of its own size.
    #[inline(never)]
    fn run_as<B: OpBody<'p>>(self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        // By reference: it stays where it was decoded.
        if let Ok(op) = &self.decode_as::<B>() {
            op.run(tensors, input, output, arena);
        }
    }
}

/// The records of a program in order. Stops after one that cannot be told from the next.
#[derive(Clone, Debug)]
pub(crate) struct OpRecords<'p> {
    rest: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> OpRecords<'p> {
    pub(crate) const fn new(records: &'p [u8], constants: Constants<'p>) -> Self {
        Self { rest: records, constants }
    }

    fn split(&self) -> Option<(OpRecord<'p>, &'p [u8])> {
        let (header, fields) = OpHeader::ref_from_prefix(self.rest).ok()?;
        let fields_bytes = usize::from(header.record_bytes).checked_sub(size_of::<OpHeader>())?;
        let (fields, rest) = fields.split_at_checked(fields_bytes)?;
        Some((OpRecord { header, fields, constants: self.constants }, rest))
    }
}

impl<'p> Iterator for OpRecords<'p> {
    type Item = Result<OpRecord<'p>, OpFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (record, rest) =
            self.split().map_or((Err(OpFault::Record), &[][..]), |(record, rest)| (Ok(record), rest));
        self.rest = rest;
        Some(record)
    }
}

/// The ops of a program in order. Stops at a record that cannot be read, which no loaded program holds.
#[derive(Clone, Debug)]
pub struct Ops<'p>(pub(crate) OpRecords<'p>);

impl<'p> Iterator for Ops<'p> {
    type Item = Op<'p>;

    fn next(&mut self) -> Option<Op<'p>> {
        self.0.next()?.and_then(OpRecord::decode).ok()
    }
}

/// The codes of `input` and, to be written, of `output`; `None` if they share bytes or lie outside.
pub(crate) fn views<'a>(
    arena: &'a mut [u8],
    input: &Tensor,
    output: &Tensor,
) -> Option<(Codes<'a>, CodesMut<'a>)> {
    let (read, write) = crate::arena::disjoint(arena, input.place(), output.place())?;
    Some((Codes::from_bytes(input.element, read)?, CodesMut::from_bytes(output.element, write)?))
}
