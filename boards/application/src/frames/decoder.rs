//! Finds the frames in a stream of bytes. [`serve`](crate::serve) feeds it.

use heapless::Vec;

use super::{CRC, FRAME_BYTES, Frame, HEADER_BYTES, SYNC};

/// The frames in a stream of bytes, of up to `N` bytes each with their headers.
///
/// What looks like a frame and is none costs its first byte alone: the search goes on behind that, in bytes that have already
/// come, so a frame behind one that was cut short is found.
#[derive(Clone, Debug, Default)]
pub struct Decoder<const N: usize> {
    bytes: Vec<u8, N>,
    /// Bytes at the front that have been given.
    given: usize,
    counts: Counts,
}

/// What a decoder has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counts {
    /// Whole frames with the right CRC.
    pub frames: u32,
    /// Bytes that belong to none.
    pub stray_bytes: u32,
    /// Frames that ended in another CRC.
    pub damaged: u32,
    /// Headers with a longer payload than there is room for.
    pub too_long: u32,
}

/// What the stream gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// Bytes that look like a frame and are none.
    Fault(Fault),
}

/// Why bytes that begin like a frame are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// The CRC is another one.
    Damaged,
    /// The header asks for this many bytes of payload, more than there is room for.
    TooLong(u16),
}

/// What the bytes at hand begin with.
enum Front {
    Whole(usize),
    Part,
    Stray,
    Fault(Fault),
}

impl<const N: usize> Decoder<N> {
    /// Before the first byte.
    pub const fn new() -> Self {
        const { assert!(N >= FRAME_BYTES, "room for a frame without payload") };
        let counts = Counts { frames: 0, stray_bytes: 0, damaged: 0, too_long: 0 };
        Self { bytes: Vec::new(), given: 0, counts }
    }

    /// What has come so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a byte. [`next`](Self::next) is to be asked until there is nothing more before the next one: otherwise bytes may get
    /// lost.
    pub fn push(&mut self, byte: u8) {
        self.drop_given();
        if self.bytes.push(byte).is_err() {
            self.stray(1);
            self.drop_given();
            let _ = self.bytes.push(byte);
        }
    }

    /// What the bytes so far give next; `None` if more have to come.
    #[allow(clippy::should_implement_trait, reason = "events borrow from the decoder")]
    pub fn next(&mut self) -> Option<Event<'_>> {
        loop {
            self.drop_given();
            match self.front() {
                Front::Part => return None,
                Front::Stray => self.stray(1),
                Front::Fault(fault) => {
                    match fault {
                        Fault::Damaged => self.counts.damaged = self.counts.damaged.saturating_add(1),
                        Fault::TooLong(_) => self.counts.too_long = self.counts.too_long.saturating_add(1),
                    }
                    self.stray(1);
                    return Some(Event::Fault(fault));
                }
                Front::Whole(bytes) => {
                    self.given = bytes;
                    self.counts.frames = self.counts.frames.saturating_add(1);
                    let frame = self.bytes.get(..bytes)?;
                    let payload = frame.get(HEADER_BYTES..bytes - 2)?;
                    let (sequence, rate_hz) = (word(frame, 4)?, word(frame, 6)?);
                    return Some(Event::Frame(Frame { sequence, rate_hz, payload }));
                }
            }
        }
    }

    fn front(&self) -> Front {
        let bytes = self.bytes.as_slice();
        if !bytes.iter().zip(SYNC).all(|(byte, sync)| *byte == sync) {
            return Front::Stray;
        }
        // Whatever is not there yet may still come.
        let Some(length) = word(bytes, 2) else { return Front::Part };
        let whole = usize::from(length) + FRAME_BYTES;
        if whole > N {
            return Front::Fault(Fault::TooLong(length));
        }
        let Some(covered) = bytes.get(SYNC.len()..whole - 2) else { return Front::Part };
        match word(bytes, whole - 2) {
            None => Front::Part,
            Some(crc) if crc == CRC.checksum(covered) => Front::Whole(whole),
            Some(_) => Front::Fault(Fault::Damaged),
        }
    }

    fn stray(&mut self, bytes: usize) {
        self.given = bytes;
        self.counts.stray_bytes = self.counts.stray_bytes.saturating_add(bytes as u32);
    }

    fn drop_given(&mut self) {
        let given = core::mem::take(&mut self.given).min(self.bytes.len());
        if given > 0 {
            self.bytes.copy_within(given.., 0);
            self.bytes.truncate(self.bytes.len() - given);
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}
