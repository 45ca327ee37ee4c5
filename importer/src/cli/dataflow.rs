//! `exactum dataflow`: describes a model as a streaming pipeline for an FPGA.

use std::path::PathBuf;
use std::process::ExitCode;

use exactum_importer::dataflow::{self, Design, Target};
use exactum_importer::diagnostic::Result;
use serde_json::json;

use super::files::{self, Built};
use super::shell::Shell;

/// Describe a model as a streaming pipeline for an FPGA, in FINN's terms.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: files::Inputs,
    /// FPGA, such as xc7z020, or a part of it.
    #[arg(long)]
    device: String,
    /// Period of the clock in nanoseconds.
    #[arg(long, default_value_t = 10.0)]
    clock_ns: f64,
    /// Frames per second to reach.
    #[arg(long)]
    target_fps: f64,
    /// Folder for the files; created if it is not there.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let target = Target::new(&args.device, args.clock_ns, args.target_fps)?;
    let Built { model, compiled, .. } = files::compiled(&args.model, &args.inputs)?;
    let design = dataflow::describe(&compiled.integer, &target)
        .map_err(|report| report.in_model(&files::name(&args.model), &model))?;
    files::create_folder(&args.output)?;
    let written: Vec<(PathBuf, Vec<u8>)> =
        design.files().into_iter().map(|(name, text)| (args.output.join(name), text.into_bytes())).collect();
    files::write(&written)?;
    let paths: Vec<String> = written.iter().map(|(path, _)| files::name(path)).collect();
    let slowest = design.slowest();
    let result = json!({
        "stages": design.stages.len(),
        "max_cycles": slowest.cycles,
        "slowest": slowest.name,
        "fps": design.fps(),
        "files": paths,
    });
    shell.result(&result, || text(&design))?;
    shell.status(&format!("wrote {}", paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}

fn text(design: &Design) -> String {
    let widest = design.stages.iter().map(|stage| stage.name.len()).max().unwrap_or(0);
    let mut text: String = design
        .stages
        .iter()
        .map(|stage| format!("{:widest$}  {:>12} cycles\n", stage.name, stage.cycles))
        .collect();
    let (slowest, fps) = (design.slowest(), design.fps());
    text.push_str(&format!(
        "estimated {fps:.1} frames per second, limited by {} ({} cycles)\n",
        slowest.name, slowest.cycles
    ));
    text
}
