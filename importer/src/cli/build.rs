//! `exactum build`: compiles a model and writes the program.

mod rust_module;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use exactum_importer::container::Container;
use exactum_importer::diagnostic::Result;
use serde_json::json;

use super::shell::Shell;
use super::summary::Summary;
use super::{files, listing};

/// Compile a model and write the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    /// File to write. With several kinds each gets its own extension instead of the given one.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// What to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "exa")]
    emit: Vec<Emit>,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Emit {
    /// Container: program, interface, origins and certificates; for run, inspect and size (.exa).
    Exa,
    /// Flash image alone (.bin).
    Image,
    /// Rust module with the image and its sizes as constants (.rs).
    Rust,
    /// The program as text (.txt).
    Listing,
}

impl Emit {
    const fn extension(self) -> &'static str {
        match self {
            Self::Exa => "exa",
            Self::Image => "bin",
            Self::Rust => "rs",
            Self::Listing => "txt",
        }
    }

    fn bytes(self, container: &Container) -> Vec<u8> {
        match self {
            Self::Exa => container.write(),
            Self::Image => container.image().to_vec(),
            Self::Rust => rust_module::text(container).into_bytes(),
            Self::Listing => listing::text(container).into_bytes(),
        }
    }
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let container = files::compiled(&args.model)?.container;
    let mut kinds = args.emit.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let path = |kind: &Emit| match kinds.as_slice() {
        [_] => args.output.clone(),
        _ => args.output.with_extension(kind.extension()),
    };
    let written: Vec<(PathBuf, Vec<u8>)> =
        kinds.iter().map(|kind| (path(kind), kind.bytes(&container))).collect();
    let summary = Summary::new(files::name(&args.model), &container);
    shell.status(&summary.needs());
    files::write(&written)?;
    let paths: Vec<String> = written.iter().map(|(path, _)| files::name(path)).collect();
    shell.result(&json!({ "files": paths, "summary": summary }), || {
        format!("{}\n", shell.green(&summary.certificate()))
    })?;
    shell.status(&format!("wrote {}", paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}
