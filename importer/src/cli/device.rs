//! Tools of this machine that devices need.

use std::path::Path;
use std::process::Command;

use crate::diagnostic::{Code, Diagnostic, Location, Report};
use exactum_boards::{BuildError, Missing, Workspace, WorkspaceError, toolchain_in};

/// Looks for what building firmware for Rust's processor `target` takes.
pub(super) fn toolchain(workspace: &Workspace, target: &str) -> Result<(), Report> {
    for (tool, needed) in [
        ("bash", "bash, which chooses Rust's toolchain"),
        ("cargo", "Rust with Cargo, as rustup installs them"),
    ] {
        let found = Missing::check(tool, Command::new(tool).arg("--version"));
        found.map_err(|missing| absent(&missing, needed))?;
    }
    let needed = format!("Rust for the processor, which `rustup target add {target}` installs");
    toolchain_in(workspace, target).map_err(|missing| absent(&missing, &needed))
}

/// A tool that the machine lacks, and how to get it.
pub(super) fn absent(missing: &Missing, needed: &str) -> Report {
    let found = missing.found.lines().next().unwrap_or("nothing");
    Diagnostic::new(Code::ToolMissing, Location::part(missing.tool.clone()), found, needed).into()
}

/// What is wrong with building firmware.
pub(super) fn not_built(error: &WorkspaceError) -> Report {
    let build = Code::FirmwareFailed;
    match error {
        WorkspaceError::File { path, source } => cannot_write(path, &source.to_string()),
        WorkspaceError::NoCache => {
            let needed = "EXACTUM_CACHE, a folder that built firmware is kept in";
            Diagnostic::new(Code::CannotWrite, Location::part("the cache"), "no folder for it", needed).into()
        }
        WorkspaceError::Build(BuildError::Refused { binary, messages }) => {
            let first = messages.lines().find(|line| line.starts_with("error")).unwrap_or("no message");
            let needed = "a build without errors; crates are fetched from the network once";
            let at = Location::part(format!("firmware `{binary}`"));
            Diagnostic::new(build, at, first, needed).with_hint(messages.trim()).into()
        }
        WorkspaceError::Build(error) => {
            Diagnostic::new(build, Location::default(), error.to_string(), "an image").into()
        }
    }
}

fn cannot_write(path: &Path, found: &str) -> Report {
    let needed = "a path in a folder that can be written";
    Report::from(Diagnostic::new(Code::CannotWrite, Location::default(), found, needed))
        .in_file(&super::files::name(path))
}
