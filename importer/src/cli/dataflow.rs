//! `exactum dataflow`: describes a model as a streaming pipeline for an FPGA.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::dataflow::{self, Design, Target};
use crate::diagnostic::Result;
use crate::float_network::explained;
use crate::target::Target as Machine;
use serde_json::json;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::shell::{Shell, label};

/// Describe a model as a streaming pipeline for an FPGA, in FINN's terms.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// FPGA, such as xc7z020, or a part of it.
    #[arg(long)]
    device: String,
    /// Period of the clock in nanoseconds.
    #[arg(long, default_value_t = 10.0, value_parser = positive)]
    clock_ns: f64,
    /// Frames per second to reach.
    #[arg(long, value_parser = positive, allow_hyphen_values = true)]
    target_fps: f64,
    /// Folder for the files; created if it is not there.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let target = Target::new(&args.device, args.clock_ns, args.target_fps)?;
    let Built { model, compiled, .. } =
        files::compiled(&args.model, &args.inputs, &Machine::portable(), shell)?;
    let design = dataflow::describe(&compiled.integer, &target)
        .map_err(|report| explained(report, &files::name(&args.model), &model))?;
    let paths: Vec<PathBuf> = design.files().into_iter().map(|(name, _)| args.output.join(name)).collect();
    if let Some(problem) = files::overwritten([&args.model], &paths) {
        return Ok(shell.wrong_usage(&problem));
    }
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

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && number > 0.0 => Ok(number),
        _ => Err("needed a positive number".to_owned()),
    }
}

fn text(design: &Design) -> String {
    let names: Vec<String> = design.stages.iter().map(|stage| label(&stage.name)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let stages = design.stages.iter().zip(&names);
    let mut text: String =
        stages.map(|(stage, name)| format!("{name:widest$}  {:>12} cycles\n", stage.cycles)).collect();
    let (slowest, fps) = (design.slowest(), design.fps());
    text.push_str(&format!(
        "estimated {fps:.1} frames per second, limited by {} ({} cycles)\n",
        label(&slowest.name),
        slowest.cycles
    ));
    text
}
