//! A tool that the machine lacks, and how to get it.
//!
//! Callers show tests as ignored with this text, and in CI as failed.

use std::{ffi::OsStr, io, process::Command};

/// A tool that running firmware needs and the machine lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{tool} is missing; `.ci/setup` installs it ({found})")]
pub struct Missing {
    /// The tool, as one would search for it.
    pub tool: &'static str,
    /// What happened when it was started.
    pub found: String,
}

impl Missing {
    /// Runs `command`, which should only tell its version, and returns what it prints.
    ///
    /// # Errors
    /// [`Missing`], named `tool`, if the command cannot be started or fails.
    pub(crate) fn check(tool: &'static str, command: impl AsRef<OsStr>, flag: &str) -> Result<String, Self> {
        let found = match Command::new(command).arg(flag).output() {
            Ok(output) if output.status.success() => {
                return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => "not found".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Self { tool, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_tool_and_the_remedy() {
        let missing = Missing::check("a tool", "exactum-no-such-tool", "--version").unwrap_err();
        assert_eq!(missing.to_string(), "a tool is missing; `.ci/setup` installs it (not found)");
        let failing = Missing::check("false", "false", "--version").unwrap_err();
        assert_eq!(failing.tool, "false");
    }
}
