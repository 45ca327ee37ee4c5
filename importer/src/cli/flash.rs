//! `exactum flash`: writes the firmware of a board, with a model or an ELF file of the user's, to the chip by its probe.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use exactum_boards::{Board, Missing};

use super::device;
use super::files;
use super::shell::Shell;
use super::target;

/// Write a firmware to a board by its debug probe, and run it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Firmware: an ELF file, as Cargo builds it, or the folder of a project of `exactum new firmware`, which is built first.
    firmware: PathBuf,
    /// Board: a name that `exactum boards` lists.
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// Chip as probe-rs calls it, in place of the board's.
    #[arg(long, value_name = "CHIP")]
    chip: Option<String>,
    /// Print the command instead of running it.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let board = target::board(&args.board)?;
    let (tool, arguments, needed) = tool(args, &board)?;
    if args.dry_run {
        let words = arguments.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let image = files::name(&args.firmware);
        shell.result(&serde_json::json!({ "command": format!("{tool} {words} {image}") }), || {
            format!("{tool} {words} {image}\n")
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let image = image(&args.firmware, &board)?;
    let found = Missing::check(tool, Command::new(tool).arg("--version"));
    found.map_err(|missing| device::absent(&missing, needed))?;
    let status = Command::new(tool).args(arguments).arg(&image).status();
    match status {
        Ok(status) if status.success() => Ok(ExitCode::SUCCESS),
        Ok(status) => Err(failed(&board, format!("{tool} ended with {status}"))),
        Err(error) => Err(failed(&board, format!("{tool}: {error}"))),
    }
}

fn failed(board: &Board, found: String) -> Report {
    let at = Location::part(format!("board `{}`", board.name));
    Diagnostic::new(Code::BoardRefuses, at, found, "a board that is connected; its words are above").into()
}

/// The program that writes the flash of `board`, its arguments before the file, and how to install it.
fn tool(args: &Args, board: &Board) -> Result<(&'static str, Vec<OsString>, &'static str)> {
    let chip = args.chip.as_ref().or(board.facts.chip.as_ref());
    // Espressif's chips are written through their own loader.
    if chip.is_none() && board.facts.target.starts_with("riscv32imc-") && !board.is_emulated() {
        let needed = "espflash, which `cargo install espflash` installs";
        return Ok(("espflash", ["flash", "--monitor"].map(OsString::from).to_vec(), needed));
    }
    match chip {
        Some(chip) => {
            let needed = "probe-rs, which `cargo install probe-rs-tools` installs";
            Ok(("probe-rs", ["run", "--chip", chip].map(OsString::from).to_vec(), needed))
        }
        None => {
            let at = Location::part(format!("board `{}`", board.name));
            let found = if board.is_emulated() {
                "an emulated board, whose chip is not known"
            } else {
                "no name of its chip"
            };
            Err(Diagnostic::new(Code::BoardRefuses, at, found, "--chip, as `probe-rs chip list` names it")
                .into())
        }
    }
}

/// The ELF file at `path`, or of the project there, which is built.
fn image(path: &Path, board: &Board) -> Result<PathBuf> {
    if !path.is_dir() {
        let bytes = files::read(path)?;
        let is_elf = bytes.starts_with(b"\x7fELF");
        let problem = || {
            Diagnostic::new(
                Code::BoardRefuses,
                Location::default(),
                "no ELF file",
                "firmware, or the folder of a project",
            )
        };
        return if is_elf {
            Ok(path.to_owned())
        } else {
            Err(Report::from(problem()).in_file(&files::name(path)))
        };
    }
    let name =
        path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let cargo = Missing::check("cargo", Command::new("cargo").arg("--version"));
    cargo.map_err(|missing| device::absent(&missing, "Rust with Cargo, as rustup installs them"))?;
    let built = Command::new("cargo").args(["build", "--release"]).current_dir(path).status();
    let image = path.join("target").join(&board.facts.target).join("release").join(name.unwrap_or_default());
    if built.is_ok_and(|status| status.success()) && image.is_file() {
        return Ok(image);
    }
    let needed = format!("a project for {} that builds", board.facts.target);
    let problem = Diagnostic::new(Code::FirmwareFailed, Location::default(), "no firmware built", needed);
    Err(Report::from(problem).in_file(&files::name(path)))
}
