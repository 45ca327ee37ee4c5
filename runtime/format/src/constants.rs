//! The constant section: arrays of weights, biases and requantization parameters, each aligned to 8 bytes.

use zerocopy::{FromBytes, Immutable};

use crate::error::OpFault;
use crate::record::record;

/// Alignment of the image, of every section and of every constant array.
pub(crate) const ALIGN_BYTES: u32 = 8;

record! {
    /// Where a constant array lies.
    #[derive(Default)]
    pub(crate) struct ConstRef {
        pub(crate) offset_bytes: u32 = "From the start of the constant section, a multiple of 8; 0 if empty.",
        pub(crate) elems: u32 = "Number of elements.",
    }
}

/// The constant section of a loaded image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<'p>(pub(crate) &'p [u8]);

impl<'p> Constants<'p> {
    /// The array at `place`.
    pub(crate) fn slice<T: FromBytes + Immutable>(self, place: ConstRef) -> Result<&'p [T], OpFault> {
        self.try_slice(place).ok_or(OpFault::Constant)
    }

    fn try_slice<T: FromBytes + Immutable>(self, place: ConstRef) -> Option<&'p [T]> {
        if place.offset_bytes & (ALIGN_BYTES - 1) != 0 {
            return None;
        }
        let start = usize::try_from(place.offset_bytes).ok()?;
        let bytes = usize::try_from(place.elems).ok()?.checked_mul(size_of::<T>())?;
        let bytes = self.0.get(start..start.checked_add(bytes)?)?;
        <[T]>::ref_from_bytes(bytes).ok()
    }
}
