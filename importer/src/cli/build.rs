//! `exactum build`: compiles a model and writes the program.

mod rust_module;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use exactum_importer::container::Container;
use exactum_importer::diagnostic::Result;
use exactum_importer::report::{self, Statistics};
use serde_json::json;

use super::files::{self, Built};
use super::listing;
use super::shell::Shell;
use super::summary::Summary;

/// Compile a model and write the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: files::Inputs,
    /// File to write. With several kinds each gets its own extension instead of the given one.
    #[arg(short, long, value_name = "FILE", required_unless_present = "report")]
    output: Option<PathBuf>,
    /// What to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "exa")]
    emit: Vec<Emit>,
    /// Where to write a page about the program: graph, layers, memory, certificate.
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    /// NumPy array for each input, in order, whose samples the report's histograms and ranges are of; the first axis
    /// counts the samples.
    #[arg(long, value_name = "NPY", requires = "report")]
    calibration: Vec<PathBuf>,
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
    let wait = shell.waiting("compiling");
    let built = files::compiled(&args.model, &args.inputs)?;
    let container = &built.container;
    drop(wait);
    let mut kinds = args.emit.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let path = |output: &PathBuf, kind: &Emit| match kinds.as_slice() {
        [_] => output.clone(),
        _ => output.with_extension(kind.extension()),
    };
    let mut written: Vec<(PathBuf, Vec<u8>)> = vec![];
    if let Some(output) = &args.output {
        written.extend(kinds.iter().map(|kind| (path(output, kind), kind.bytes(container))));
    }
    let summary = Summary::new(files::name(&args.model), container);
    if let Some(path) = &args.report {
        written.push((path.clone(), report(args, &built, &summary, shell)?.into_bytes()));
    }
    shell.status(&summary.needs());
    summary.warnings().iter().for_each(|warning| shell.status(warning));
    files::write(&written)?;
    let paths: Vec<String> = written.iter().map(|(path, _)| files::name(path)).collect();
    shell.result(&json!({ "files": paths, "summary": summary }), || {
        format!("{}\n", shell.green(&summary.certificate()))
    })?;
    shell.status(&format!("wrote {}", paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}

/// The page about what was built.
fn report(args: &Args, built: &Built, summary: &Summary, shell: &Shell) -> Result<String> {
    let Built { compiled, container, .. } = built;
    let statistics = match args.calibration.as_slice() {
        [] => None,
        paths => {
            let batch = files::batch(container.interface(), paths)?;
            let progress = shell.progress("running the reference", batch.samples());
            Some(Statistics::collect(&compiled.quantized, &batch, || progress.step()))
        }
    };
    Ok(report::html(&summary.headline(), compiled, container, statistics.as_ref()))
}
