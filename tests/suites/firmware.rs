//! The digits classifiers on the emulated microcontroller: the instructions each executes, which repeat and are the
//! recorded ones, the demonstration firmware that holds one of them, and the bytes of code that models need.
//!
//! `tests/data/instructions.txt` is the record, `predictions.txt` compares what the board's table of costs predicts with
//! what is counted, and `code-size.txt` has the bytes; `BLESS=1` writes them anew. Counts belong to a compiler, so with another one the comparisons show as
//! ignored.

#[path = "firmware/size.rs"]
mod size;

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exactum_importer::target::Target;
use exactum_runner::{Counting, Counts, Emulator, Recipe};
use exactum_runtime::Program;
use exactum_runtime::program::words_as_bytes;
use exactum_tests::backend::{Backend, Emulated, aligned};
use exactum_tests::case::{Case, Made};
use exactum_tests::compiler;
use exactum_training::data::digits;
use libtest_mimic::{Arguments, Failed, Trial};

/// Models in the record.
const MODELS: [&str; 2] = ["digits_mlp", "digits_cnn"];
/// Further models whose instructions are predicted: none of them was measured for the table of costs.
const PREDICTED: [(&str, &str); 10] = [
    ("brevitas", "mobilenet"),
    ("brevitas", "resnet"),
    ("brevitas", "keyword_spotting_legacy"),
    ("brevitas", "unet"),
    ("brevitas", "autoencoder_legacy"),
    ("brevitas", "channel_shuffle"),
    ("brevitas", "cat_separate_legacy"),
    ("brevitas", "avg_pool_padded"),
    ("standard", "cnn_qdq_per_channel"),
    ("standard", "depthwise_qdq"),
];
/// Furthest that a prediction of an op may be from what is counted, of ops with more than `SMALL_OP` instructions.
const MOST_OFF_PERCENT: f64 = 25.0;
const SMALL_OP: u64 = 3000;
/// Images counted: instructions differ with the data only where a kernel skips something.
const IMAGES: usize = 8;
const BOARD: &str = "mps2-an386 (Cortex-M4)";

fn main() {
    let arguments = Arguments::from_args();
    let board = Arc::new(Emulated::cortex_m4());
    let missing = board.missing().map(str::to_owned);
    let in_ci = std::env::var_os("CI").is_some();
    let compiler = compiler::of_firmware();
    let recorded = fs::read_to_string(record()).unwrap_or_default();
    let [compiler_of_predictions, compiler_of_sizes] = [compiler.clone(), compiler.clone()];
    let other_compiler = match recorded.lines().next() {
        Some(line) if line != compiler && std::env::var_os("BLESS").is_none() => {
            Some(format!("recorded with {line}"))
        }
        _ => None,
    };
    let trial = |name: &str, reason: Option<String>, test: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
        let ignored = reason.is_some() && !(missing.is_some() && in_ci);
        Trial::test(name, test).with_kind(reason.unwrap_or_default()).with_ignored_flag(ignored)
    };
    let table = Arc::clone(&board);
    let mut trials = vec![trial(
        "instructions_are_the_recorded_ones",
        missing.clone().or_else(|| other_compiler.clone()),
        Box::new(move || recorded_table(&table, &compiler)),
    )];
    let predicted = Arc::clone(&board);
    trials.push(trial(
        "predictions_are_near_what_is_counted",
        missing.clone().or_else(|| other_compiler.clone()),
        Box::new(move || predictions(&predicted, &compiler_of_predictions)),
    ));
    trials.push(trial(
        "code_sizes_are_the_recorded_ones",
        missing.clone().or_else(|| other_compiler.clone()),
        Box::new(move || compared(&data("code-size.txt"), size::table(&compiler_of_sizes)?)),
    ));
    trials.push(trial(
        "code_of_processors_is_the_recorded_one",
        missing.clone().or(other_compiler),
        Box::new(code_of_processors),
    ));
    trials.push(trial("no_panic_is_reachable_from_modules", missing.clone(), Box::new(size::without_panics)));
    let demonstrated = Arc::clone(&board);
    let demonstration = move || demonstration_classifies(&Emulator::find(demonstrated.board())?);
    trials.push(trial("demonstration_classifies", missing.clone(), Box::new(demonstration)));
    for name in MODELS {
        let board = Arc::clone(&board);
        let test = Box::new(move || counts_repeat(&board, name));
        trials.push(trial(&format!("{name}::counts_repeat"), missing.clone(), test));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// What `exactum size --board` counts for code is what is measured.
fn code_of_processors() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../importer/targets/code/firmware.toml");
    compared(&path, size::of_processors()?)
}

