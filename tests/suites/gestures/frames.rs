//! The serial frames of the application, written and read once more: sync word, length, number, rate, payload, CRC bit by bit.

use libtest_mimic::Failed;

const SYNC: [u8; 2] = [0xa5, 0x5a];

/// The frame of `payload`.
pub(crate) fn encoded(number: u16, rate_hz: u16, payload: &[u8]) -> Vec<u8> {
    let words = [payload.len() as u16, number, rate_hz].map(u16::to_le_bytes).concat();
    let covered = [&words, payload].concat();
    [&SYNC[..], &covered, &crc(&covered).to_le_bytes()].concat()
}

/// The frames that `bytes` are, without anything between them.
///
/// # Errors
/// Where they are something else.
pub(crate) fn answers(mut bytes: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Failed> {
    let mut found = vec![];
    while let [0xa5, 0x5a, l0, l1, n0, n1, r0, r1, rest @ ..] = bytes {
        let [length, number, rate_hz] = [[*l0, *l1], [*n0, *n1], [*r0, *r1]].map(u16::from_le_bytes);
        let payload = rest.get(..length.into()).ok_or("a frame is cut short")?;
        let whole = encoded(number, rate_hz, payload);
        bytes = bytes.strip_prefix(whole.as_slice()).ok_or_else(|| format!("frame {number} is damaged"))?;
        found.push((number, payload.to_vec()));
    }
    if bytes.is_empty() { Ok(found) } else { Err(format!("no frame: {bytes:?}").into()) }
}

/// CRC-16/IBM-SDLC: the polynomial of the CCITT, bits reversed, ones before and an inversion behind.
fn crc(bytes: &[u8]) -> u16 {
    let step = |crc: u16| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 };
    !bytes.iter().fold(0xffff, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), |crc, _| step(crc)))
}
