//! Memory that behaves as flash does, and fails when its power is cut: what updates of slots are tried on in an emulator, whose
//! boards have none.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_write,
};

/// Bytes of a word, which is written at once, and of a part, which is erased at once.
pub const WORD_BYTES: usize = 8;
/// See [`WORD_BYTES`].
pub const PART_BYTES: usize = 1024;

/// The memory, and the words and parts that may still be written and erased.
#[derive(Debug)]
pub struct RamFlash<'m> {
    bytes: &'m mut [u8],
    left: u32,
}

impl<'m> RamFlash<'m> {
    /// Flash that holds `bytes` and loses its power after `steps` words and parts.
    pub const fn new(bytes: &'m mut [u8], steps: u32) -> Self {
        Self { bytes, left: steps }
    }

    /// The bytes that `change` changes, if there is power for it.
    fn step(
        &mut self,
        offset: usize,
        length: usize,
        change: impl FnOnce(&mut [u8]),
    ) -> Result<(), NorFlashErrorKind> {
        self.left = self.left.checked_sub(1).ok_or(NorFlashErrorKind::Other)?;
        change(self.bytes.get_mut(offset..offset + length).ok_or(NorFlashErrorKind::OutOfBounds)?);
        Ok(())
    }
}

impl ErrorType for RamFlash<'_> {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for RamFlash<'_> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let place = self.bytes.get(offset as usize..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(place.ok_or(NorFlashErrorKind::OutOfBounds)?);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for RamFlash<'_> {
    const WRITE_SIZE: usize = WORD_BYTES;
    const ERASE_SIZE: usize = PART_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to).map_err(|error| error.kind())?;
        let parts = (from as usize..to as usize).step_by(PART_BYTES);
        parts.into_iter().try_for_each(|part| self.step(part, PART_BYTES, |bytes| bytes.fill(0xff)))
    }

    /// As flash, it only clears bits.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len()).map_err(|error| error.kind())?;
        for (word, from) in (offset as usize..).step_by(WORD_BYTES).zip(bytes.chunks_exact(WORD_BYTES)) {
            self.step(word, WORD_BYTES, |to| to.iter_mut().zip(from).for_each(|(to, from)| *to &= from))?;
        }
        Ok(())
    }
}
