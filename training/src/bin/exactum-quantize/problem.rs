//! What can stop the command. Every message names the file.

use std::path::{Path, PathBuf};

use exactum_host::ArrayError;
use exactum_training::calibrate::CalibrateError;
use exactum_training::float::FloatGraphError;
use exactum_training::{ExportError, ForwardError};
use thiserror::Error;

/// The command cannot go on.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    /// A file cannot be read or written.
    #[error("{}: {error}; needed {needed}", path.display())]
    File { path: PathBuf, error: std::io::Error, needed: &'static str },
    /// A file is no array of numbers.
    #[error("{}: {error}", path.display())]
    Array { path: PathBuf, error: ArrayError },
    /// Data do not fit the network.
    #[error("{}: found {found}, needed {needed}", path.display())]
    Data { path: PathBuf, found: String, needed: String },
    /// The network cannot be read or quantized.
    #[error("{}: {error}", path.display())]
    Network { path: PathBuf, error: FloatGraphError },
    /// A layer cannot compute.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// Calibration stopped.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// The quantized network cannot be exported.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Data in the file at `path` do not fit.
pub(crate) fn data(path: &Path, found: impl Into<String>, needed: impl Into<String>) -> Problem {
    Problem::Data { path: path.to_owned(), found: found.into(), needed: needed.into() }
}
