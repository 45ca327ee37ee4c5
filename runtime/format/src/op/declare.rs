//! Declares an op: its fields once, for the struct, the record, reader, writer and documentation.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::OpRecord;
use crate::constants::Constants;
use crate::error::OpFault;
use crate::id::TensorId;
use crate::tensor::{Tensor, Tensors};
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
    fn decode(
        input: TensorId,
        output: TensorId,
        record: &Self::Record,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault>;

    /// The op's record, its constants written to `constants`.
    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> Self::Record;
}

/// What an op's file says besides its fields.
pub(crate) trait Checks<'p> {
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

    /// Checks everything its kernel relies on. `tensors` are for ops that read several.
    fn verify(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault>;

    /// Writes the op's parameters, without name and tensors.
    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// An op: the tensors that its header names, then its fields, each with its type and the type of its record, then the
/// reserved bytes that make the record a multiple of 8.
macro_rules! op {
    (
        $(#[$meta:meta])*
        $ty:ident $(<$lifetime:lifetime>)? as $record:ident {
            input = $input_about:literal,
            output = $output_about:literal,
            $($field:ident: $field_ty:ty as $record_ty:ty = $about:literal,)*
        } $(reserved [u8; $zeros:literal])?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $ty $(<$lifetime>)? {
            #[doc = $input_about]
            pub input: $crate::id::TensorId,
            #[doc = $output_about]
            pub output: $crate::id::TensorId,
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
                input: $crate::id::TensorId,
                output: $crate::id::TensorId,
                record: &$record,
                constants: $crate::constants::Constants<'p>,
            ) -> Result<Self, $crate::error::OpFault> {
                $(if record.reserved != [0; $zeros] {
                    return Err($crate::error::OpFault::Reserved);
                })?
                let _ = constants;
                Ok(Self {
                    input,
                    output,
                    $($field: $crate::stored::Stored::decode(&record.$field, constants)?,)*
                })
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
