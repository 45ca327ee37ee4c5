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
//!     exactum_runtime::include_model!("model");
//! }
//!
//! let mut model = model::Model::new();
//! let outputs = model.run_f32(&samples);
//! ```
//!
//! It is the module that `exactum build --emit rust` writes, and [`compile_with`] takes the options of that command:
//!
//! ```no_run
//! # fn main() -> Result<(), exactum_build::Error> {
//! exactum_build::compile_with("model.onnx", ["--target", "mps2-an386", "--labels", "classes.txt"])
//! # }
//! ```
//!
//! A model that does not compile, or does not fit the target, stops the build with the compiler's diagnostics; what it warns
//! of, Cargo shows. Without a build script, the macro `exactum_macros::model!` does the same.
//!
//! Cargo compiles build scripts, and with them the compiler of models, without optimization. Large models compile several
//! times faster with `opt-level = 3` in `[profile.release.build-override]` (and `dev`) of the workspace.

#![allow(clippy::print_stdout, reason = "build scripts speak to Cargo")]

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

pub use exactum_importer::cli::{Module, module};

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
    compile_with(model, [""; 0])
}

/// As [`compile`], with `options` of `exactum build` that say what the program is to be: `--target`, `--labels`,
/// `--stream`, `--dim` and so on. Paths are relative to the manifest as well.
///
/// # Errors
/// As [`compile`], or if there are no such options.
pub fn compile_with<T: Into<OsString>>(
    model: impl AsRef<Path>,
    options: impl IntoIterator<Item = T>,
) -> Result<(), Error> {
    let model = model.as_ref();
    let variable = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .ok_or_else(|| Error(format!("{name} is not set: no build script")))
    };
    let (manifest, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    // Also where the model does not compile: it is tried again once it has changed.
    println!("cargo::rerun-if-changed={}", model.display());
    let Module { text, warnings, files } = module(&manifest, model, options).map_err(Error)?;
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    for warning in warnings {
        println!("cargo::warning={}", warning.replace('\n', " "));
    }
    let mut name = model.file_stem().unwrap_or(OsStr::new("model")).to_owned();
    name.push(".rs");
    let path = out.join(name);
    fs::write(&path, text).map_err(|error| Error(format!("{}: {error}", path.display())))
}
