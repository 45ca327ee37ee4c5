//! How long compiling takes and how much memory: `cargo bench -p exactum-importer --bench compile`, with parts of names to
//! measure some of the models, and `--stages` to see where the time goes.
//!
//! Each model is written to a file by one process and read and compiled by another, whose time on a core and peak memory
//! are reported. Everything runs on one core; other programs on it change little.

#![expect(clippy::print_stdout, reason = "a benchmark reports")]

mod models;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::time::Instant;

use exactum_importer::passes::PASSES;
use exactum_importer::{compile, lift, lower};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["write", name, path] => {
            let (_, build) =
                models::ALL.iter().find(|(known, _)| known == name).expect("a model of the list");
            fs::write(path, exactum_qonnx::write(&build())).expect("the file can be written");
        }
        ["compile", path] => measure(Path::new(path)),
        ["stages", path] => stages(Path::new(path)),
        _ => report(&arguments),
    }
    ExitCode::SUCCESS
}

fn report(arguments: &[&str]) {
    let command = if arguments.contains(&"--stages") { "stages" } else { "compile" };
    let wanted: Vec<&&str> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let folder = tempfile::tempdir().expect("a folder for the models");
    let this = std::env::current_exe().expect("this program has a path");
    let child = |arguments: &[&str]| {
        let status = Command::new(&this).args(arguments).env("RAYON_NUM_THREADS", "1").status();
        assert!(status.expect("this program can be started").success(), "{arguments:?}");
    };
    println!(
        "| model | file MB | nodes | image MB | read s | compile s | s per 10 MB | peak MiB | peak / file |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, _) in models::ALL {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(**part)) {
            let path = folder.path().join(name);
            let path = path.to_str().expect("a path of characters");
            child(&["write", name, path]);
            child(&[command, path]);
            fs::remove_file(path).expect("the file was written");
        }
    }
}

/// Reads and compiles the file at `path`, and prints its row.
fn measure(path: &Path) {
    let started = busy_seconds();
    let (model, file_bytes) = read(path);
    let reading = busy_seconds() - started;
    let compiled = compile(&model).expect("the model can be compiled");
    let compiling = busy_seconds() - started - reading;
    let megabytes = file_bytes as f64 / 1e6;
    let peak = peak_bytes().map_or(f64::NAN, |bytes| bytes as f64);
    println!(
        "| {} | {megabytes:.1} | {} | {:.1} | {:.2} | {:.2} | {:.2} | {:.0} | {:.1} |",
        path.file_name().unwrap_or_default().display(),
        model.graph.nodes.len(),
        compiled.image.len() as f64 / 1e6,
        reading,
        compiling,
        (reading + compiling) / megabytes * 10.0,
        peak / f64::from(1 << 20),
        peak / file_bytes as f64,
    );
}

/// The model in the file at `path`, whose bytes are gone, and their number.
fn read(path: &Path) -> (exactum_qonnx::Model, usize) {
    let bytes = fs::read(path).expect("the file was written");
    (exactum_qonnx::read(&bytes).expect("the file is a model"), bytes.len())
}

/// Seconds that this process has spent on cores, where the system tells; else since the start.
fn busy_seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(Instant::now);
    let ticks = || {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // After the name in parentheses, user and system time are fields 12 and 13.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    };
    ticks().map_or_else(|| start.elapsed().as_secs_f64(), |ticks| ticks / 100.0)
}

/// The most memory that this process held so far, where the system tells.
fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Prints the seconds of each stage, and the most memory until its end.
fn stages(path: &Path) {
    let mut last = busy_seconds();
    let mut stage = |name: &str| {
        let spent = busy_seconds() - last;
        let peak = peak_bytes().map_or(f64::NAN, |bytes| bytes as f64 / f64::from(1 << 20));
        println!("    {name:<24} {spent:8.2} s {peak:8.0} MiB");
        last += spent;
    };
    println!("{}", path.file_name().unwrap_or_default().display());
    let (model, _) = read(path);
    stage("read");
    let mut graph = lift::lift(&model).expect("the model can be read");
    stage("lift");
    for pass in PASSES {
        pass.apply(&mut graph, &exactum_importer::target::Target::portable())
            .expect("the model can be compiled");
        stage(pass.name);
    }
    let lowered = lower::program(&graph, &lower::About::default()).expect("the program can be written");
    stage("program");
    exactum_runtime::Program::load(&lowered.image).map(|_| ()).unwrap_or_default();
    stage("load");
}