fn record() -> PathBuf {
    data("instructions.txt")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn count(board: &Emulated, made: &Made) -> Result<Vec<Counts>, Failed> {
    let counted = board.run_counting(made, Counting::On)?.counts;
    assert_eq!(counted.len(), made.source.samples.len());
    Ok(counted)
}

/// The image `digits`, with the trained network in its flash, logs the class that the oracle finds for each digit.
fn demonstration_classifies(emulator: &Emulator) -> Result<(), Failed> {
    let case = Case::exported("digits_cnn", IMAGES);
    let made = case.made()?;
    let labels = digits::load()?.test.labels;
    let (mut images, mut lines, mut right) = (String::new(), vec![], 0);
    for (index, (sample, outputs)) in made.source.samples.iter().zip(&made.exact).enumerate() {
        let (class, label) = (first_largest(&outputs[0].integers), labels[index]);
        let pixels: String = sample.iter().map(|pixel| format!("{pixel},")).collect();
        writeln!(images, "{pixels}{label}")?;
        lines.push(format!("INFO image {index}: class {class}, label {label}, "));
        right += usize::from(class == label);
    }
    lines.push(format!("INFO {right} of {IMAGES} right"));
    let folder = tempfile::tempdir()?;
    let (program, csv) = (folder.path().join("program"), folder.path().join("images.csv"));
    fs::write(&program, &made.compiled.image)?;
    fs::write(&csv, images)?;
    let files: [(&str, &OsStr); 2] =
        [("EXACTUM_PROGRAM", program.as_ref()), ("EXACTUM_IMAGES", csv.as_ref())];
    let image =
        Recipe { features: &["digits"], environment: &files, ..emulator.board().recipe("digits") }.build()?;
    let finished = emulator.start(&image, &[], folder.path())?;
    assert_eq!(finished.code, 0, "{:?}", finished.log);
    assert_eq!(finished.log.len(), lines.len(), "{:?}", finished.log);
    for (line, expected) in finished.log.iter().zip(&lines) {
        assert!(line.starts_with(expected.as_str()), "`{line}` is not `{expected}...`");
    }
    Ok(())
}

/// Index of the largest number, the first of equal ones; the oracle has all in one unit.
fn first_largest<T: Ord>(numbers: &[T]) -> usize {
    let largest = numbers.iter().max();
    numbers.iter().position(|number| Some(number) == largest).unwrap_or(0)
}

/// Two runs give the same counts, and an inference is its ops and the walk from one to the next.
fn counts_repeat(board: &Emulated, name: &'static str) -> Result<(), Failed> {
    let case = Case::exported(name, IMAGES);
    let made = case.made()?;
    let first = count(board, made)?;
    assert_eq!(count(board, made)?, first);
    for counted in &first {
        let ops: u64 = counted.ops.iter().sum();
        let walk = counted.inference.checked_sub(ops).ok_or("the ops take more than the inference")?;
        assert!(walk > 0 && walk < 1000 * counted.ops.len() as u64, "{walk} instructions between ops");
    }
    Ok(())
}

fn recorded_table(board: &Emulated, compiler: &str) -> Result<(), Failed> {
    let mut text =
        format!("{compiler}\n\nInstructions executed on {BOARD} for one image, largest of {IMAGES}.\n");
    for name in MODELS {
        let case = Case::exported(name, IMAGES);
        let made = case.made()?;
        let counted = count(board, made)?;
        let words = aligned(&made.compiled.image);
        let program = Program::load(&words_as_bytes(&words)[..made.compiled.image.len()])?;
        let largest = |of: &dyn Fn(&Counts) -> u64| counted.iter().map(of).max().unwrap_or(0);
        write!(text, "\n{name:<24}{:>10}\n", largest(&|counted| counted.inference))?;
        for (index, op) in program.ops().enumerate() {
            writeln!(
                text,
                "  {index} {:<20}{:>10}",
                op.kind().name(),
                largest(&|counted| counted.ops[index])
            )?;
        }
    }
    compared(&record(), text)
}

/// What the table of costs of the board says of every op of each model, beside what is counted.
fn predictions(board: &Emulated, compiler: &str) -> Result<(), Failed> {
    let target = Target::named("mps2-an386").ok_or("the board's target")?;
    let costs = target.costs.ok_or("the board's costs")?;
    let mut text = format!(
        "{compiler}\n\nInstructions on {BOARD}, counted for one sample and predicted by the target's table of costs.\n"
    );
    let exported = MODELS.map(|name| (name.to_owned(), Case::exported(name, 1)));
    let others = PREDICTED.map(|(group, name)| (name.to_owned(), Case::fixture(group, name)));
    let mut furthest: f64 = 0.0;
    for (name, case) in exported.into_iter().chain(others) {
        let made = case.made()?;
        let counted = count(board, made)?.swap_remove(0).ops;
        let words = aligned(&made.compiled.image);
        let program = Program::load(&words_as_bytes(&words)[..made.compiled.image.len()])?;
        writeln!(text, "\n{name}")?;
        for (index, (op, counted)) in program.ops().zip(counted).enumerate() {
            let predicted =
                costs.predict(&program, &op).ok_or_else(|| format!("{name}: {op} has no costs"))?;
            let off = (predicted / counted as f64 - 1.0) * 100.0;
            if counted > SMALL_OP {
                furthest = furthest.max(off.abs());
            }
            writeln!(text, "  {index} {:<20}{counted:>10}{predicted:>10.0}{off:>+8.1} %", op.kind().name())?;
        }
    }
    writeln!(text, "\nFurthest off of ops with more than {SMALL_OP} instructions: {furthest:.1} %")?;
    compared(&data("predictions.txt"), text)?;
    let near = furthest <= MOST_OFF_PERCENT;
    if near { Ok(()) } else { Err(format!("a prediction is {furthest:.1} % off").into()) }
}

/// Compares `text` with the record at `path`; writes it there if `BLESS` is set.
fn compared(path: &Path, text: String) -> Result<(), Failed> {
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().ok_or("a folder")?)?;
        fs::write(path, text)?;
        return Ok(());
    }
    let recorded = fs::read_to_string(path)?;
    if recorded == text { Ok(()) } else { Err(format!("recorded\n{recorded}\nfound\n{text}").into()) }
}
