//! `fuzz-loop TARGET COUNT [FROM]`: changes fixtures blindly, COUNT times, and checks each result.
//! `fuzz-loop TARGET FILE...`: checks files, such as one that failed.
//!
//! TARGET is `read` or `compile`. Every execution follows from its number alone, so a range can be repeated. A
//! process that dies or takes too long for one execution is started again behind it. What failed is printed and left
//! in `artifacts/`; the exit status is 1 then.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use exactum_fuzz::check::{self, Outcome};
use exactum_fuzz::edit;
use exactum_fuzz::limits::Limited;
use exactum_fuzz::random::Random;
use exactum_fuzz::seeds::seeds;

#[global_allocator]
static ALLOCATOR: Limited = Limited;

/// Longest time of one execution.
const LIMIT: Duration = Duration::from_secs(20);
/// Exit status of a worker that met it.
const TOO_SLOW: i32 = 3;
/// Where failing inputs go.
const ARTIFACTS: &str = "artifacts";

/// What a worker has counted; it stands in a file, so that it survives the worker.
#[derive(Clone, Copy, Default)]
struct Counts {
    /// The execution that runs.
    now: u64,
    unreadable: u64,
    refused: u64,
    compiled: u64,
    ran: u64,
    panicked: u64,
}

impl Counts {
    fn to_words(self) -> [u64; 6] {
        [self.now, self.unreadable, self.refused, self.compiled, self.ran, self.panicked]
    }

    fn write(self, file: &File) {
        let bytes: Vec<u8> = self.to_words().iter().flat_map(|word| word.to_le_bytes()).collect();
        file.write_all_at(&bytes, 0).expect("the progress file can be written");
    }

    fn read(file: &File) -> Self {
        let mut bytes = [0; 48];
        file.read_exact_at(&mut bytes, 0).expect("the progress file can be read");
        let word = |index: usize| u64::from_le_bytes(bytes[8 * index..][..8].try_into().unwrap_or_default());
        let [now, unreadable, refused, compiled, ran, panicked] = std::array::from_fn(word);
        Self { now, unreadable, refused, compiled, ran, panicked }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().expect("a number of executions");
    match arguments.as_slice() {
        ["worker", target, from, to] => work(target, number(from), number(to)),
        [target @ ("read" | "compile"), file, ..] if file.parse::<u64>().is_err() => {
            for file in &arguments[1..] {
                let bytes = fs::read(file).unwrap_or_else(|error| panic!("{file}: {error}"));
                let started = Instant::now();
                let outcome = check_of(target)(&bytes);
                println!("{file}: {outcome:?}, {} ms", started.elapsed().as_millis());
            }
            ExitCode::SUCCESS
        }
        [target @ ("read" | "compile"), count] => supervise(target, 0, number(count)),
        [target @ ("read" | "compile"), count, from] => supervise(target, number(from), number(count)),
        _ => {
            eprintln!("usage: fuzz-loop read|compile COUNT [FROM] | fuzz-loop read|compile FILE...");
            ExitCode::from(2)
        }
    }
}

fn check_of(target: &str) -> fn(&[u8]) -> Outcome {
    if target == "read" { check::read } else { check::compile }
}

/// Execution `index`: the file that it checks.
fn input(index: u64) -> Vec<u8> {
    let mut random = Random::new(index);
    let mut model = random.pick(seeds()).expect("there are fixtures").clone();
    edit::edit(&mut model, &mut random);
    exactum_qonnx::write(&model)
}

fn progress_path(from: u64) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("exactum-fuzz-{}-{from}", std::process::id()))
}

