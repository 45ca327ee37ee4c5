//! `exactum dataflow`: describes a model as a streaming pipeline for an FPGA.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::dataflow::device::listed;
use crate::dataflow::folding::{FoldingFile, Goal};
use crate::dataflow::resources::Resources;
use crate::dataflow::{self, Board, Design, Device, MEMORIES};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::float_network::explained;
use crate::report;
use crate::target::Target as Machine;
use serde_json::json;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::shell::{Shell, label};

/// Describe a model as a streaming pipeline for an FPGA, in FINN's terms.
#[derive(Debug, clap::Args)]
#[command(
    after_help = listed(),
    group(clap::ArgGroup::new("where").required(true).args(["device", "board"])),
    group(clap::ArgGroup::new("goal").required(true).multiple(true)
        .args(["target_fps", "folding", "max_lut", "max_bram", "max_uram", "max_dsp"])),
)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// FPGA, such as xc7z020, or a part of it.
    #[arg(long)]
    device: Option<String>,
    /// Board with an FPGA, such as pynq-z1.
    #[arg(long)]
    board: Option<String>,
    /// Period of the clock in nanoseconds; otherwise one that designs reach on the device.
    #[arg(long, value_parser = positive)]
    clock_ns: Option<f64>,
    /// Frames per second to reach, at the least cost.
    #[arg(long, value_parser = positive, allow_hyphen_values = true, conflicts_with_all = ["folding", "max_lut", "max_bram", "max_uram", "max_dsp"])]
    target_fps: Option<f64>,
    /// FINN's folding file: the foldings of the stages that it names, the others not unrolled.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["max_lut", "max_bram", "max_uram", "max_dsp"])]
    folding: Option<PathBuf>,
    /// Look-up tables that the fastest design may take; otherwise all of the device.
    #[arg(long, value_name = "NUMBER")]
    max_lut: Option<u64>,
    /// Block memories that it may take.
    #[arg(long, value_name = "NUMBER")]
    max_bram: Option<u64>,
    /// Ultra memories that it may take.
    #[arg(long, value_name = "NUMBER")]
    max_uram: Option<u64>,
    /// Multipliers that it may take.
    #[arg(long, value_name = "NUMBER")]
    max_dsp: Option<u64>,
    /// Folder for the files; created if it is not there.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

impl Args {
    fn device(&self) -> Result<&'static Device> {
        match (&self.device, &self.board) {
            (Some(device), _) => Device::named(device),
            (None, board) => Board::device_of(board.as_deref().unwrap_or_default()),
        }
    }

    fn goal(&self, device: &Device) -> Result<Goal> {
        if let Some(fps) = self.target_fps {
            return Ok(Goal::Rate(fps));
        }
        if let Some(path) = &self.folding {
            let bytes = files::read(path)?;
            let text = String::from_utf8(bytes).map_err(|_| {
                let at = Location::part("folding file");
                let problem = Diagnostic::new(Code::BadFolding, at, "bytes that are no UTF-8", "JSON");
                Report::from(problem).in_file(&files::name(path))
            })?;
            let file = FoldingFile::read(&text).map_err(|report| report.in_file(&files::name(path)))?;
            return Ok(Goal::File(file));
        }
        let there = Resources::of(device);
        Ok(Goal::Budget(Resources {
            luts: self.max_lut.unwrap_or(there.luts),
            block_memories: self.max_bram.unwrap_or(there.block_memories),
            urams: self.max_uram.unwrap_or(there.urams),
            dsps: self.max_dsp.unwrap_or(there.dsps),
        }))
    }
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let device = args.device()?;
    let clock_ns = args.clock_ns.unwrap_or(device.clock_ns);
    let goal = args.goal(device)?;
    let Built { model, compiled, .. } =
        files::compiled(&args.model, &args.inputs, &Machine::portable(), shell)?;
    let graph = &compiled.integer;
    let wrong = |report: Report| match (&args.folding, report.diagnostics()) {
        (Some(path), [first, ..]) if first.code == Code::BadFolding => report.in_file(&files::name(path)),
        _ => explained(report, &files::name(&args.model), &model),
    };
    let design = dataflow::folded(graph, device, clock_ns, &goal).map_err(wrong)?;
    let front = dataflow::front(graph, device, clock_ns).map_err(wrong)?;
    let page = ("report.html".to_owned(), report::pipeline(&design, &front));
    let contents: Vec<(String, String)> = design.files(&front).into_iter().chain([page]).collect();
    let paths: Vec<PathBuf> = contents.iter().map(|(name, _)| args.output.join(name)).collect();
    let read = [&args.model].into_iter().chain(&args.folding);
    if let Some(problem) = files::overwritten(read, &paths) {
        return Ok(shell.wrong_usage(&problem));
    }
    for folder in [args.output.clone(), args.output.join(MEMORIES)] {
        files::create_folder(&folder)?;
    }
    let written: Vec<(PathBuf, Vec<u8>)> =
        paths.iter().cloned().zip(contents).map(|(path, (_, text))| (path, text.into_bytes())).collect();
    files::write(&written)?;
    let paths: Vec<String> = paths.iter().map(|path| files::name(path)).collect();
    let slowest = design.slowest();
    let result = json!({
        "stages": design.stages.len(),
        "max_cycles": slowest.cycles,
        "slowest": slowest.name,
        "fps": design.fps(),
        "resources": design.resources(),
        "files": paths,
    });
    shell.result(&result, || text(&design))?;
    let folder = files::name(&args.output);
    shell.status(&format!(
        "wrote {} files to {folder}, of which report.html shows what was chosen",
        paths.len()
    ));
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
    let used = design.resources();
    let there = Resources::of(design.target.device);
    let parts = used.parts().into_iter().zip(there.amounts()).filter(|((_, used), there)| used + there > 0);
    let parts: Vec<String> = parts.map(|((name, used), there)| format!("{used} of {there} {name}")).collect();
    text.push_str(&format!("{}\n", parts.join(", ")));
    text.push_str(&format!(
        "estimated {fps:.1} frames per second, limited by {} ({} cycles)\n",
        label(&slowest.name),
        slowest.cycles
    ));
    text
}
