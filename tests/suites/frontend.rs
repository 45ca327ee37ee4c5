//! Spectra of audio have the same bits on the host and on the emulated board: tones that glide, noise, clicks and silence.

use std::f64::consts::TAU;
use std::fs;

use exactum_frontend::{FRAME, LogMel};
use exactum_runner::{Board, Emulator};
use libtest_mimic::{Arguments, Failed, Trial};

const FRAMES: usize = 60;

fn main() {
    let arguments = Arguments::from_args();
    let board = Board::named("mps2-an386").expect("a board of the repository");
    let emulator = Emulator::find(&board);
    let missing = emulator.is_err() && std::env::var_os("CI").is_none();
    let test = move || same_bits(&emulator.map_err(|missing| missing.to_string())?);
    libtest_mimic::run(
        &arguments,
        vec![Trial::test("cortex_m4::same_bits", test).with_ignored_flag(missing)],
    )
    .exit();
}

/// Frames of different sounds, from silence to the ends of 16 bits.
fn samples() -> Vec<i16> {
    let (mut state, mut phase) = (7u32, 0.0f64);
    let sample = |index: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (frame, noise) = (index / FRAME, (state >> 16) as i16);
        phase += TAU * (100.0 + 110.0 * frame as f64) / 16_000.0;
        let loud = f64::from(1u32 << (frame % 15));
        match frame % 4 {
            0 => noise >> (frame % 16),
            1 => (loud * phase.sin()) as i16,
            2 if index.is_multiple_of(97) => i16::MIN,
            3 => (loud * phase.sin()) as i16 / 2 + (noise >> 3),
            _ => 0,
        }
    };
    (0..FRAMES * FRAME).map(sample).collect()
}

fn same_bits(emulator: &Emulator) -> Result<(), Failed> {
    let samples = samples();
    let front = LogMel::<40>::new(16_000, 20, 7_600).ok_or("bands")?;
    let host: Vec<i16> = samples.as_chunks().0.iter().flat_map(|frame| front.frame(frame)).collect();
    let folder = tempfile::tempdir()?;
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    fs::write(folder.path().join("samples"), bytes)?;
    let image = emulator.build("frontend")?;
    let finished = emulator.start(&image, &["samples", "output"], folder.path())?;
    if finished.code != 0 {
        return Err(format!("code {}: {:?}", finished.code, finished.log).into());
    }
    let board = fs::read(folder.path().join("output"))?;
    let board: Vec<i16> = board.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    assert_eq!(board.len(), FRAMES * 40);
    let differs = board.iter().zip(&host).position(|(board, host)| board != host);
    if differs.is_none() { Ok(()) } else { Err(format!("band {differs:?}").into()) }
}
