//! Firmware in QEMU: the counter is exact, the device computes the host's bytes, refusals have a reason, runs
//! end, and an image that could panic does not link.
//!
//! Absent tools show as ignored tests with the reason on standard error; in CI they are failures.

#[path = "firmware/sample.rs"]
mod sample;

use std::{env, ffi::OsStr, fs, path::Path, time::Duration};

use exactum_runner::{
    Board, BuildError, Counting, Emulator, GUARDED_PROFILES, GUARDED_TARGETS, Recipe, RunError, toolchain,
};
use libtest_mimic::{Arguments, Failed, Trial};

type Case = fn(&Emulator) -> Result<(), Failed>;

const CASES: &[(&str, Case)] = &[
    ("calibration", calibration),
    ("no_arguments_is_an_error_with_a_log", no_arguments),
    ("a_run_past_its_limit_is_stopped", past_limit),
    ("device_computes_the_bytes_of_the_host", same_bytes),
    ("instructions_compute_what_their_portable_twins_do", portable_twins),
    ("counts_of_ops_are_exact_and_repeat", op_counts),
    ("an_op_costs_little_beside_its_products", smallest_ops),
    ("quantizing_an_element_takes_few_instructions", inputs),
    ("refused_programs_and_inputs_say_why", refusals),
    ("digits_classifies_on_the_board", digits),
    ("no_panic_is_reachable_from_the_runtime", no_panic),
    ("a_panic_reachable_from_the_runtime_does_not_link", panic_on_purpose),
];

fn main() {
    let arguments = Arguments::from_args();
    let board = Board::named("mps2-an386").expect("a folder of boards");
    let emulator = Emulator::find(&board);
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

/// Runs `calibrate` and returns the words of its file.
fn calibrate(emulator: &Emulator) -> Result<Vec<u32>, Failed> {
    let folder = tempfile::tempdir()?;
    let finished = emulator.start(&emulator.build("calibrate")?, &["counts"], folder.path())?;
    if finished.code != 0 {
        return Err(format!("code {}: {:?}", finished.code, finished.log).into());
    }
    let bytes = fs::read(folder.path().join("counts"))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
}

/// The regions of `calibrate`, counted by hand, and 1 for the second read of the timer in each.
fn calibration(emulator: &Emulator) -> Result<(), Failed> {
    let words = calibrate(emulator)?;
    let [ticks @ .., empty_pair, pair, wrapped] = &words[..] else { return Err("no counts".into()) };
    let observed =
        emulator.board().instructions_between(*pair)? - emulator.board().instructions_between(*empty_pair)?;
    assert_eq!(observed, 1000, "what an observer adds is not what an empty pair counts");
    let counts: Vec<u64> =
        ticks.iter().map(|t| emulator.board().instructions_between(*t)).collect::<Result<_, _>>()?;
    let bodies = [0, 1, 1000, 2, 2 * 1000, 2 * 10_000_000, 5 * 1000, 3];
    assert_eq!(counts, bodies.map(|body| body + 1));
    assert_eq!(wrapped.to_le_bytes(), [0, 1, 0, 0], "the timer's flag for more ticks than it counts");
    assert_eq!(calibrate(emulator)?, words, "a second run differs");
    Ok(())
}

fn no_arguments(emulator: &Emulator) -> Result<(), Failed> {
    let finished = emulator.start(&emulator.build("calibrate")?, &[], Path::new("."))?;
    assert_eq!(finished.code, 10);
    assert_eq!(finished.log, ["ERROR stopped: CommandLine"]);
    Ok(())
}

/// No run lasts no time at all: the limit is what ends it.
fn past_limit(emulator: &Emulator) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let hasty = emulator.clone().with_time_limit(Duration::ZERO);
    let error = hasty.start(&emulator.build("calibrate")?, &["counts"], folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "no end after 0 s");
    Ok(())
}

fn same_bytes(emulator: &Emulator) -> Result<(), Failed> {
    let (program, input) = (sample::program(), sample::input(100));
    let run = emulator.run_program(&emulator.build("generic")?, &program, &input, Counting::Off)?;
    assert_eq!(run.output, sample::host(&program, &input));
    assert!(run.counts.is_empty());
    Ok(())
}

