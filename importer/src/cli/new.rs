//! `exactum new firmware`: a project of the user's own that holds a model and builds at once.

mod project;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use crate::batch::Host;
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::target::Form;
use clap::Subcommand;
use serde_json::json;

use super::build;
use super::files;
use super::inputs::Inputs;
use super::limits::Limits;
use super::samples;
use super::shell::Shell;
use super::target;

/// Write a new project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    kind: Kind,
}

/// Kinds of projects.
#[derive(Debug, Subcommand)]
enum Kind {
    Firmware(Firmware),
}

/// Firmware for a board that holds a model, to be built and run with Cargo.
#[derive(Debug, clap::Args)]
struct Firmware {
    /// Folder of the project, which does not exist yet; its name is that of the firmware.
    #[arg(default_value = "firmware")]
    folder: PathBuf,
    /// QONNX model, or compiled program (.exa).
    #[arg(long)]
    model: PathBuf,
    /// Board: a name that `exactum boards` lists.
    #[arg(long, value_name = "BOARD")]
    board: String,
    #[command(flatten)]
    inputs: Inputs,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive; the firmware runs the first sample. Without it
    /// codes from all over the range of each input.
    #[arg(long, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Checkout of exactum whose runtime the project depends on; without it, the runtime's sources are written to `vendor`.
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let Kind::Firmware(args) = &args.kind;
    let Some(name) = args.folder.file_name().and_then(|name| name.to_str()).filter(|name| is_package(name))
    else {
        let name = files::name(&args.folder);
        return Ok(shell.wrong_usage(&format!(
            "{name:?} is no name of a package: letters, digits, - and _, a letter first"
        )));
    };
    is_free(&args.folder)?;
    let board = target::board(&args.board)?;
    let target = crate::target::Target::of_board(&board, Form::Module)?;
    let container = files::program(&args.model, &args.inputs, &target, shell)?;
    target::fits(&target, &Limits::default(), &container)
        .map_err(|report| report.in_file(&files::name(&args.model)))?;
    if container.program().outside_bytes() > 0 {
        return Ok(shell.wrong_usage(
            "the inputs and outputs of a new firmware lie in its model: it takes no --outside",
        ));
    }
    let batch = match args.input.as_slice() {
        [] => samples::spread(&container, 1)?,
        given => samples::batch(&container, given, shell)?,
    };
    let mut host = Host::new(container.program());
    let codes = host.input_places(&batch.sample(0));
    host.reset();
    let outputs = host.run(&batch.sample(0));
    let names = crate::rust_module::port_names(container.interface());
    let (input_names, output_names) = names.split_at(codes.len());
    let sample = project::sample(container.interface(), (input_names, &codes), (output_names, &outputs));
    let runtime = args.path.as_deref().map(|path| path.join("runtime"));
    if let Some(path) = runtime.as_deref().filter(|path| !path.join("Cargo.toml").is_file()) {
        let problem = Diagnostic::new(
            Code::Unreadable,
            Location::part("--path"),
            "no runtime there",
            "a checkout of exactum",
        );
        return Err(Report::from(problem).in_file(&files::name(path)));
    }
    let model = build::rust(&container);
    let written = project::files(name, &board, &model, &sample, runtime.as_deref())?;
    write(&args.folder, &written)?;
    let result = json!({ "folder": files::name(&args.folder), "board": board.name, "files": written.len() });
    shell.result(&result, String::new)?;
    let triple = &board.facts.target;
    shell.status(&format!(
        "wrote {} for {}: `cd {0}`, then `cargo run --release`; Rust's target is {triple} (`rustup target add {triple}`)",
        files::name(&args.folder),
        board.name
    ));
    Ok(ExitCode::SUCCESS)
}

/// Whether Cargo takes it as the name of a package.
fn is_package(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        // A package cannot be called like a crate that it depends on.
        && !["core", "test", "semihosting", "cortex-m", "cortex-m-rt", "riscv", "riscv-rt", "exactum-runtime"].contains(&name)
}

/// Refuses a folder in which something is.
fn is_free(folder: &Path) -> Result<()> {
    let found = match fs::read_dir(folder).map(|mut entries| entries.next().is_some()) {
        Ok(false) => return Ok(()),
        Ok(true) => "files",
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => "something else than a folder",
    };
    let problem = Diagnostic::new(Code::FolderTaken, Location::default(), found, "an empty folder, or none");
    Err(Report::from(problem).in_file(&files::name(folder)))
}

/// Writes the files of the project: all of them, or none.
fn write(folder: &Path, written: &[(String, Vec<u8>)]) -> Result<()> {
    let paths: Vec<(PathBuf, Vec<u8>)> =
        written.iter().map(|(path, bytes)| (folder.join(path), bytes.clone())).collect();
    for (path, _) in &paths {
        files::create_folder(path.parent().unwrap_or(folder))?;
    }
    files::write(&paths)
}
