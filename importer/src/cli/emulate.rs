//! `exactum emulate`: runs a model on an emulated board, and compares its outputs with this machine's.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::batch::Batch;
use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::target::{Form, Target};
use exactum_boards::{Board, Image, Workspace, cache_folder};
use exactum_host::{npy, npz};
use exactum_runner::{Counting, Counts, Emulator, RunError};
use serde::Serialize;

use super::device;
use super::device_codes;
use super::files;
use super::inputs::Inputs;
use super::run::{numbers, run_all};
use super::samples;
use super::shell::{Shell, label};
use super::size::table;
use super::summary::count;
use super::target;

/// Numbers of an output that are printed for people.
const SHOWN: usize = 16;

/// Run a program on an emulated board, bit for bit, and count what it executes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled program (.exa) or QONNX model, which is compiled for the board first.
    file: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// Emulated board: a name that `exactum boards` lists.
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive of arrays with the names of inputs; the
    /// first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Where to write each output, in order; or one .npz archive for all, by their names.
    #[arg(long, value_name = "NPY")]
    output: Vec<PathBuf>,
    /// Write and print the codes of the last quantizer, or accumulators, instead of what the model gives.
    #[arg(long)]
    codes: bool,
    /// Print the instructions of every op, of the first sample.
    #[arg(long)]
    profile: bool,
    /// Seconds after which the board is stopped.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    time_limit: u64,
}

/// What the board did.
#[derive(Debug, Serialize)]
struct Emulated {
    board: String,
    samples: usize,
    outputs: Vec<Output>,
    /// Instructions of the first sample.
    instructions: u64,
    /// Stack that its run took.
    stack_bytes: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ops: Vec<OpCount>,
}

/// An output of all samples.
#[derive(Debug, Serialize)]
struct Output {
    name: String,
    /// The samples first.
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// Instructions of an op.
#[derive(Debug, Serialize)]
struct OpCount {
    name: String,
    kind: String,
    instructions: u64,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let given = samples::paths(&args.input);
    if let Some(problem) = files::overwritten(given.iter().chain([&args.file]), &args.output) {
        return Ok(shell.wrong_usage(&problem));
    }
    let board = target::board(&args.board)?;
    let wait = shell.waiting("compiling");
    let container = files::program(&args.file, &args.inputs, &Target::of_board(&board, Form::Image)?, shell)?;
    drop(wait);
    let outputs = container.interface().outputs.len();
    if !args.output.is_empty() && args.output.len() != outputs && !is_archive(&args.output) {
        let given = count(args.output.len(), "file");
        return Ok(
            shell.wrong_usage(&format!("{given} for --output, the model has {}", count(outputs, "output")))
        );
    }
    let batch = samples::batch(&container, &args.input, shell)?;
    has_room(&board, &container).map_err(|report| report.in_file(&files::name(&args.file)))?;
    let emulator = emulator(&board)?.with_time_limit(Duration::from_secs(args.time_limit));
    let image = firmware(&board, "generic", shell)?;