/// Blocks of every size, by the instructions of the board and by the portable kernels.
fn portable_twins(emulator: &Emulator) -> Result<(), Failed> {
    let program = sample::blocks();
    let input: Vec<u8> = exactum_runner::noise(5).take(sample::INPUT_ELEMS).collect();
    let run = emulator.run_program(&emulator.build("generic")?, &program, &input, Counting::Off)?;
    assert_eq!(run.output, sample::portable(&program, &input));
    Ok(())
}

fn op_counts(emulator: &Emulator) -> Result<(), Failed> {
    let (program, input) = (sample::program(), sample::input(3));
    let generic = emulator.build("generic")?;
    let run = emulator.run_program(&generic, &program, &input, Counting::On)?;
    assert_eq!(run.output, sample::host(&program, &input));
    assert_eq!(run.counts.len(), 3);
    for instructions in &run.counts {
        let [first, second] = instructions.ops[..] else { return Err("not two ops".into()) };
        // 2048 and 320 multiplications, of which an instruction does two at best.
        assert!(first > 1024 && second > 160, "{first} and {second} instructions");
        // The inference is the ops and the walk from one to the next.
        let walk = instructions.inference.checked_sub(first + second);
        assert!(walk.is_some_and(|walk| walk > 0), "{instructions:?}");
        // 64 sums at least, and little beside them.
        assert!((256..1536).contains(&instructions.stack_bytes), "{instructions:?}");
    }
    assert_eq!(emulator.run_program(&generic, &program, &input, Counting::On)?, run, "a second run differs");
    Ok(())
}

/// Finding, decoding and setting up an op, which every op of a network pays.
fn smallest_ops(emulator: &Emulator) -> Result<(), Failed> {
    const OPS: u16 = 16;
    let generic = emulator.build("generic")?;
    let run = emulator.run_program(&generic, &sample::smallest_layers(OPS), &[9], Counting::On)?;
    assert_eq!(run.output, [9]);
    let [instructions] = &run.counts[..] else { return Err("not one sample".into()) };
    let each = instructions.inference / u64::from(OPS);
    assert!(each < 1500, "{each} instructions for each op: {instructions:?}");
    Ok(())
}

/// What of [`inputs`] is committed, and compared.
const INPUTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/inputs.txt");

/// Instructions for an element of floats, bytes and samples, with scales as trained models have them and powers of two.
fn inputs(emulator: &Emulator) -> Result<(), Failed> {
    let image = emulator.build("inputs")?;
    let mut table = String::from(
        "# Instructions on a Cortex-M4 to quantize an element of 1024, by the scale of the input. BLESS=1 with the firmware tests.\n\
         # scale floats bytes samples\n",
    );
    for scale in [0.020_7f32, 0.031_25, 0.003_921_569] {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("program"), sample::copy(1024, scale))?;
        let finished = emulator.start(&image, &["program", "counts"], folder.path())?;
        if finished.code != 0 {
            return Err(format!("code {}: {:?}", finished.code, finished.log).into());
        }
        let bytes = fs::read(folder.path().join("counts"))?;
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let [elems, nothing, of @ ..] = &words[..] else { return Err("no counts".into()) };
        let nothing = emulator.board().instructions_between(*nothing)?;
        table += &scale.to_string();
        for ticks in of {
            let each = (emulator.board().instructions_between(*ticks)? - nothing) as f64 / f64::from(*elems);
            table += &format!(" {each:.1}");
        }
        table.push('\n');
    }
    if env::var_os("BLESS").is_some() {
        fs::write(INPUTS, &table)?;
    }
    assert_eq!(fs::read_to_string(INPUTS)?, table);
    Ok(())
}

