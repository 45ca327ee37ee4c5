//! Writes an image to a slot of flash, piece by piece, as it comes over a port or by radio.

use embedded_storage::nor_flash::NorFlash;
use sha2::{Digest, Sha256};

use super::{HEADER_BYTES, Header};

/// An update under way. Until [`commit`](Self::commit) the slot has no header, so the other one runs after a reset.
#[derive(Debug)]
pub struct Update<F> {
    flash: F,
    /// Of the slot, in the flash.
    start: u32,
    header: Header,
    written: u32,
    hash: Sha256,
}

/// Why an update stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum UpdateError<E> {
    /// The flash failed.
    Flash(E),
    /// The slot has no room for the image, or does not lie at the flash's boundaries.
    Slot,
    /// More or fewer bytes came than the header says, or a piece that is no multiple of the flash's words and not the last.
    Length,
    /// Other bytes came than the header says.
    Hash,
}

impl<F: NorFlash> Update<F> {
    /// Begins to write the image of `header` to the slot of `slot_bytes` bytes at `start`: erases it, its header first.
    ///
    /// # Errors
    /// [`UpdateError::Slot`] before anything is erased, [`UpdateError::Flash`].
    pub fn begin(
        mut flash: F,
        start: u32,
        slot_bytes: u32,
        header: Header,
    ) -> Result<Self, UpdateError<F::Error>> {
        let words = (F::WRITE_SIZE as u32, F::ERASE_SIZE as u32);
        let end = start.checked_add(slot_bytes).ok_or(UpdateError::Slot)?;
        let needed = u64::from(header.length_bytes) + HEADER_BYTES as u64;
        let whole = needed.next_multiple_of(words.0.max(1).into());
        let fits = whole <= u64::from(slot_bytes) && end as usize <= flash.capacity();
        let aligned = [start, slot_bytes].iter().all(|at| at.is_multiple_of(words.1.max(1)))
            && (HEADER_BYTES as u32).is_multiple_of(words.0.max(1));
        if !fits || !aligned {
            return Err(UpdateError::Slot);
        }
        // The first part, with the header, before the others: what is left of the old image must not look whole.
        let first = start + words.1;
        flash.erase(start, first).map_err(UpdateError::Flash)?;
        if first < end {
            flash.erase(first, end).map_err(UpdateError::Flash)?;
        }
        Ok(Self { flash, start, header, written: 0, hash: Sha256::new() })
    }

    /// Writes the next piece of the image. All but the last are multiples of the words of the flash.
    ///
    /// # Errors
    /// [`UpdateError::Length`], [`UpdateError::Flash`].
    pub fn write(&mut self, piece: &[u8]) -> Result<(), UpdateError<F::Error>> {
        let word = F::WRITE_SIZE.max(1);
        let written = (piece.len() as u64 + u64::from(self.written)).try_into().unwrap_or(u32::MAX);
        if written > self.header.length_bytes || !(self.written as usize).is_multiple_of(word) {
            return Err(UpdateError::Length);
        }
        let at = self.start + HEADER_BYTES as u32 + self.written;
        let whole = piece.len() - piece.len() % word;
        let (words, rest) = piece.split_at_checked(whole).ok_or(UpdateError::Length)?;
        self.flash.write(at, words).map_err(UpdateError::Flash)?;
        if !rest.is_empty() {
            // Words of flash have 16 bytes at most. What is written behind the image counts as erased.
            let mut last = [0xff; 16];
            last.get_mut(..rest.len()).ok_or(UpdateError::Length)?.copy_from_slice(rest);
            let last = last.get(..word).ok_or(UpdateError::Slot)?;
            self.flash.write(at + whole as u32, last).map_err(UpdateError::Flash)?;
        }
        self.hash.update(piece);
        self.written = written;
        Ok(())
    }

    /// Writes the header: from now on the slot counts. Its program is still checked before it runs.
    ///
    /// # Errors
    /// [`UpdateError::Length`], [`UpdateError::Hash`] and nothing is written; [`UpdateError::Flash`].
    pub fn commit(mut self) -> Result<F, UpdateError<F::Error>> {
        if self.written != self.header.length_bytes {
            return Err(UpdateError::Length);
        }
        if self.hash.finalize()[..] != self.header.hash {
            return Err(UpdateError::Hash);
        }
        self.flash.write(self.start, &self.header.to_bytes()).map_err(UpdateError::Flash)?;
        Ok(self.flash)
    }
}
