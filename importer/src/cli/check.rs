//! `exactum check`: compiles a model, proves it, writes nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::diagnostic::Result;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::limits::Limits;
use super::shell::Shell;
use super::steps;
use super::summary::Summary;
use super::target::Goal;

/// Compile a model and prove its arithmetic, without writing anything.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    goal: Goal,
    #[command(flatten)]
    limits: Limits,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let target = args.goal.target()?;
    let Built { container, .. } = files::compiled(&args.model, &args.inputs, &target, shell)?;
    super::target::fits(&target, &args.limits, &container)
        .map_err(|report| report.in_file(&files::name(&args.model)))?;
    let summary = Summary::new(files::name(&args.model), &container, &target);
    shell.result(&summary, || format!("{}\n", shell.green(&summary.certificate())))?;
    shell.status(&summary.needs());
    summary.warnings().iter().for_each(|warning| shell.status(warning));
    steps::told(&container, shell);
    Ok(ExitCode::SUCCESS)
}