    let wait = shell.waiting("running");
    let input = device_codes::input_bytes(&container, &batch);
    let refused = |error: RunError| refused(&board, &error).in_file(&files::name(&args.file));
    let ran = emulator.run_program(&image, container.image(), &input, Counting::Off).map_err(refused)?;
    // One sample is enough for counts: more would take four times as long, and push states more often than once.
    let first = input.get(..input.len() / batch.samples()).unwrap_or_default();
    let counted = emulator.run_program(&image, container.image(), first, Counting::On).map_err(refused)?;
    drop(wait);
    let integers = device_codes::output_integers(&container, &ran.output);
    let host = run_all(&container, &batch, None, shell);
    if let Some(problem) =
        device_codes::difference(&container, &format!("board `{}`", board.name), integers.as_deref(), &host)
    {
        return Err(Report::from(problem).in_file(&files::name(&args.file)));
    }
    let integers = integers.unwrap_or_default();
    let (result, arrays) = told(args, &container, &batch, &integers, counted.counts.first());
    write(&args.output, &arrays)?;
    shell.result(&result, || result.text())?;
    let numbers = count(host.iter().map(Vec::len).sum(), "number");
    shell.status(&format!(
        "{}: all {numbers} of {} are those of this machine",
        board.name,
        count(batch.samples(), "sample")
    ));
    if !args.output.is_empty() {
        shell.status(&format!("wrote {}", files::names(&args.output)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The emulator of `board`.
pub(super) fn emulator(board: &Board) -> Result<Emulator> {
    if !board.is_emulated() {
        let emulated = Board::all().expect("a test reads every board").into_iter().filter(Board::is_emulated);
        let names: Vec<String> = emulated.map(|board| board.name).collect();
        let at = Location::part(format!("board `{}`", board.name));
        let needed = format!("an emulated board: {}", names.join(", "));
        return Err(Diagnostic::new(Code::BoardRefuses, at, "no emulator has it", needed).into());
    }
    Emulator::without_toolchain(board).map_err(|missing| device::absent(&missing, &needed(board)))
}

/// What brings the emulator of `board`.
fn needed(board: &Board) -> String {
    let program = board.facts.emulator.first().map_or("qemu-system-arm", String::as_str);
    let package = if program == "qemu-system-arm" { "qemu-system-arm" } else { "qemu-system-misc" };
    format!("QEMU's {program}: `apt install {package}` on Debian and Ubuntu, `brew install qemu` on macOS")
}

/// The firmware `binary` of `board`, which runs any program and is built when it is first needed.
pub(super) fn firmware(board: &Board, binary: &str, shell: &Shell) -> Result<Image> {
    let failed = |error| device::not_built(&error);
    let workspace = Workspace::unpacked(&cache_folder().map_err(failed)?).map_err(failed)?;
    if !workspace.has_image(board, binary) {
        device::toolchain(&workspace, &board.facts.target)?;
        shell.status(&format!("building the firmware of {}, which is kept for every model", board.name));
    }
    let _wait = shell.waiting("building");
    workspace.kept_image(board, binary).map_err(failed)
}

/// Refuses what the firmware has no room for.
fn has_room(board: &Board, container: &Container) -> Result<()> {
    let program = container.program();
    let inputs = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
    let sample = inputs.map(|tensor| u64::from(tensor.size_bytes())).sum::<u64>();
    let [most_program, most_arena, most_sample] = board.facts.generic_bytes;
    let needs = [
        // A file that fills its place cannot be told from one that is longer.
        ("the program", container.image().len() as u64, most_program.saturating_sub(1)),
        ("working memory", u64::from(program.arena_bytes()), most_arena),
        ("the inputs of a sample", sample, most_sample),
    ];
    let at = || Location::part(format!("board `{}`", board.name));
    let lack = needs.into_iter().filter(|(_, needs, most)| needs > most).map(|(what, needs, most)| {
        let needed = format!("at most {most}, what its firmware has room for");
        Diagnostic::new(Code::BoardRefuses, at(), format!("{needs} bytes for {what}"), needed)
    });
    let mut problems: Vec<Diagnostic> = lack.collect();
    if program.outside_bytes() > 0 {
        let needed = "ports in the arena: a program that was built without --outside";
        problems.push(Diagnostic::new(
            Code::BoardRefuses,
            at(),
            "inputs or outputs outside the arena",
            needed,
        ));
    }
    Report::check(problems, ())
}

/// Why the firmware gave nothing.
fn refused(board: &Board, error: &RunError) -> Report {
    let at = Location::part(format!("board `{}`", board.name));
    Diagnostic::new(
        Code::BoardRefuses,
        at,
        error.to_string(),
        "a run that ends by itself, within --time-limit",
    )
    .into()
}

/// What is told of a run, and the files of its outputs.
fn told(
    args: &Args,
    container: &Container,
    batch: &Batch,
    integers: &[Vec<i32>],
    counts: Option<&Counts>,
) -> (Emulated, Vec<(String, Vec<u8>)>) {
    let (mut outputs, mut arrays) = (vec![], vec![]);
    for (port, integers) in container.interface().outputs.iter().zip(integers) {
        let shape: Vec<usize> =
            std::iter::once(batch.samples()).chain(port.sample_shape().iter().copied()).collect();
        let (elem, values) = numbers(port, integers, args.codes);
        arrays.push((port.name.clone(), npy::write_numbers(elem, &shape, &values)));
        outputs.push(Output { name: port.name.clone(), shape, values });
    }
    let ops = container.contents().ops.iter().zip(counts.map_or(&[][..], |counts| &counts.ops));
    let ops = ops.filter(|_| args.profile).map(|(op, instructions)| OpCount {
        name: op.name.clone(),
        kind: op.kind.clone(),
        instructions: *instructions,
    });
    let emulated = Emulated {
        board: args.board.clone(),
        samples: batch.samples(),
        outputs,
        instructions: counts.map_or(0, |counts| counts.inference),
        stack_bytes: counts.map_or(0, |counts| counts.stack_bytes),
        ops: ops.collect(),
    };
    (emulated, arrays)
}

impl Emulated {
    fn text(&self) -> String {
        let mut text = String::new();
        for output in &self.outputs {
            let elems = output.shape.iter().skip(1).product::<usize>().max(1);
            for (sample, values) in output.values.chunks(elems).enumerate() {
                let shown: Vec<String> = values.iter().take(SHOWN).map(f64::to_string).collect();
                let more = if values.len() > SHOWN { " ..." } else { "" };
                text.push_str(&format!(
                    "{} of sample {sample}: {}{more}\n",
                    label(&output.name),
                    shown.join(" ")
                ));
            }
        }
        if !self.ops.is_empty() {
            let heads = ["op", "kind", "instructions", "%"].map(str::to_owned);
            let part = |instructions: u64| {
                format!("{:.1}", 100.0 * instructions as f64 / self.instructions.max(1) as f64)
            };
            let row = |(index, op): (usize, &OpCount)| {
                [
                    format!("{index} {}", op.name),
                    op.kind.clone(),
                    op.instructions.to_string(),
                    part(op.instructions),
                ]
            };
            let mut rows = vec![heads];
            rows.extend(self.ops.iter().enumerate().map(row));
            let between = self.instructions.saturating_sub(self.ops.iter().map(|op| op.instructions).sum());
            rows.push(["between ops".to_owned(), String::new(), between.to_string(), part(between)]);
            text.push_str(&table(&rows, 2));
        }
        let Self { board, instructions, stack_bytes, .. } = self;
        text + &format!(
            "{board}: {instructions} instructions and {stack_bytes} bytes of stack for the first sample\n"
        )
    }
}

/// Whether all outputs go to one archive.
fn is_archive(paths: &[PathBuf]) -> bool {
    let npz = |path: &PathBuf| path.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("npz"));
    paths.len() == 1 && paths.iter().all(npz)
}

/// Writes `arrays` by name to `paths`.
fn write(paths: &[PathBuf], arrays: &[(String, Vec<u8>)]) -> Result<()> {
    let Some(first) = paths.first() else { return Ok(()) };
    if let Some(folder) = first.parent().filter(|folder| *folder != Path::new("")) {
        files::create_folder(folder)?;
    }
    if is_archive(paths) {
        let archive = npz::write(arrays).map_err(|error| Report::from(error).in_file(&files::name(first)))?;
        return files::write(&[(first.clone(), archive)]);
    }
    let written: Vec<_> = paths.iter().cloned().zip(arrays.iter().map(|(_, bytes)| bytes.clone())).collect();
    files::write(&written)
}
