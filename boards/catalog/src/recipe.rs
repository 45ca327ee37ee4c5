//! How images are built: one binary of a board or of another crate of firmware, with the toolchain that `.ci/firmware-cargo`
//! chooses.
//!
//! Cargo decides what is out of date, so a caller builds each time and pays only for changes.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::Value;

use crate::{Board, BuildError, Image, Workspace};

/// Processors for which no panic may be reachable: Armv7E-M, Armv6-M and RV32IMAC.
pub const GUARDED_TARGETS: [&str; 3] =
    ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf"];
/// Profiles in which none may be: optimized for speed, for size, and for the least size.
pub const GUARDED_PROFILES: [&str; 3] = ["release", "size", "least"];

/// A binary of the firmware workspace, and how to build it.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'r> {
    /// The package it belongs to.
    pub package: &'r str,
    /// Its name.
    pub binary: &'r str,
    /// Rust's name of the processor.
    pub target: &'r str,
    /// The core, where its own instructions may be used.
    pub cpu: Option<&'r str>,
    /// Cargo's profile: `release`, `size` or `least`.
    pub profile: &'r str,
    /// Cargo features.
    pub features: &'r [&'r str],
    /// Variables for its build script.
    pub environment: &'r [(&'r str, &'r OsStr)],
}

impl Board {
    /// How to build the binary `binary` of the board.
    pub fn recipe<'r>(&'r self, binary: &'r str) -> Recipe<'r> {
        Recipe {
            package: &self.name,
            binary,
            target: &self.facts.target,
            cpu: self.facts.cpu.as_deref(),
            profile: "release",
            features: &[],
            environment: &[],
        }
    }
}

impl Recipe<'_> {
    /// Builds it in the repository, and reads it.
    ///
    /// # Errors
    /// [`BuildError`] with the compiler's messages.
    pub fn build(&self) -> Result<Image, BuildError> {
        self.build_in(&Workspace::repository())
    }

    /// Builds it in `workspace`, and reads it.
    ///
    /// # Errors
    /// [`BuildError`] with the compiler's messages.
    pub fn build_in(&self, workspace: &Workspace) -> Result<Image, BuildError> {
        let script = workspace.firmware_cargo();
        let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", self.target.to_uppercase().replace(['-', '.'], "_"));
        let core = self.cpu.map(|cpu| (flags, format!("-C target-cpu={cpu}")));
        let output = workspace
            .command()
            .args(["build", "--message-format=json-render-diagnostics", "--profile", self.profile])
            .args(["--package", self.package, "--bin", self.binary, "--features", &self.features.join(",")])
            .env("EXACTUM_FIRMWARE_TARGET", self.target)
            .envs(self.environment.iter().copied())
            .envs(core)
            .output()
            .map_err(|source| BuildError::File { path: script, source })?;
        let binary = self.binary.to_owned();
        if !output.status.success() {
            let messages = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(BuildError::Refused { binary, messages });
        }
        match executable(&String::from_utf8_lossy(&output.stdout), &binary) {
            Some(path) => Image::read(&path),
            None => Err(BuildError::NoExecutable { binary }),
        }
    }
}

/// The path of the executable of `binary` among Cargo's messages, one JSON object a line.
fn executable(messages: &str, binary: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == binary)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_executable_of_the_binary() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/a/other"}"#,
            "\nno json\n",
            r#"{"reason":"compiler-artifact","target":{"name":"generic"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"generic"},"executable":"/a/generic"}"#,
        );
        assert_eq!(executable(messages, "generic"), Some(PathBuf::from("/a/generic")));
        assert_eq!(executable(messages, "absent"), None);
    }
}
