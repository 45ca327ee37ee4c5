//! Frames come out of a stream whatever is added to it, cut from it or changed in it.

use exactum_application::frames::{Decoder, Event, FRAME_BYTES, Fault, Frame};
use proptest::prelude::*;

const ROOM: usize = 48;
const MOST: usize = ROOM - FRAME_BYTES;

type Owned = (u16, u16, Vec<u8>);

fn encoded((sequence, rate_hz, payload): &Owned) -> Vec<u8> {
    let mut bytes = vec![0; payload.len() + FRAME_BYTES];
    let frame = Frame { sequence: *sequence, rate_hz: *rate_hz, payload };
    assert_eq!(frame.encode(&mut bytes), Some(bytes.len()));
    bytes
}

/// The frames that a decoder finds in `bytes`, and the faults.
fn decoded(bytes: &[u8]) -> (Vec<Owned>, Vec<Fault>) {
    let mut decoder = Decoder::<ROOM>::new();
    let (mut frames, mut faults, mut of_frames) = (vec![], vec![], 0);
    for byte in bytes {
        decoder.push(*byte);
        while let Some(event) = decoder.next() {
            match event {
                Event::Frame(frame) => {
                    of_frames += frame.payload.len() + FRAME_BYTES;
                    frames.push((frame.sequence, frame.rate_hz, frame.payload.to_vec()));
                }
                Event::Fault(fault) => faults.push(fault),
            }
        }
    }
    let counts = decoder.counts();
    assert_eq!(counts.frames as usize, frames.len());
    assert_eq!((counts.damaged + counts.too_long) as usize, faults.len());
    assert!(of_frames + counts.stray_bytes as usize <= bytes.len());
    (frames, faults)
}

fn frame() -> impl Strategy<Value = Owned> {
    // Bytes of the sync word are frequent, so that payloads look like frames.
    let byte = prop_oneof![Just(0xa5u8), Just(0x5a), Just(0), any::<u8>()];
    (any::<u16>(), any::<u16>(), prop::collection::vec(byte, 0..=MOST))
}

/// Bytes that cannot be part of a frame's start.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>().prop_filter("no sync", |byte| *byte != 0xa5), 0..30)
}

proptest! {
    #[test]
    fn frames_come_back_between_noise(frames in prop::collection::vec((noise(), frame()), 1..6)) {
        let bytes: Vec<u8> =
            frames.iter().flat_map(|(noise, frame)| [noise.clone(), encoded(frame)].concat()).collect();
        let frames: Vec<Owned> = frames.into_iter().map(|(_, frame)| frame).collect();
        prop_assert_eq!(decoded(&bytes), (frames, vec![]));
    }

    /// A frame that was cut short takes none of those behind it along.
    #[test]
    fn a_frame_behind_one_that_was_cut_is_found(
        first in frame(), others in prop::collection::vec(frame(), 1..4), keep in 0usize..ROOM,
    ) {
        let whole = encoded(&first);
        let cut = &whole[..keep.min(whole.len() - 1)];
        let others_bytes: Vec<u8> = others.iter().flat_map(encoded).collect();
        // Zeros at the end let the decoder make up its mind about what still looks like a part.
        let bytes = [cut, &others_bytes, &[0; 2 * ROOM]].concat();
        let (found, _) = decoded(&bytes);
        // What follows may happen to be the bytes that were cut off.
        prop_assume!(!found.contains(&first));
        prop_assert!(others.iter().all(|frame| found.contains(frame)), "{:?}", found);
    }

    /// One changed byte loses one frame at most, and gives none that was not sent.
    #[test]
    fn a_changed_byte_is_noticed(
        frames in prop::collection::vec(frame(), 2..5), at in any::<prop::sample::Index>(), change in 1u8..,
    ) {
        let mut bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let mut end = 0;
        let hit = frames.iter().position(|frame| { end += encoded(frame).len(); at < end });
        bytes.extend([0; 2 * ROOM]);
        let (found, _) = decoded(&bytes);
        let kept: Vec<&Owned> =
            frames.iter().enumerate().filter(|(index, _)| Some(*index) != hit).map(|(_, frame)| frame).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), kept);
    }

    /// Whatever comes, nothing panics and counts add up.
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(prop_oneof![Just(0xa5u8), Just(0x5a), Just(1), any::<u8>()], 0..400)) {
        decoded(&bytes);
    }
}

#[test]
fn a_payload_that_is_too_long_is_told() {
    let mut bytes = vec![0xa5, 0x5a];
    bytes.extend((MOST as u16 + 1).to_le_bytes());
    let good = (7, 50, vec![1, 2]);
    bytes.extend(encoded(&good));
    assert_eq!(decoded(&bytes), (vec![good], vec![Fault::TooLong(MOST as u16 + 1)]));
}

/// The check value of the catalogue of CRCs, by its definition bit by bit.
#[test]
fn the_crc_is_the_named_one() {
    let by_bits = |bytes: &[u8]| {
        let step = |crc: u16| if crc & 1 == 1 { crc >> 1 ^ 0x8408 } else { crc >> 1 };
        !bytes.iter().fold(0xffffu16, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), |crc, _| step(crc)))
    };
    assert_eq!(by_bits(b"123456789"), 0x906e);
    let bytes = encoded(&(0x1234, 50, vec![9, 8, 7]));
    assert_eq!(bytes[..8], [0xa5, 0x5a, 3, 0, 0x34, 0x12, 50, 0]);
    assert_eq!(bytes[11..], by_bits(&bytes[2..11]).to_le_bytes());
}

#[test]
fn frames_without_room_are_not_written() {
    let frame = Frame { sequence: 0, rate_hz: 0, payload: &[0; 4] };
    assert_eq!(frame.encode(&mut [0; FRAME_BYTES + 3]), None);
    let long = vec![0; 65536];
    assert_eq!(Frame { payload: &long, ..frame }.encode(&mut vec![0; 70000]), None);
}
