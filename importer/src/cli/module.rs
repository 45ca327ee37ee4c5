//! A model as a Rust module, for build scripts and macros: what `exactum build --emit rust` writes, with all its options.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::diagnostic::render;
use crate::target::Form;
use clap::Parser;

use super::build::{self, Asked};
use super::shell::{Color, Format, Shell};

/// A model as a Rust module.
#[derive(Clone, Debug)]
pub struct Module {
    /// The module, to be included in one.
    pub text: String,
    /// What `exactum build` warns of.
    pub warnings: Vec<String>,
    /// The files that it was made from.
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Parser)]
#[command(name = "exactum build", no_binary_name = true)]
struct Options {
    #[command(flatten)]
    asked: Asked,
}

/// The model at `model` as a Rust module, with `options` of `exactum build` that say what its program is to be, such as
/// `--target`, `--labels` or `--stream`. Relative paths begin in `folder`.
///
/// # Errors
/// The text that `exactum build` prints if it has no such options, or cannot build that.
pub fn module<T: Into<OsString>>(
    folder: &Path,
    model: &Path,
    options: impl IntoIterator<Item = T>,
) -> Result<Module, String> {
    let arguments = options.into_iter().map(Into::into).chain(["--".into(), model.into()]);
    let Options { asked } = Options::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let asked = asked.within(folder);
    let shell = Shell::new(Format::Human, Color::Never, true);
    let (built, target) = asked
        .build(Form::Module, &shell)
        .map_err(|report| render::human(&report, false, None).trim_end().to_owned())?;
    Ok(Module {
        text: build::rust(&built.container),
        warnings: asked.summary(&built, &target).warnings().iter().map(|line| plain(line)).collect(),
        files: asked.paths().chain(&built.side_files).cloned().collect(),
    })
}

/// A line of the summary without the word that Cargo puts before it.
fn plain(line: &str) -> String {
    line.strip_prefix("warning: ").unwrap_or(line).to_owned()
}
