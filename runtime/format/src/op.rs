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
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;
use declare::{Checks, Fields};

record! {
    /// The start of every op in the image.
    pub(crate) struct OpHeader {
        pub(crate) kind: u16 = "The op's number.",
        pub(crate) record_bytes: u16 = "Length of this header and the fields after it, a multiple of 8.",
        pub(crate) input: u16 = "Tensor it reads, the first if there are several.",
        pub(crate) output: u16 = "Tensor it writes.",
    }
}

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

/// An op as the image holds it: a header whose kind and tensors are known, and fields that are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub struct OpRecord<'p> {
    header: &'p OpHeader,
    fields: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> OpRecord<'p> {
    /// The number of its kind.
    pub const fn code(self) -> u16 {
        self.header.kind
    }

    /// The tensor it reads, the first if there are several.
    pub const fn input(self) -> TensorId {
        TensorId(self.header.input)
    }

    /// The tensor it writes.
    pub const fn output(self) -> TensorId {
        TensorId(self.header.output)
    }

    /// Its meaning as an op of type `B`.
    #[inline]
    fn decode_as<B: Fields<'p>>(self) -> Result<B, OpFault> {
        let record = FromBytes::ref_from_bytes(self.fields).map_err(|_| OpFault::Record)?;
        B::decode(self.input(), self.output(), record, self.constants)
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
