//! Compiles models in build scripts.
//!
//! With `exactum-build` among the build dependencies and `exactum-runtime` among the dependencies of a firmware, `build.rs` is
//!
//! ```no_run
//! fn main() -> Result<(), exactum_build::Error> {
//!     exactum_build::compile("model.onnx")
//! }
//! ```
//!
//! and the firmware has the model in a module:
//!
//! ```ignore
//! mod model {
//!     include!(concat!(env!("OUT_DIR"), "/model.rs"));
//! }
//!
//! let mut model = model::Model::new();
//! let outputs = model.run_f32(&samples);
//! ```
//!
//! It is the module that `exactum build --emit rust` writes. A model that does not compile stops the build with the
//! compiler's diagnostics.

#![allow(clippy::print_stdout, reason = "build scripts speak to Cargo")]

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use exactum_importer::diagnostic::Report;
use exactum_importer::target::Target;
use exactum_importer::{Identity, compile_with};
use exactum_qonnx::Folder;
use sha2::{Digest, Sha256};

/// Why there is no module. Its text is complete, also as `main` of a build script prints it.
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Compiles the ONNX file `model`, relative to the manifest of the crate that is built, to a module of the same name in
/// `OUT_DIR`, and tells Cargo to do so again when the file changes.
///
/// # Errors
/// If a file cannot be read or written, or the model does not compile.
pub fn compile(model: impl AsRef<Path>) -> Result<(), Error> {
    let model = model.as_ref();
    println!("cargo::rerun-if-changed={}", model.display());
    let folder =
        std::env::var_os("OUT_DIR").ok_or_else(|| Error("OUT_DIR is not set: no build script".to_owned()))?;
    let mut name = model.file_stem().unwrap_or(OsStr::new("model")).to_owned();
    name.push(".rs");
    let path = PathBuf::from(folder).join(name);
    fs::write(&path, module(model)?).map_err(|error| Error(format!("{}: {error}", path.display())))
}

/// The module of the ONNX file `model`.
///
/// # Errors
/// If the file cannot be read or the model does not compile.
pub fn module(model: impl AsRef<Path>) -> Result<String, Error> {
    let path = model.as_ref();
    let failed = |problem: &dyn fmt::Display| Error(format!("{}: {problem}", path.display()));
    let refused = |report: Report| Error(report.in_file(&path.display().to_string()).to_string());
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    let model = exactum_qonnx::read_beside(&bytes, &mut Folder::of(path)).map_err(|error| failed(&error))?;
    let identity = Identity { digest: Sha256::digest(&bytes).into(), ..Identity::default() };
    let compiled = compile_with(&model, &Target::portable(), &identity).map_err(refused)?;
    Ok(compiled.rust_module())
}
