//! How fields are stored: the meaning of a field of an op, and what its record holds for it.

use exactum_num::Requant;

use crate::constants::{ConstRef, Constants};
use crate::error::OpFault;
use crate::id::TensorId;
use crate::requant::RequantRecord;
use crate::window::Window2d;
#[cfg(feature = "encode")]
use crate::writer::ConstantWriter;

/// A field that records hold as `R`.
pub(crate) trait Stored<'p, R>: Sized {
    /// The meaning of what a record holds.
    fn decode(record: &R, constants: Constants<'p>) -> Result<Self, OpFault>;

    /// What a record holds, constants written to `constants`.
    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> R;
}

/// Fields that are stored as they are.
macro_rules! plain {
    ($($ty:ty),*) => {$(
        impl<'p> Stored<'p, $ty> for $ty {
            fn decode(record: &$ty, _: Constants<'p>) -> Result<Self, OpFault> {
                Ok(*record)
            }

            #[cfg(feature = "encode")]
            fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> $ty {
                *self
            }
        }
    )*};
}

plain!(u16, u32, i32, [i32; 2], [u32; 6], [i32; 6], Window2d);

impl<'p> Stored<'p, u8> for bool {
    fn decode(record: &u8, _: Constants<'p>) -> Result<Self, OpFault> {
        match record {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(OpFault::Reserved),
        }
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> u8 {
        (*self).into()
    }
}

impl<'p> Stored<'p, u16> for TensorId {
    fn decode(record: &u16, _: Constants<'p>) -> Result<Self, OpFault> {
        Ok(Self(*record))
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> u16 {
        self.0
    }
}

/// Arrays in the constant section.
macro_rules! arrays {
    ($($ty:ty),*) => {$(
        impl<'p> Stored<'p, ConstRef> for &'p [$ty] {
            fn decode(record: &ConstRef, constants: Constants<'p>) -> Result<Self, OpFault> {
                constants.slice(*record)
            }

            #[cfg(feature = "encode")]
            fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> ConstRef {
                constants.put(self)
            }
        }
    )*};
}

arrays!(u16, i64);

impl<'p> Stored<'p, RequantRecord> for Option<Requant<'p>> {
    fn decode(record: &RequantRecord, constants: Constants<'p>) -> Result<Self, OpFault> {
        record.decode(constants)
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> RequantRecord {
        RequantRecord::encode(self.as_ref(), constants)
    }
}

impl<'p> Stored<'p, RequantRecord> for Requant<'p> {
    fn decode(record: &RequantRecord, constants: Constants<'p>) -> Result<Self, OpFault> {
        record.decode(constants)?.ok_or(OpFault::Form)
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> RequantRecord {
        RequantRecord::encode(Some(self), constants)
    }
}