fn refusals(emulator: &Emulator) -> Result<(), Failed> {
    let generic = emulator.build("generic")?;
    let (program, input) = (sample::program(), sample::input(1));
    let refused =
        |program: &[u8], input: &[u8]| match emulator.run_program(&generic, program, input, Counting::Off) {
            Err(RunError::Refused { code, log }) => Ok((code, log.join("\n"))),
            other => Err(Failed::from(format!("not refused: {other:?}"))),
        };

    let mut damaged = program.clone();
    *damaged.last_mut().ok_or("no program")? ^= 1;
    let (code, log) = refused(&damaged, &input)?;
    assert!(code == 12 && log.contains("checksum") && log.ends_with("ERROR stopped: Load"), "{code}: {log}");
    assert_eq!(refused(&[], &input)?.0, 12);
    assert_eq!(refused(&vec![0; 3 << 20], &input)?.0, 13);
    assert_eq!(refused(&program, &input[1..])?, (14, "ERROR stopped: InputLength".to_owned()));
    let mut outside = input.clone();
    outside[7] = sample::INPUT_HI + 1;
    assert_eq!(refused(&program, &outside)?, (15, "ERROR stopped: InputCode".to_owned()));
    Ok(())
}

/// The demonstration image on real-valued images, against the classes that the host finds.
fn digits(emulator: &Emulator) -> Result<(), Failed> {
    let (program, input) = (sample::program(), sample::input(4));
    let outputs = sample::host(&program, &input);
    let folder = tempfile::tempdir()?;
    let (program_path, images_path) = (folder.path().join("program"), folder.path().join("images.csv"));
    fs::write(&program_path, &program)?;
    let (mut csv, mut expected) = (String::new(), Vec::new());
    for (index, (codes, output)) in
        input.chunks(sample::INPUT_ELEMS).zip(outputs.chunks(4 * sample::OUTPUT_ELEMS)).enumerate()
    {
        let scores: Vec<i32> =
            output.as_chunks::<4>().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
        let best = scores.iter().max().ok_or("no scores")?;
        let class = scores.iter().position(|score| score == best).ok_or("no class")?;
        // The last label is wrong on purpose.
        let label = if index == 3 { class + 1 } else { class };
        for code in codes {
            csv.push_str(&format!("{},", f32::from(*code) * sample::INPUT_SCALE));
        }
        csv.push_str(&format!("{label}\n"));
        expected.push(format!("INFO image {index}: class {class}, label {label}, "));
    }
    fs::write(&images_path, csv)?;
    let files: [(&str, &OsStr); 2] =
        [("EXACTUM_PROGRAM", program_path.as_ref()), ("EXACTUM_IMAGES", images_path.as_ref())];
    let image =
        Recipe { features: &["digits"], environment: &files, ..emulator.board().recipe("digits") }.build()?;
    let finished = emulator.start(&image, &[], folder.path())?;
    assert_eq!(finished.code, 0, "{:?}", finished.log);
    assert_eq!(finished.log.len(), 5, "{:?}", finished.log);
    for (line, expected) in finished.log.iter().zip(&expected) {
        assert!(line.starts_with(expected), "`{line}` is not `{expected}...`");
    }
    assert_eq!(finished.log[4], "INFO 3 of 4 right");
    Ok(())
}

/// The image that links only without a panic.
fn guard<'r>(target: &'r str, profile: &'r str, features: &'r [&'r str]) -> Recipe<'r> {
    Recipe { package: "no-panic", binary: "no-panic", target, cpu: None, profile, features, environment: &[] }
}

fn no_panic(_: &Emulator) -> Result<(), Failed> {
    for target in GUARDED_TARGETS {
        toolchain(target)?;
        for profile in GUARDED_PROFILES {
            guard(target, profile, &[]).build().map_err(|error| format!("{target}, {profile}: {error}"))?;
        }
    }
    Ok(())
}

/// Proves that the test above can fail.
fn panic_on_purpose(_: &Emulator) -> Result<(), Failed> {
    for target in GUARDED_TARGETS {
        toolchain(target)?;
        match guard(target, "least", &["panic-on-purpose"]).build() {
            Err(BuildError::Refused { messages, .. })
                if messages.contains("undefined symbol: a_panic_is_reachable_from_the_runtime") => {}
            other => {
                let found = other.map(|image| image.path().to_owned());
                return Err(format!("{target}: expected the linker to refuse, found {found:?}").into());
            }
        }
    }
    Ok(())
}
