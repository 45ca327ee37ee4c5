//! The ops of the format: one file for each, in which its fields are declared once.
//!
//! What all have in common follows from the table in `kind.rs`.

mod add;
mod concat;
mod conv2d;
mod conv_transpose2d;
mod declare;
mod dense;
mod max_pool2d;
mod mul;
mod push;
mod rearrange;
mod requantize;
mod sum_pool2d;
mod top_k;

#[cfg(test)]
pub(crate) use add::MultipliersRecord;
pub use add::{Add, Multipliers};
pub use concat::Concat;
pub use conv_transpose2d::ConvTranspose2d;
pub use conv2d::Conv2d;
pub use declare::OpBody;
pub use dense::Dense;
pub use max_pool2d::MaxPool2d;
pub use mul::Mul;
pub use push::Push;
pub use rearrange::Rearrange;
pub use requantize::Requantize;
pub use sum_pool2d::SumPool2d;
pub use top_k::TopK;

pub use crate::bias::Bias;
pub use crate::kind::OpKind;
pub use crate::layer::Layer;
pub use crate::packing::Weights;

use core::fmt;

use zerocopy::FromBytes;
#[cfg(feature = "encode")]
use zerocopy::IntoBytes;

use crate::constants::Constants;
use crate::error::OpFault;
use crate::id::TensorId;
use crate::program_ops;
use crate::record::record;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;
use declare::{Checks, Fields, Places};

record! {
    /// The start of every op in the image.
    pub(crate) struct OpHeader {
        pub(crate) kind: u16 = "The op's number.",
        pub(crate) operands: u16 = "How many tensors it reads.",
        pub(crate) output: u16 = "Tensor it writes.",
        pub(crate) scratch: u16 = "Tensor it works in, 65535 if none.",
        pub(crate) record_bytes: u32 = "Length of this header, the fields and the operands, a multiple of 8.",
        pub(crate) reserved: u32 = "Zero.",
    }
}

/// What stands for no tensor.
const NO_TENSOR: u16 = u16::MAX;

macro_rules! ops {
    ($($(#[doc = $about:literal])* $code:literal $ty:ident $(<$lifetime:lifetime>)? $name:literal;)*) => {
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

            /// The tensor it writes.
            pub const fn output(&self) -> TensorId {
                match self {
                    $(Self::$ty(op) => op.output,)*
                }
            }

            /// The tensor it works in, whose content means nothing before and after.
            pub fn scratch(&self) -> Option<TensorId> {
                match self {
                    $(Self::$ty(op) => op.scratch(),)*
                }
            }

            /// The tensor it reads at position `index`.
            pub fn operand(&self, index: usize) -> Option<TensorId> {
                match self {
                    $(Self::$ty(op) => op.operand(index),)*
                }
            }

            /// All tensors it reads, in order.
            pub fn operands(&self) -> impl Iterator<Item = TensorId> + Clone {
                (0..).map_while(|index| self.operand(index))
            }

            /// The op with `scratch` to work in, if its kernel can have any.
            #[cfg(feature = "encode")]
            #[must_use]
            pub fn with_scratch(mut self, scratch: Option<TensorId>) -> Self {
                match &mut self {
                    $(Self::$ty(op) => op.set_scratch(scratch),)*
                }
                self
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
                        self.write($code, record.as_bytes(), records);
                    })*
                }
            }

            /// Whether `input`, one of the tensors it reads, may lie at the very bytes of `output`.
            pub(crate) fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
                match self {
                    $(Self::$ty(op) => op.may_share(input, output),)*
                }
            }

            /// Bytes that its kernel needs to work in.
            pub fn scratch_bytes(&self, input: &Tensor) -> u32 {
                match self {
                    $(Self::$ty(op) => op.scratch_bytes(input),)*
                }
            }

            /// Checks the op against its tensors.
            pub(crate) fn verify(
                &self,
                tensors: Tensors<'_>,
                input: &Tensor,
                output: &Tensor,
                work: &mut Work,
            ) -> Result<(), OpFault> {
                match self {
                    $(Self::$ty(op) => op.verify(tensors, input, output, work),)*
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
        }

        impl fmt::Display for Op<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} ", self.kind())?;
                for (position, input) in self.operands().enumerate() {
                    write!(f, "{}{input}", if position == 0 { "" } else { ", " })?;
                }
                write!(f, " -> {}", self.output())?;
                if let Some(scratch) = self.scratch() {
                    write!(f, " in {scratch}")?;
                }
                f.write_str(" ")?;
                match self {
                    $(Self::$ty(op) => op.list(f),)*
                }
            }
        }

        #[cfg(test)]
        impl<'p> Op<'p> {
            /// The fields of each op's record, for the documentation.
            pub(crate) const RECORDS: &'static [(OpKind, &'static [crate::record::Field])] =
                &[$((OpKind::$ty, <$ty $(<$lifetime>)? as Fields<'p>>::Record::FIELDS)),*];
        }

        $(impl<'p> From<$ty $(<$lifetime>)?> for Op<'p> {
            fn from(op: $ty $(<$lifetime>)?) -> Self {
                Self::$ty(op)
            }
        })*
    };
}

