//! `exactum build`: compiles a model and writes the program.

mod c;
mod rust_image;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::container::Container;
use crate::diagnostic::Result;
use crate::report::{self, Statistics};
use crate::rust_module;
use crate::target::{Form, Target};
use clap::ValueEnum;
use serde_json::json;

use super::files::{self, Built};
use super::identity::IdentityArgs;
use super::inputs::Inputs;
use super::limits::Limits;
use super::listing;
use super::samples;
use super::shell::Shell;
use super::steps;
use super::summary::Summary;
use super::target::Goal;

/// Compile a model and write the program.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asked: Asked,
    /// File to write, or folder for C. With several kinds each gets its own extension: model, model.exa and model.bin all give
    /// model.exa and model.bin.
    #[arg(short, long, value_name = "FILE", required_unless_present = "report")]
    output: Option<PathBuf>,
    /// What to write, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "exa")]
    emit: Vec<Emit>,
    /// Processor that a library for C is compiled for, as Rust calls it, such as thumbv6m-none-eabi; without it that of the board.
    #[arg(long, value_name = "TRIPLE")]
    processor: Option<String>,
    /// Where to write a page about the program: graph, layers, memory, certificate.
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive of arrays with the names of inputs, whose
    /// samples the report's histograms and ranges are of; the first axis counts the samples.
    #[arg(long, value_name = "NPY", requires = "report")]
    calibration: Vec<PathBuf>,
}

/// A model, and what its program is to be.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    goal: Goal,
    #[command(flatten)]
    limits: Limits,
}

impl Asked {
    /// The same with paths that are relative to `folder`.
    pub(super) fn within(self, folder: &Path) -> Self {
        let Self { model, inputs, identity, goal, limits } = self;
        Self {
            model: folder.join(model),
            inputs,
            identity: identity.within(folder),
            goal: goal.within(folder),
            limits,
        }
    }

    /// The files that it names.
    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.identity.paths().chain(self.goal.path()).chain([&self.model])
    }

    /// The program, which a firmware is to hold in `form` and which fits the target, and the target.
    pub(super) fn build(&self, form: Form, shell: &Shell) -> Result<(Built, Target)> {
        let target = self.goal.target_for(form)?;
        let built = files::identified(&self.model, &self.inputs, &self.identity, &target, shell)?;
        super::target::fits(&target, &self.limits, &built.container)
            .map_err(|report| report.in_file(&files::name(&self.model)))?;
        Ok((built, target))
    }

    /// What to tell of it.
    pub(super) fn summary(&self, built: &Built, target: &Target) -> Summary {
        Summary::new(files::name(&self.model), &built.container, target)
    }
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Emit {
    /// Container: program, interface, origins and certificates; for run, inspect and size (.exa).
    Exa,
    /// Flash image alone (.bin).
    Image,
    /// Rust module that is the model: kernels called with its constants, nothing to load (.rs).
    Rust,
    /// Rust module with the image and its sizes as constants, for programs that are replaced in the field (.image.rs).
    RustImage,
    /// The program as text (.txt).
    Listing,
    /// Folder with a header, a static library and an example for C (.c): compiled for the board's processor by Cargo.
    C,
}

impl Emit {
    const fn extension(self) -> &'static str {
        match self {
            Self::Exa => "exa",
            Self::Image => "bin",
            Self::Rust => "rs",
            Self::RustImage => "image.rs",
            Self::Listing => "txt",
            Self::C => "c",
        }
    }

    fn bytes(self, container: &Container) -> Vec<u8> {
        match self {
            Self::Exa => container.write(),
            Self::Image => container.image().to_vec(),
            Self::Rust => rust(container).into_bytes(),
            Self::RustImage => rust_image::text(container).into_bytes(),
            Self::Listing => listing::text(container).into_bytes(),
            Self::C => vec![],
        }
    }
}

