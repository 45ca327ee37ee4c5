//! `exactum validate`: runs samples on a device behind a serial port, and compares every code with this machine's.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::container::Container;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::serial::{Device, Port, Room, SerialError};
use crate::target::{Form, Target};
use exactum_boards::Board;
use serde_json::json;

use super::device_codes;
use super::emulate::{emulator, firmware};
use super::files;
use super::inputs::Inputs;
use super::run::run_all;
use super::samples;
use super::shell::Shell;
use super::summary::count;
use super::target;

/// Samples without any given.
const OWN_SAMPLES: usize = 8;

/// Run a program on a device behind a serial port, and compare its outputs with this machine's.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled program (.exa) or QONNX model, which is compiled for the board first.
    file: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// Serial port of the device, which runs the firmware `serve` of its board.
    #[arg(long, value_name = "PATH", conflicts_with = "emulator", required_unless_present = "emulator")]
    port: Option<PathBuf>,
    /// Emulated board in the place of a device.
    #[arg(long, value_name = "BOARD")]
    emulator: Option<String>,
    /// Board that the model is compiled for, behind a port.
    #[arg(long, value_name = "BOARD", conflicts_with = "emulator")]
    board: Option<String>,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive; the first axis counts the samples. Without it
    /// codes from all over the range of each input.
    #[arg(long, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Bits a second of the port.
    #[arg(long, value_name = "BITS", default_value_t = 115_200)]
    baud: u32,
    /// Seconds that a reply is waited for.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let board = args.emulator.as_ref().or(args.board.as_ref()).map(|name| target::board(name)).transpose()?;
    let target = board.as_ref().map(|board| Target::of_board(board, Form::Image)).transpose()?;
    let target = target.unwrap_or_else(Target::portable);
    let container = files::program(&args.file, &args.inputs, &target, shell)?;
    let in_file = |report: Report| report.in_file(&files::name(&args.file));
    if container.program().outside_bytes() > 0 {
        let needed = "ports in the arena: a program that was built without --outside";
        let problem = Diagnostic::new(
            Code::BoardRefuses,
            Location::default(),
            "inputs or outputs outside the arena",
            needed,
        );
        return Err(in_file(problem.into()));
    }
    let batch = match args.input.as_slice() {
        [] => samples::spread(&container, OWN_SAMPLES)?,
        given => samples::batch(&container, given, shell)?,
    };
    let patience = Duration::from_secs(args.patience);
    // Dropped last: the emulator runs until then.
    let mut served = None;
    let (name, port) = match (&args.port, &board) {
        (None, Some(board)) => {
            let emulator = emulator(board)?;
            serves(board)?;
            let image = firmware(board, "serve", shell)?;
            let failed = |error: std::io::Error| failed(&board.name, &error.into());
            let started = served.insert(emulator.serve(&image).map_err(failed)?);
            (board.name.clone(), started.port().and_then(Port::socket).map_err(failed)?)
        }
        (port, _) => {
            let port = port.clone().unwrap_or_default();
            let name = files::name(&port);
            let opened = Port::open(&port, args.baud).map_err(|error| failed(&name, &error.into()))?;
            (name, opened)
        }
    };
    let mut device = Device::new(port, patience);
    let room = device.room().map_err(|error| failed(&name, &error))?;
    has_room(&name, &container, room).map_err(in_file)?;
    device.load(container.image()).map_err(|error| failed(&name, &error))?;
    let input = device_codes::input_bytes(&container, &batch);
    let mut output = vec![];
    let progress = shell.progress("running", batch.samples());
    for sample in input.chunks(input.len().div_ceil(batch.samples()).max(1)) {
        output.extend(device.run(sample).map_err(|error| failed(&name, &error))?);
        progress.step();
    }
    drop(progress);
    let host = run_all(&container, &batch, None, shell);
    let found = device_codes::output_integers(&container, &output);
    let device_name = format!("device `{name}`");
    if let Some(problem) = device_codes::difference(&container, &device_name, found.as_deref(), &host) {
        return Err(in_file(problem.into()));
    }
    let numbers: usize = host.iter().map(Vec::len).sum();
    let result = json!({ "device": name, "samples": batch.samples(), "numbers": numbers, "repeated": device.repeated() });
    shell.result(&result, || {
        let (numbers, samples) = (count(numbers, "number"), count(batch.samples(), "sample"));
        format!("{}\n", shell.green(&format!("{name}: all {numbers} of {samples} are those of this machine")))
    })?;
    if device.repeated() > 0 {
        shell.status(&format!(
            "{} sent again, because frames were lost or damaged",
            count(device.repeated() as usize, "request")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a board without a firmware that serves.
fn serves(board: &Board) -> Result<()> {
    let has = |board: &Board| board.is_emulated() && board.has_binary("serve");
    if has(board) {
        return Ok(());
    }
    let boards = Board::all().expect("a test reads every board").into_iter().filter(has);
    let names: Vec<String> = boards.map(|board| board.name).collect();
    let at = Location::part(format!("board `{}`", board.name));
    let needed = format!("a board whose firmware serves its serial port: {}", names.join(", "));
    Err(Diagnostic::new(Code::BoardRefuses, at, "no such firmware", needed).into())
}

/// Refuses what the firmware has no room for.
fn has_room(name: &str, container: &Container, room: Room) -> Result<()> {
    let program = container.program();
    let inputs = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
    let sample = inputs.map(|tensor| u64::from(tensor.size_bytes())).sum::<u64>();
    let needs = [
        ("the program", container.image().len() as u64, room.program),
        ("working memory", u64::from(program.arena_bytes()), room.arena),
        ("the inputs of a sample", sample, room.sample),
    ];
    let lack =
        needs.into_iter().filter(|(_, needs, most)| *needs > u64::from(*most)).map(|(what, needs, most)| {
            let needed = format!("at most {most}, what the firmware has room for");
            let at = Location::part(format!("device `{name}`"));
            Diagnostic::new(Code::BoardRefuses, at, format!("{needs} bytes for {what}"), needed)
        });
    Report::check(lack.collect(), ())
}

/// What the device did not do.
fn failed(name: &str, error: &SerialError) -> Report {
    let at = Location::part(format!("device `{name}`"));
    let needed = "a serial port with the firmware `serve` of the board behind it";
    Diagnostic::new(Code::BoardRefuses, at, error.to_string(), needed).into()
}
