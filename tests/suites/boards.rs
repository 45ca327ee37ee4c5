//! Every emulated board runs every case that it has room for, and gives the oracle's integers.
//!
//! `tests/data/boards.txt` has for each board how many cases those are, the bytes of its firmware, and what a digit takes; `BLESS=1`
//! writes it anew. Instructions and bytes belong to a compiler, so with another one they are not compared. The suite `conformance`
//! runs the board with a Cortex-M4 case by case. Firmware is the same bytes wherever it is built, or the record would hold in one
//! folder only.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use exactum_runner::{Board, Counting, Workspace};
use exactum_tests::backend::{self, Emulated};
use exactum_tests::case::Case;
use exactum_tests::{cases, compiler, elf};
use libtest_mimic::{Arguments, Failed, Trial};

/// Images for the classifiers of digits.
const IMAGES: usize = 20;
/// Threads that start emulators for one board.
const THREADS: usize = 2;

fn main() {
    let arguments = Arguments::from_args();
    let in_ci = std::env::var_os("CI").is_some();
    let compiler = compiler::of_firmware();
    let recorded = fs::read_to_string(record()).unwrap_or_default();
    let bless = std::env::var_os("BLESS").is_some();
    let other_compiler = recorded.lines().next().is_some_and(|line| line != compiler) && !bless;
    let mut cases = cases::of_repository(IMAGES);
    cases.retain(|case| !cases::is_refused(case));
    let cases = Arc::new(cases);
    let rows: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let boards = Emulated::all();
    let names: Vec<String> = boards.iter().map(|board| board.board().name.clone()).collect();
    let trials = boards.into_iter().map(|board| {
        let missing = backend::Backend::missing(&board).map(str::to_owned);
        let ignored = missing.is_some() && !in_ci;
        let name = board.board().name.clone();
        let (cases, rows, recorded) = (Arc::clone(&cases), Arc::clone(&rows), recorded.clone());
        let test = move || {
            let row = run(&board, &cases)?;
            rows.lock().map_err(|_| "another board failed")?.push((board.board().name.clone(), row.clone()));
            if bless || other_compiler || recorded.contains(&row) {
                Ok(())
            } else {
                Err(format!("not recorded:\n{row}").into())
            }
        };
        Trial::test(name, test).with_kind(missing.unwrap_or_default()).with_ignored_flag(ignored)
    });
    let mut trials: Vec<Trial> = trials.collect();
    let no_compiler = compiler.is_empty();
    trials.push(
        Trial::test("firmware_is_the_same_wherever_it_is_built", same_elsewhere)
            .with_kind(if no_compiler { "no toolchain for firmware" } else { "" })
            .with_ignored_flag(no_compiler && !in_ci),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    if let (true, Ok(mut rows)) = (bless, rows.lock()) {
        rows.sort();
        // Boards that were not asked for keep no row.
        if rows.iter().map(|(name, _)| name).eq(names.iter()) {
            let text = rows.iter().fold(head(&compiler), |text, (_, row)| text + row + "\n");
            fs::write(record(), text).expect("the record can be written");
        }
    }
    conclusion.exit();
}

fn record() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/boards.txt")
}

fn head(compiler: &str) -> String {
    format!(
        "{compiler}\n\nEmulated boards. Cases: the networks of the suite `conformance` whose program, working memory and inputs the\n\
         firmware `generic` of the board has room for, and how many there are; all give the oracle's integers. Bytes of the firmware `generic`:\n\
         instructions, and constants. Of the network digits_mlp: instructions of an inference, and bytes of stack.\n\n\
         {:<20}{:<12}{:>12}{:>10}{:>11}{:>14}{:>8}\n",
        "board", "core", "cases", "code", "constants", "instructions", "stack"
    )
}

/// Sources unpacked in another folder give what the repository gives.
fn same_elsewhere() -> Result<(), Failed> {
    let board = Board::named("lm3s6965evb")?;
    let here = board.recipe("generic").build()?;
    let elsewhere = Workspace::unpacked(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("elsewhere"))?;
    let there = board.recipe("generic").build_in(&elsewhere)?;
    let loaded = |elf| elf::loaded(elf).ok_or("no 32-bit ELF file");
    let (here, there) = (loaded(here.elf())?, loaded(there.elf())?);
    if here.len() < 2 || here != there {
        return Err(format!("the firmware built in {} differs", elsewhere.root().display()).into());
    }
    Ok(())
}

/// Runs all cases that the board has room for; its row of the record.
fn run(board: &Emulated, cases: &[Arc<Case>]) -> Result<String, Failed> {
    let (next, ran) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let agrees = || {
                        if !board.has_room(case.made()?)? {
                            return Ok(());
                        }
                        ran.fetch_add(1, Ordering::Relaxed);
                        backend::agree(case, board)
                    };
                    if let (Err(problem), Ok(mut failures)) = (agrees(), failures.lock()) {
                        failures.push(format!("{}: {problem}", case.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    if !failures.is_empty() {
        return Err(failures.join("\n").into());
    }
    let digits = Case::exported("digits_mlp", 1);
    let counts = board.run_counting(digits.made()?, Counting::On)?.counts;
    let counts = counts.first().ok_or("no counts")?;
    let firmware = board.firmware()?;
    let sizes = elf::sizes(firmware.elf()).ok_or("no 32-bit ELF file")?;
    let core = board.board().facts.about.split(':').next().unwrap_or_default();
    let mut row = String::new();
    write!(
        row,
        "{:<20}{core:<12}{:>12}{:>10}{:>11}{:>14}{:>8}",
        board.board().name,
        format!("{} of {}", ran.into_inner(), cases.len()),
        sizes.code,
        sizes.constants,
        counts.inference,
        counts.stack_bytes
    )?;
    Ok(row)
}