/// The model as a Rust module.
pub(super) fn rust(container: &Container) -> String {
    let names: Vec<&str> = container.contents().ops.iter().map(|op| op.name.as_str()).collect();
    rust_module::text(&container.program(), container.interface(), &names)
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let mut kinds = args.emit.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let outputs: Vec<(PathBuf, Emit)> = args
        .output
        .iter()
        .flat_map(|output| kinds.iter().map(|kind| (place(output, *kind, kinds.len()), *kind)))
        .collect();
    let given = samples::paths(&args.calibration);
    let written = outputs.iter().map(|(path, _)| path).chain(&args.report);
    if let Some(problem) = files::overwritten(given.iter().chain(args.asked.paths()), written) {
        return Ok(shell.wrong_usage(&problem));
    }
    if !args.calibration.is_empty() && args.asked.inputs.keeps() {
        return Ok(
            shell.wrong_usage("--calibration is of single samples: it takes no --stream and no --bind")
        );
    }
    let wait = shell.waiting("compiling");
    let (built, target) = args.asked.build(form(&kinds), shell)?;
    let container = &built.container;
    drop(wait);
    let mut written: Vec<(PathBuf, Vec<u8>)> = vec![];
    for (path, kind) in outputs {
        match kind {
            Emit::C => {
                let processor = args.processor.as_deref();
                written.extend(c::files(container, &args.asked.model, &path, &target, processor, shell)?);
            }
            kind => written.push((path, kind.bytes(container))),
        }
    }
    let summary = args.asked.summary(&built, &target);
    if let Some(path) = &args.report {
        written.push((path.clone(), report(args, &built, &summary, shell)?.into_bytes()));
    }
    shell.status(&summary.needs());
    summary.warnings().iter().for_each(|warning| shell.status(warning));
    steps::told(container, shell);
    let folders: BTreeSet<PathBuf> = kinds
        .contains(&Emit::C)
        .then(|| written.iter().filter_map(|(path, _)| path.parent()).map(Path::to_owned))
        .into_iter()
        .flatten()
        .collect();
    folders
        .iter()
        .filter(|folder| **folder != Path::new(""))
        .try_for_each(|folder| files::create_folder(folder))?;
    files::write(&written)?;
    let paths: Vec<String> = written.iter().map(|(path, _)| files::name(path)).collect();
    let mut result = json!({ "files": paths, "summary": summary });
    if let Some(streamed) = &built.compiled.streamed {
        result["steps"] = json!(streamed.steps);
    }
    shell.result(&result, || format!("{}\n", shell.green(&summary.certificate())))?;
    shell.status(&format!("wrote {}", paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}

/// The form in which a firmware holds the program: code, if nothing else is written.
fn form(kinds: &[Emit]) -> Form {
    if !kinds.is_empty() && kinds.iter().all(|kind| matches!(kind, Emit::Rust | Emit::C)) {
        Form::Module
    } else {
        Form::Image
    }
}

/// Where a file of `kind` goes: to `output` if it is the only one, else there with the extension of its kind, in place
/// of one that is the extension of a kind itself.
fn place(output: &Path, kind: Emit, kinds: usize) -> PathBuf {
    if kinds == 1 {
        return output.to_owned();
    }
    let own = output.extension().and_then(OsStr::to_str);
    let is_kind = Emit::value_variants().iter().any(|kind| own == Some(kind.extension()));
    let stem = if is_kind { output.with_extension("") } else { output.to_owned() };
    let mut path = stem.into_os_string();
    path.push(".");
    path.push(kind.extension());
    path.into()
}

/// The page about what was built.
fn report(args: &Args, built: &Built, summary: &Summary, shell: &Shell) -> Result<String> {
    let Built { compiled, container, .. } = built;
    let statistics = match args.calibration.as_slice() {
        [] => None,
        paths => {
            let batch = samples::batch(container, paths, shell)?;
            let progress = shell.progress("running the reference", batch.samples());
            Some(Statistics::collect(&compiled.quantized, &batch, || progress.step()))
        }
    };
    Ok(report::html(&summary.headline(), compiled, container, statistics.as_ref()))
}
