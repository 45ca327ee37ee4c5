//! Frames: written, and found again among bytes that were lost, added or changed.

use crc::{CRC_32_ISO_HDLC, Crc};

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const SYNC: [u8; 2] = [0xec, 0xa5];
/// Longest payload.
pub const MOST_BYTES: usize = 512;
/// Bytes before the payload, and with those behind it.
const HEADER_BYTES: usize = 6;
const FRAME_BYTES: usize = HEADER_BYTES + 4;

/// A frame that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Its number.
    pub number: u8,
    /// What it carries.
    pub payload: Vec<u8>,
}

/// The bytes of a frame.
///
/// # Panics
/// If the payload is longer than [`MOST_BYTES`]: a fault of the caller.
pub fn encode(kind: u8, number: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() <= MOST_BYTES, "payloads are cut before");
    let [low, high] = (payload.len() as u16).to_le_bytes();
    let body = [&[kind, number, low, high][..], payload].concat();
    [&SYNC[..], &body, &CRC.checksum(&body).to_le_bytes()].concat()
}

/// Finds frames in what is received.
#[derive(Debug)]
pub struct Reader {
    bytes: Vec<u8>,
}

impl Reader {
    /// A reader that has received nothing.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Adds what was received.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame: `Some(None)` is one that was damaged, after which the search goes on behind its first byte; `None` means
    /// that more bytes are needed.
    #[expect(clippy::should_implement_trait, reason = "more bytes may follow the end")]
    pub fn next(&mut self) -> Option<Option<Frame>> {
        let start = self.bytes.windows(2).position(|two| two == SYNC);
        // The last byte may be the first of a pair.
        self.bytes.drain(..start.unwrap_or(self.bytes.len().saturating_sub(1)));
        let [_, _, kind, number, low, high, rest @ ..] = self.bytes.as_slice() else { return None };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        if length <= MOST_BYTES && rest.len() < length + FRAME_BYTES - HEADER_BYTES {
            return None;
        }
        let whole =
            rest.split_at_checked(length).filter(|_| length <= MOST_BYTES).filter(|(payload, crc)| {
                let body = [&[*kind, *number, *low, *high][..], payload].concat();
                crc.first_chunk().is_some_and(|crc| u32::from_le_bytes(*crc) == CRC.checksum(&body))
            });
        let frame =
            whole.map(|(payload, _)| Frame { kind: *kind, number: *number, payload: payload.to_vec() });
        self.bytes.drain(..if frame.is_some() { length + FRAME_BYTES } else { 1 });
        Some(frame)
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_through_noise() {
        let first = encode(1, 7, b"one");
        let second = encode(0x85, 255, &[0xec; MOST_BYTES]);
        for noise in [
            &b""[..],
            b"\xec",
            b"\xec\xec",
            b"\0\xa5",
            b"\xec\xa5\x01\x02\x03\x00abcdefg",
            b"\xec\xa5\x01\x02\xff\xff",
        ] {
            let mut reader = Reader::new();
            let mut found = vec![];
            // A byte at a time, as a slow port gives them.
            for byte in [noise, &first, noise, &second].concat() {
                reader.add(&[byte]);
                while let Some(frame) = reader.next() {
                    found.extend(frame);
                }
            }
            let kinds: Vec<_> =
                found.iter().map(|frame| (frame.kind, frame.number, frame.payload.len())).collect();
            assert_eq!(kinds, [(1, 7, 3), (0x85, 255, MOST_BYTES)], "{noise:?}");
        }
    }

    #[test]
    fn no_changed_byte_is_taken_for_a_frame() {
        let whole = encode(3, 9, b"payload");
        for index in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[index] ^= 1 << bit;
                let mut reader = Reader::new();
                reader.add(&[bytes, vec![0; MOST_BYTES + 12]].concat());
                while let Some(frame) = reader.next() {
                    assert_eq!(frame, None, "byte {index}, bit {bit}");
                }
            }
        }
    }
}