program_ops!(ops);

#[cfg(feature = "encode")]
impl Op<'_> {
    /// Writes the record of kind `kind` with `fields`.
    fn write(&self, kind: u16, fields: &[u8], records: &mut impl Extend<u8>) {
        let operands = self.operands().count();
        let list_bytes = operands.wrapping_mul(size_of::<u16>());
        let padding = list_bytes.wrapping_neg() & 7;
        let bytes = [size_of::<OpHeader>(), fields.len(), list_bytes, padding];
        let header = OpHeader {
            kind,
            operands: operands as u16,
            output: self.output().0,
            scratch: self.scratch().map_or(NO_TENSOR, |id| id.0),
            record_bytes: bytes.into_iter().fold(0, usize::wrapping_add) as u32,
            reserved: 0,
        };
        records.extend(header.as_bytes().iter().copied());
        records.extend(fields.iter().copied());
        records.extend(self.operands().flat_map(|id| id.0.to_le_bytes()));
        records.extend(core::iter::repeat_n(0, padding));
    }
}

/// An op as the image holds it: a header whose kind and tensors are known, and fields that are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub struct OpRecord<'p> {
    header: &'p OpHeader,
    fields: &'p [u8],
    operands: &'p [u16],
    constants: Constants<'p>,
}

impl<'p> OpRecord<'p> {
    /// The number of its kind.
    pub const fn code(self) -> u16 {
        self.header.kind
    }

    /// The first tensor it reads.
    pub fn input(self) -> Option<TensorId> {
        self.operands.first().copied().map(TensorId)
    }

    /// All tensors it reads, in order.
    pub fn operands(self) -> impl Iterator<Item = TensorId> + Clone + 'p {
        self.operands.iter().copied().map(TensorId)
    }

    /// The tensor it writes.
    pub const fn output(self) -> TensorId {
        TensorId(self.header.output)
    }

    /// The tensor it works in.
    pub fn scratch(self) -> Option<TensorId> {
        Some(self.header.scratch).filter(|id| *id != NO_TENSOR).map(TensorId)
    }

    /// Its meaning as an op of type `B`.
    #[inline]
    fn decode_as<B: Fields<'p>>(self) -> Result<B, OpFault> {
        let record = FromBytes::ref_from_bytes(self.fields).map_err(|_| OpFault::Record)?;
        let places = Places { operands: self.operands, output: self.output(), scratch: self.scratch() };
        B::decode(places, record, self.constants)
    }
}

/// The records of a program in order. Stops after one that cannot be told from the next.
#[derive(Clone, Debug)]
pub struct OpRecords<'p> {
    rest: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> OpRecords<'p> {
    pub(crate) const fn new(records: &'p [u8], constants: Constants<'p>) -> Self {
        Self { rest: records, constants }
    }

    fn split(&self) -> Option<(OpRecord<'p>, &'p [u8])> {
        let (header, body) = OpHeader::ref_from_prefix(self.rest).ok()?;
        let body_bytes = usize::try_from(header.record_bytes).ok()?.checked_sub(size_of::<OpHeader>())?;
        let (body, rest) = body.split_at_checked(body_bytes)?;
        let list_bytes = usize::from(header.operands).wrapping_mul(size_of::<u16>());
        let padding = list_bytes.wrapping_neg() & 7;
        let (fields, list) =
            body.split_at_checked(body_bytes.checked_sub(list_bytes)?.checked_sub(padding)?)?;
        let (list, zeros) = list.split_at_checked(list_bytes)?;
        let operands = FromBytes::ref_from_bytes(list).ok()?;
        let well_formed = header.reserved == 0 && zeros.iter().all(|byte| *byte == 0);
        well_formed.then_some((OpRecord { header, fields, operands, constants: self.constants }, rest))
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
