//! An engine as a task of Embassy on the emulated board: the host's integers come out, and the other task runs between the steps.

use std::fs;

use exactum_importer::target::Target;
use exactum_importer::{Keeping, Request, compile_as};
use exactum_runner::{Board, Emulator, Recipe};
use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
use exactum_runtime::{Engine, Program};
use exactum_tests::backend::aligned;
use exactum_tests::case::fixtures;
use libtest_mimic::{Arguments, Failed, Trial};

/// Multiply-accumulates of a step of the firmware.
const STEP: u32 = 200;
const SAMPLES: usize = 20;

fn main() {
    let arguments = Arguments::from_args();
    let board = Board::named("mps2-an386").expect("a board of the repository");
    let emulator = Emulator::find(&board);
    let missing = emulator.is_err() && std::env::var_os("CI").is_none();
    let test = move || others_run_between_steps(&emulator.map_err(|missing| missing.to_string())?);
    let trial = Trial::test("others_run_between_steps", test).with_ignored_flag(missing);
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

fn others_run_between_steps(emulator: &Emulator) -> Result<(), Failed> {
    let model = exactum_qonnx::read(&fs::read(fixtures().join("gestures/gestures.onnx"))?)?;
    let target = Target::portable();
    let request = Request { keeping: Keeping::Steps { axis: 2 }, ..Request::new(&target) };
    let compiled = compile_as(&model, &request).map_err(|report| report.to_string())?;
    let image = compiled.image;
    let words = aligned(&image);
    let program = Program::load(&words_as_bytes(&words)[..image.len()])?;
    let mut arena = vec![0u64; program.arena_bytes().div_ceil(8) as usize];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena))?;
    let elems = program.input_tensor(0).ok_or("an input")?.shape.elems() as usize;
    let codes: Vec<u8> = (0..SAMPLES * elems).map(|index| (index * 37 % 251) as u8).collect();

    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("program"), &image)?;
    fs::write(folder.path().join("input"), &codes)?;
    let firmware =
        Recipe { package: "mps2-an386-embassy", ..emulator.board().recipe("mps2-an386-embassy") }.build()?;
    let finished = emulator.start(&firmware, &["program", "input", "output"], folder.path())?;
    if finished.code != 0 {
        return Err(format!("code {}: {:?}", finished.code, finished.log).into());
    }
    let mut found = &fs::read(folder.path().join("output"))?[..];
    for (index, sample) in codes.chunks(elems).enumerate() {
        let fill = |engine: &mut Engine<'_, '_>| {
            engine.set_input(0, sample.iter().map(|byte| i32::from(*byte as i8)))
        };
        fill(&mut engine)?;
        let steps = engine.steps().within(STEP).count();
        let expected = engine.output(0).ok_or("an output")?.as_bytes();
        let (beats, rest) = found.split_first_chunk().ok_or("no count")?;
        let beats = u32::from_le_bytes(*beats) as usize;
        // The other task comes to its turn once between two steps.
        assert!(steps > 10 && beats.abs_diff(steps) <= 1, "sample {index}: {beats} turns, {steps} steps");
        let (codes, rest) = rest.split_at_checked(expected.len()).ok_or("no output")?;
        assert_eq!(codes, expected, "sample {index}");
        found = rest;
    }
    assert!(found.is_empty());
    Ok(())
}
