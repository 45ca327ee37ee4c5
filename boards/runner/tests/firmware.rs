//! Firmware in QEMU: the counter is exact, runs end, images that must not link do not.
//!
//! Absent tools show as ignored tests with the reason on standard error; in CI they are failures.

use std::{env, fs, path::Path, time::Duration};

use exactum_runner::{Emulator, Image, instructions_between};
use libtest_mimic::{Arguments, Failed, Trial};

type Case = fn(&Emulator) -> Result<(), Failed>;

const CASES: &[(&str, Case)] = &[
    ("calibration", calibration),
    ("no_arguments_is_an_error_with_a_log", no_arguments),
    ("a_run_past_its_limit_is_stopped", past_limit),
];

fn main() {
    let arguments = Arguments::from_args();
    let emulator = Emulator::find();
    if let Err(missing) = &emulator {
        eprintln!("firmware tests are ignored: {missing}");
    }
    let in_ci = env::var_os("CI").is_some();
    let trials = CASES.iter().map(|(name, case)| {
        let emulator = emulator.clone();
        let ignored = emulator.is_err() && !in_ci;
        Trial::test(*name, move || case(&emulator?)).with_ignored_flag(ignored)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// Runs `calibrate` and returns the ticks of its regions.
fn calibrate(emulator: &Emulator) -> Result<Vec<u32>, Failed> {
    let folder = tempfile::tempdir()?;
    let finished = emulator.start(&Image::build("calibrate")?, &["counts"], folder.path())?;
    if finished.code != 0 {
        return Err(format!("code {}: {:?}", finished.code, finished.log).into());
    }
    let bytes = fs::read(folder.path().join("counts"))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// The regions of `calibrate`, counted by hand, and 1 for the second read of the timer in each.
fn calibration(emulator: &Emulator) -> Result<(), Failed> {
    let ticks = calibrate(emulator)?;
    let counts: Vec<u64> = ticks.iter().map(|t| instructions_between(*t)).collect::<Result<_, _>>()?;
    let bodies = [0, 1, 1000, 2, 2 * 1000, 2 * 10_000_000, 5 * 1000, 3];
    assert_eq!(counts, bodies.map(|body| body + 1));
    assert_eq!(calibrate(emulator)?, ticks, "a second run differs");
    Ok(())
}

fn no_arguments(emulator: &Emulator) -> Result<(), Failed> {
    let finished = emulator.start(&Image::build("calibrate")?, &[], Path::new("."))?;
    assert_eq!(finished.code, 10);
    assert_eq!(finished.log, ["ERROR stopped: CommandLine"]);
    Ok(())
}

/// No run lasts no time at all: the limit is what ends it.
fn past_limit(emulator: &Emulator) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let hasty = emulator.clone().with_time_limit(Duration::ZERO);
    let error = hasty.start(&Image::build("calibrate")?, &["counts"], folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "no end after 0 s");
    Ok(())
}