fn supervise(target: &str, from: u64, count: u64) -> ExitCode {
    let mut sum = Counts::default();
    let (mut slow, mut aborted) = (0, 0);
    let (mut next, end) = (from, from + count);
    let path = progress_path(from);
    let started = Instant::now();
    while next < end {
        fs::write(&path, [0; 48]).expect("a progress file can be made");
        let this = std::env::current_exe().expect("this program has a path");
        let status = Command::new(this)
            .args(["worker", target, &next.to_string(), &end.to_string()])
            .env("EXACTUM_FUZZ_PROGRESS", &path)
            .env("RAYON_NUM_THREADS", "1")
            .status()
            .expect("a worker can be started");
        let counts = Counts::read(&File::open(&path).expect("the progress file is there"));
        sum.unreadable += counts.unreadable;
        sum.refused += counts.refused;
        sum.compiled += counts.compiled;
        sum.ran += counts.ran;
        sum.panicked += counts.panicked;
        next = counts.now + 1;
        if !status.success() {
            let what = if status.code() == Some(TOO_SLOW) { "slow" } else { "abort" };
            *(if what == "slow" { &mut slow } else { &mut aborted }) += 1;
            println!("{what}: execution {} ({status})", counts.now);
            save(&input(counts.now), what, counts.now);
        }
    }
    let _ = fs::remove_file(path);
    let Counts { unreadable, refused, compiled, ran, panicked, .. } = sum;
    println!(
        "{target}: {count} executions from {from}, {} s: {refused} refused or read, {compiled} compiled, {ran} compiled and run, \
         {unreadable} unreadable; {panicked} panicked, {aborted} aborted, {slow} too slow",
        started.elapsed().as_secs()
    );
    if panicked + aborted + slow == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn save(bytes: &[u8], what: &str, index: u64) {
    let saved = fs::create_dir_all(ARTIFACTS)
        .and_then(|()| fs::write(format!("{ARTIFACTS}/{what}-{index}.onnx"), bytes));
    if let Err(error) = saved {
        eprintln!("{ARTIFACTS}: {error}");
    }
}

/// Milliseconds since the start of the process at which the execution began; 0 between executions.
static BEGAN: AtomicU64 = AtomicU64::new(0);
/// Where the last panic was.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn work(target: &str, from: u64, to: u64) -> ExitCode {
    let started = Instant::now();
    let path = std::env::var_os("EXACTUM_FUZZ_PROGRESS").map_or_else(|| progress_path(from), Into::into);
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.expect("the progress file can be opened");
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(250));
            let (now, began) = (started.elapsed().as_millis() as u64, BEGAN.load(Ordering::Relaxed));
            if began > 0 && now.saturating_sub(began) > LIMIT.as_millis() as u64 {
                std::process::exit(TOO_SLOW);
            }
        }
    });
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|place| format!("{}:{}", place.file(), place.line()));
        let message = info.payload_as_str().unwrap_or_default();
        let text = format!("{}: {message}", place.unwrap_or_default());
        *PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = text;
    }));
    let mut counts = Counts::default();
    let mut places: Vec<(String, u32)> = vec![];
    for index in from..to {
        counts.now = index;
        counts.write(&file);
        BEGAN.store(started.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
        let bytes = input(index);
        match panic::catch_unwind(AssertUnwindSafe(|| check_of(target)(&bytes))) {
            Ok(Outcome::Unreadable) => counts.unreadable += 1,
            Ok(Outcome::Refused) => counts.refused += 1,
            Ok(Outcome::Compiled) => counts.compiled += 1,
            Ok(Outcome::Ran) => counts.ran += 1,
            Err(_) => {
                counts.panicked += 1;
                let text = PANIC.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
                let place = text.split(": ").next().unwrap_or_default().to_owned();
                let position = places.iter().position(|(known, _)| *known == place);
                let position = position.unwrap_or_else(|| {
                    places.push((place, 0));
                    places.len() - 1
                });
                places[position].1 += 1;
                // The first few of each place tell enough.
                if places[position].1 <= 3 {
                    println!("panic: execution {index}: {}", text.chars().take(600).collect::<String>());
                    save(&bytes, "panic", index);
                }
            }
        }
    }
    BEGAN.store(0, Ordering::Relaxed);
    counts.write(&file);
    for (place, times) in places {
        println!("{times} panics at {place}");
    }
    ExitCode::SUCCESS
}
