//! Samples over a serial port that loses, repeats and damages frames.

use embedded_hal_mock::eh1::digital::State::{self, High, Low};
use exactum_application::frames::{Decoder, Event, FRAME_BYTES, Frame};
use exactum_application::serve::{END, NOTICE, RUN, ServeError, serve};

use crate::model::with_application;

/// A frame of one window of 1 g along z, or of another payload.
fn frame(sequence: u16, rate_hz: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; payload.len() + FRAME_BYTES];
    Frame { sequence, rate_hz, payload }.encode(&mut bytes).unwrap();
    bytes
}

fn up() -> Vec<u8> {
    [0i16, 0, 8192, 0, 0, 8192].iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// What the application answers to `bytes`, with the numbers of the frames; the pin has to do `pins`.
fn answers(bytes: &[u8], pins: &[State]) -> Vec<(u16, Vec<u8>)> {
    let mut written = vec![];
    with_application(pins, |application| {
        serve(application, &mut &bytes[..], &mut written).map(drop).unwrap();
    });
    let mut decoder = Decoder::<300>::new();
    let mut answers = vec![];
    for byte in written {
        decoder.push(byte);
        while let Some(event) = decoder.next() {
            let Event::Frame(frame) = event else { panic!("{event:?}") };
            assert_eq!(frame.rate_hz, 50);
            answers.push((frame.sequence, frame.payload.to_vec()));
        }
    }
    answers
}

const WARM: [u8; 11] = [RUN, 255, 0, 16, 0, 0, 0, 0, 0, 0, 0];
const OPEN: [u8; 11] = [RUN, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0];
const HOLDS: [u8; 11] = [RUN, 0, 1, 16, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn every_run_is_answered_with_its_codes() {
    let bytes =
        [frame(9, 50, &up()), frame(10, 50, &up()), frame(11, 50, &up()), frame(12, 50, &[])].concat();
    let expected = vec![(9, WARM.to_vec()), (10, OPEN.to_vec()), (11, HOLDS.to_vec()), (12, vec![END])];
    assert_eq!(answers(&bytes, &[Low, Low, High]), expected);
}

/// Half a window in each frame gives the same runs.
#[test]
fn frames_may_be_smaller_than_windows() {
    let halves: Vec<u8> = (0..4u16).flat_map(|number| frame(number, 50, &up()[..6])).collect();
    let bytes = [halves, frame(4, 50, &[])].concat();
    let expected = vec![(1, WARM.to_vec()), (3, OPEN.to_vec()), (4, vec![END])];
    assert_eq!(answers(&bytes, &[Low, Low]), expected);
}

#[test]
fn a_damaged_and_a_cut_frame_begin_the_signal_anew() {
    let mut damaged = frame(1, 50, &up());
    damaged[12] ^= 1;
    let cut = frame(3, 50, &up())[..9].to_vec();
    let bytes = [
        frame(0, 50, &up()),
        damaged,
        frame(2, 50, &up()),
        cut,
        frame(4, 50, &up()),
        frame(5, 50, &up()),
        frame(6, 50, &[]),
        vec![0; 32],
    ]
    .concat();
    let missing = vec![NOTICE, 2, 1, 0, 0, 0];
    let expected = vec![
        (0, WARM.to_vec()),
        (2, missing.clone()),
        (2, WARM.to_vec()),
        (4, missing),
        (4, WARM.to_vec()),
        (5, OPEN.to_vec()),
        (6, vec![END]),
    ];
    assert_eq!(answers(&bytes, &[Low, Low, Low, Low]), expected);
}

#[test]
fn another_rate_is_said_and_not_run() {
    let bytes = [frame(0, 50, &up()), frame(1, 100, &up()), frame(2, 50, &up()), frame(3, 50, &[])].concat();
    let expected =
        vec![(0, WARM.to_vec()), (1, vec![NOTICE, 0, 100, 0, 50, 0]), (2, WARM.to_vec()), (3, vec![END])];
    assert_eq!(answers(&bytes, &[Low, Low]), expected);
}

#[test]
fn repeated_and_uneven_frames_are_said() {
    let bytes = [
        frame(0, 50, &up()),
        frame(0, 50, &up()),
        frame(1, 50, &up()[..7]),
        frame(2, 50, &up()),
        frame(3, 50, &[]),
    ]
    .concat();
    let expected = vec![
        (0, WARM.to_vec()),
        (0, vec![NOTICE, 3, 0, 0, 0, 0]),
        (1, vec![NOTICE, 1, 7, 0, 6, 0]),
        (2, WARM.to_vec()),
        (3, vec![END]),
    ];
    assert_eq!(answers(&bytes, &[Low, Low]), expected);
}

#[test]
fn a_port_that_closes_is_an_error() {
    with_application(&[Low], |application| {
        let found = serve(application, &mut &frame(0, 50, &up())[..], &mut vec![]);
        assert!(matches!(found, Err(ServeError::Read(None))), "{found:?}");
    });
}
