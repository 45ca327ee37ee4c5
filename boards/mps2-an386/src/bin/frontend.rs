//! Spectra of audio: `frontend SAMPLES OUTPUT` reads 16-bit samples, frame after frame, and writes the bands of each.
//!
//! The test `frontend` compares them with those of the host, bit by bit.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::failure::{Failure, exit};
use exactum_board_common::files::{Path, read_up_to, write};
use exactum_frontend::{FRAME, LogMel};
// Linked for its panic handler.
use mps2_an386 as _;

fn run() -> Result<(), Failure> {
    let path = |index| Path::from_command_line(index)?.ok_or(Failure::CommandLine);
    let (mut input, mut output) = (path(1)?.open()?, path(2)?.create()?);
    let front = LogMel::<40>::new(16_000, 20, 7_600).ok_or(Failure::Application)?;
    let mut bytes = [0; 2 * FRAME];
    loop {
        match read_up_to(&mut input, &mut bytes)? {
            0 => return Ok(()),
            length if length == bytes.len() => {}
            _ => return Err(Failure::InputLength),
        }
        let mut samples = [0; FRAME];
        for (sample, bytes) in samples.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *sample = i16::from_le_bytes(*bytes);
        }
        for band in front.frame(&samples) {
            write(&mut output, &band.to_le_bytes())?;
        }
    }
}

#[entry]
fn main() -> ! {
    exit(run())
}
