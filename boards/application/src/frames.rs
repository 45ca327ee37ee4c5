//! Samples and answers over a serial port: frames with a length, a sequence number and a CRC, so that a receiver finds its way
//! back after bytes that were lost, added or changed.
//!
//! ```text
//! bytes   field
//! 2       0xa5 0x5a
//! 2       length of the payload in bytes
//! 2       sequence number, one more than that of the frame before, modulo 2^16
//! 2       samples of a second, in hertz
//! length  payload
//! 2       CRC-16/IBM-SDLC of everything from the length to the end of the payload
//! ```
//!
//! Numbers are little endian. Payloads of a source are 16-bit samples, frame after frame; none at all ends the signal.

mod decoder;
mod sequence;

pub use decoder::{Counts, Decoder, Event, Fault};
pub use sequence::{Arrival, Sequence};

use crc::{CRC_16_IBM_SDLC, Crc, NoTable};

/// What every frame begins with.
pub const SYNC: [u8; 2] = [0xa5, 0x5a];
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 8;
/// Bytes of a frame beside its payload.
pub const FRAME_BYTES: usize = HEADER_BYTES + 2;

/// Frames are short and serial ports slow: a table would cost more flash than it saves time.
const CRC: Crc<u16, NoTable> = Crc::<u16, NoTable>::new(&CRC_16_IBM_SDLC);

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number.
    pub sequence: u16,
    /// Samples of a second.
    pub rate_hz: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// Writes the frame to the start of `out`; how many bytes it has, or `None` if there is no room or the payload has more than
    /// 65535.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let length = u16::try_from(self.payload.len()).ok()?;
        let bytes = self.payload.len().checked_add(FRAME_BYTES)?;
        let frame = out.get_mut(..bytes)?;
        let (header, rest) = frame.split_at_mut_checked(HEADER_BYTES)?;
        for (to, from) in header.chunks_exact_mut(2).zip([
            SYNC,
            length.to_le_bytes(),
            self.sequence.to_le_bytes(),
            self.rate_hz.to_le_bytes(),
        ]) {
            to.copy_from_slice(&from);
        }
        rest.get_mut(..self.payload.len())?.copy_from_slice(self.payload);
        let (covered, crc) = frame.split_at_mut_checked(bytes - 2)?;
        crc.copy_from_slice(&CRC.checksum(covered.get(SYNC.len()..)?).to_le_bytes());
        Some(bytes)
    }
}
