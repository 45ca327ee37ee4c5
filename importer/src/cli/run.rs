//! `exactum run`: runs a model or a compiled program on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use exactum_importer::batch::{Batch, Host};
use exactum_importer::container::Container;
use exactum_importer::diagnostic::{Code, Diagnostic, Location, Result};
use exactum_importer::npy;
use serde_json::json;

use super::files;
use super::shell::Shell;
use super::summary::count;

/// Run a program on this machine, bit for bit as a device does.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Compiled program (.exa) or QONNX model, which is compiled first.
    file: PathBuf,
    /// NumPy array for each input, in order; the first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Where to write each output, in order.
    #[arg(long, required = true, value_name = "NPY")]
    output: Vec<PathBuf>,
    /// Write integers (int32) instead of dequantized values (float32).
    #[arg(long)]
    codes: bool,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let container = files::program(&args.file)?;
    let outputs = container.interface().outputs.len();
    if outputs != args.output.len() {
        let found = count(args.output.len(), "output file");
        let needed = format!("{outputs}, one for each output of the model");
        return Err(Diagnostic::new(Code::CannotWrite, Location::part("outputs"), found, needed).into());
    }
    let batch = files::batch(container.interface(), &args.input)?;
    let integers = run_all(&container, &batch, shell);
    let written: Vec<(PathBuf, Vec<u8>)> = container
        .interface()
        .outputs
        .iter()
        .zip(&integers)
        .zip(&args.output)
        .map(|((port, integers), path)| {
            let mut shape = vec![batch.samples()];
            shape.extend(port.sample_shape());
            let bytes = if args.codes {
                npy::write(&shape, integers)
            } else {
                let elems = port.elems();
                let values = integers.iter().enumerate();
                let real = values.map(|(index, integer)| port.dequantize(index % elems, i64::from(*integer)));
                npy::write(&shape, &real.collect::<Vec<f32>>())
            };
            (path.clone(), bytes)
        })
        .collect();
    files::write(&written)?;
    let paths: Vec<String> = args.output.iter().map(|path| files::name(path)).collect();
    shell.result(&json!({ "samples": batch.samples(), "outputs": paths }), String::new)?;
    shell.status(&format!("ran {}, wrote {}", count(batch.samples(), "sample"), paths.join(", ")));
    Ok(ExitCode::SUCCESS)
}

/// The integers of every output, sample after sample.
fn run_all(container: &Container, batch: &Batch, shell: &Shell) -> Vec<Vec<i32>> {
    let mut host = Host::new(container.program());
    let mut integers = vec![vec![]; container.interface().outputs.len()];
    let progress = shell.progress(batch.samples());
    for index in 0..batch.samples() {
        for (all, sample) in integers.iter_mut().zip(host.run(&batch.sample(index))) {
            all.extend(sample);
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    integers
}
