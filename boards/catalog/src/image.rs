//! Firmware images: building one binary of a board with the toolchain that `.ci/firmware-cargo` chooses.
//!
//! Cargo decides what is out of date, so a caller builds each time and pays only for changes.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{Board, Workspace};

/// A built firmware image.
#[derive(Clone, Debug)]
pub struct Image {
    path: PathBuf,
    elf: Vec<u8>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The build script or the image cannot be read or started.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The compiler or the linker refused.
    #[error("firmware `{binary}` does not build:\n{messages}")]
    Refused {
        /// The binary that was asked for.
        binary: String,
        /// All messages of Cargo.
        messages: String,
    },
    /// The build passed and names no executable: `binary` is no binary.
    #[error("the build of firmware `{binary}` made no executable")]
    NoExecutable {
        /// The binary that was asked for.
        binary: String,
    },
}

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
        let output = workspace
            .command()
            .args(["build", "--message-format=json-render-diagnostics", "--profile", self.profile])
            .args(["--package", self.package, "--bin", self.binary, "--features", &self.features.join(",")])
            .env("EXACTUM_FIRMWARE_TARGET", self.target)
            .envs(self.environment.iter().copied())
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

impl Image {
    /// Reads an image that exists.
    ///
    /// # Errors
    /// [`BuildError::File`] if it cannot be read.
    pub fn read(path: &Path) -> Result<Self, BuildError> {
        let file = |source| BuildError::File { path: path.to_owned(), source };
        let path = path.canonicalize().map_err(file)?;
        let elf = fs::read(&path).map_err(file)?;
        Ok(Self { path, elf })
    }

    /// The ELF file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the ELF file.
    pub fn elf(&self) -> &[u8] {
        &self.elf
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
