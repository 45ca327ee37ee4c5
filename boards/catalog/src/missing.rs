//! A tool that the machine lacks, and how to get it.
//!
//! Callers show tests as ignored with this text, and in CI as failed.

use std::{io, process::Command};

use crate::Workspace;

/// A tool that running firmware needs and the machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool} is missing; `.ci/setup` installs it ({found})")]
pub struct Missing {
    /// The tool, as one would search for it.
    pub tool: String,
    /// What happened when it was started.
    pub found: String,
}

impl Missing {
    /// Runs `command`, which should only tell a version, and returns what it prints.
    ///
    /// # Errors
    /// [`Missing`], named `tool`, if the command cannot be started or fails.
    pub fn check(tool: &str, command: &mut Command) -> Result<String, Self> {
        let found = match command.output() {
            Ok(output) if output.status.success() => {
                return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "not found".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Self { tool: tool.to_owned(), found })
    }
}

/// Looks for a toolchain that builds firmware for `target`, Rust's name of a processor.
///
/// # Errors
/// [`Missing`] if there is none.
pub fn toolchain(target: &str) -> Result<(), Missing> {
    toolchain_in(&Workspace::repository(), target)
}

/// The same for firmware that is built in `workspace`.
///
/// # Errors
/// [`Missing`] if there is none.
pub fn toolchain_in(workspace: &Workspace, target: &str) -> Result<(), Missing> {
    let mut cargo = workspace.command();
    cargo.arg("--version").env("EXACTUM_FIRMWARE_TARGET", target);
    Missing::check(&format!("a Rust toolchain for {target}"), &mut cargo).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_tool_and_the_remedy() {
        let missing = Missing::check("a tool", &mut Command::new("exactum-no-such-tool")).unwrap_err();
        assert_eq!(missing.to_string(), "a tool is missing; `.ci/setup` installs it (not found)");
        let failing = Missing::check("false", &mut Command::new("false")).unwrap_err();
        assert_eq!(failing.tool, "false");
    }
}
