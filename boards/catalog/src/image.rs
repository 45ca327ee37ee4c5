//! Built firmware images, and why there is none.

use std::path::{Path, PathBuf};
use std::{fs, io};

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
