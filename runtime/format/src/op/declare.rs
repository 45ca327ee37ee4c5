//! Declares an op: its fields once, for the struct, the record, reader, writer and documentation.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::OpRecord;
use crate::constants::Constants;
use crate::error::OpFault;
use crate::id::TensorId;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// An op of one kind, read from its record.
pub trait OpBody<'p>: Sized {
    /// What `record` holds, never as an [`Op`](super::Op): that is as large as the largest kind, and moving it costs more
    /// than decoding.
    ///
    /// # Errors
    ///
    /// The record holds no such op, which no loaded program has.
    fn read(record: OpRecord<'p>) -> Result<Self, OpFault>;
}

/// The fields of an op, as the macro `op!` declares them.
pub(crate) trait Fields<'p>: Sized {
    /// The fields after the header.
    type Record: FromBytes + IntoBytes + Immutable + KnownLayout;

    /// The record's meaning.
    fn decode(places: Places<'p>, record: &Self::Record, constants: Constants<'p>) -> Result<Self, OpFault>;

    /// Operand `index`, if it reads as many.
    fn operand(&self, index: usize) -> Option<TensorId>;

    /// The tensor it works in.
    fn scratch(&self) -> Option<TensorId>;

    /// Sets the tensor it works in, if its kernel can have any.
    #[cfg(feature = "encode")]
    fn set_scratch(&mut self, scratch: Option<TensorId>);

    /// The op's record, its constants written to `constants`.
    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> Self::Record;
}

/// What an op's file says besides its fields.
pub(crate) trait Checks<'p> {
    /// Bytes that its kernel needs to work in; 0 if it needs none.
    fn scratch_bytes(&self, input: &Tensor) -> u32 {
        let _ = input;
        0
    }

    /// Whether `input`, one of the tensors it reads, may lie at the very bytes of `output`.
    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        let _ = (input, output);
        false
    }

    /// Checks everything its kernel relies on but the size of its scratch. `tensors` are for ops that read several.
    fn verify(
        &self,
        tensors: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault>;

    /// Writes the op's parameters, without name and tensors.
    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// The tensors that an op names, as its record holds them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'p> {
    /// What it reads, in order.
    pub(crate) operands: &'p [u16],
    /// What it writes.
    pub(crate) output: TensorId,
    /// What it works in, if anything.
    pub(crate) scratch: Option<TensorId>,
}

/// An op: the tensors it reads, one after the other and then, if it reads any number of them, the rest; the one it writes;
/// if it works in memory of its own, that; then its fields, each with its type and the type of its record, then the
/// reserved bytes that make the record a multiple of 8.
macro_rules! op {
    (
        $(#[$meta:meta])*
        $ty:ident $(<$lifetime:lifetime>)? as $record:ident {
            operands {$(
                $operand:ident = $operand_about:literal,
            )* $(.. $rest:ident = $rest_about:literal,)?}
            results { output = $output_about:literal, $(scratch = $scratch_about:literal,)? }
            $($field:ident: $field_ty:ty as $record_ty:ty = $about:literal,)*
        } $(reserved [u8; $zeros:literal])?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $ty $(<$lifetime>)? {
            $(#[doc = $operand_about] pub $operand: $crate::id::TensorId,)*
            $(#[doc = $rest_about] pub $rest: &'p [u16],)?
            #[doc = $output_about]
            pub output: $crate::id::TensorId,
            $(#[doc = $scratch_about] pub scratch: Option<$crate::id::TensorId>,)?
            $(#[doc = $about] pub $field: $field_ty,)*
        }

        $crate::record::record! {
            #[doc = concat!("The fields of `", stringify!($ty), "` in the image.")]
            pub(crate) struct $record {
                $(pub(crate) $field: $record_ty = $about,)*
                $(pub(crate) reserved: [u8; $zeros] = "Zeros.",)?
            }
        }

        impl<'p> $crate::op::OpBody<'p> for $ty $(<$lifetime>)? {
            #[inline]
            fn read(record: $crate::op::OpRecord<'p>) -> Result<Self, $crate::error::OpFault> {
                record.decode_as()
            }
        }

        impl<'p> $crate::op::declare::Fields<'p> for $ty $(<$lifetime>)? {
            type Record = $record;

            #[inline]
            fn decode(
                places: $crate::op::declare::Places<'p>,
                record: &$record,
                constants: $crate::constants::Constants<'p>,
            ) -> Result<Self, $crate::error::OpFault> {
                $(if record.reserved != [0; $zeros] {
                    return Err($crate::error::OpFault::Reserved);
                })?
                let _ = (record, constants);
                let [$($operand,)* $($rest @ ..)?] = places.operands else {
                    return Err($crate::error::OpFault::Operands);
                };
                let op = Self {
                    $($operand: $crate::id::TensorId(*$operand),)*
                    $($rest,)?
                    output: places.output,
                    $(scratch: $crate::op::declare::stated!(places.scratch, $scratch_about),)?
                    $($field: $crate::stored::Stored::decode(&record.$field, constants)?,)*
                };
                // An op that has no use for scratch must not name any.
                if op.scratch() == places.scratch { Ok(op) } else { Err($crate::error::OpFault::Scratch) }
            }

            fn operand(&self, index: usize) -> Option<$crate::id::TensorId> {
                let named = [$(self.$operand),*];
                let rest = index.checked_sub(named.len());
                let _ = rest;
                named.get(index).copied()$(.or_else(|| self.$rest.get(rest?).copied().map($crate::id::TensorId)))?
            }

            fn scratch(&self) -> Option<$crate::id::TensorId> {
                $(if let Some(id) = $crate::op::declare::stated!(self.scratch, $scratch_about) {
                    return Some(id);
                })?
                None
            }

            #[cfg(feature = "encode")]
            fn set_scratch(&mut self, scratch: Option<$crate::id::TensorId>) {
                let _ = scratch;
                $(*$crate::op::declare::stated!(&mut self.scratch, $scratch_about) = scratch;)?
            }

            #[cfg(feature = "encode")]
            fn encode<S: Extend<u8>>(
                &self,
                constants: &mut $crate::writer::ConstantWriter<'_, S>,
            ) -> $record {
                let _ = &constants;
                $record {
                    $($field: $crate::stored::Stored::encode(&self.$field, constants),)*
                    $(reserved: [0; $zeros],)?
                }
            }
        }
    };
}
pub(super) use op;

/// `$value`, where an optional part of a declaration is stated.
macro_rules! stated {
    ($value:expr, $about:literal) => {
        $value
    };
}
pub(super) use stated;
