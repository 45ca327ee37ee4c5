//! `exactum verify`: compares the program with the exact reference, or any two backends, element by element.

pub(super) mod layers;

use std::path::PathBuf;
use std::process::ExitCode;

use exactum_importer::comparison::{Comparison, Expected, compare};
use exactum_importer::diagnostic::Result;
use exactum_importer::reference::Reference;
use exactum_importer::trace::LayerComparison;
use layers::{Computed, Subject};
use serde::Serialize;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::samples;
use super::shell::Shell;
use super::summary::count;

/// Compare the compiled program with the exact reference of its model, and both with expected outputs.
///
/// Exit status 1 if program and reference differ anywhere, or what --against and --with name. Differences from the
/// expected outputs, which come from float arithmetic, are counted and do not change the status.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    #[command(flatten)]
    inputs: Inputs,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive of arrays with the names of inputs; the
    /// first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Expected real value of each output, in order: compared as codes where the output has a quantizer, else within
    /// 1e-5 of the largest magnitude in the sample. Softmax and other functions behind the last integers are applied.
    #[arg(long, value_name = "NPY")]
    expect: Vec<PathBuf>,
    /// Compare every intermediate value as well, and name the first layer that differs.
    #[arg(long)]
    layers: bool,
    /// Compare the intermediate values of two backends instead: exact (the reference), host (the program on this
    /// machine), float (the file, read in 32-bit floats), or an .npz archive of arrays that have the names of values,
    /// such as a board, Brevitas or an ONNX executor gave [default: exact].
    #[arg(long, value_name = "BACKEND", value_parser = Computed::parse, conflicts_with = "expect")]
    against: Option<Computed>,
    /// The other backend [default: host].
    #[arg(long, value_name = "BACKEND", value_parser = Computed::parse, conflicts_with = "expect")]
    with: Option<Computed>,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let wait = shell.waiting("compiling");
    let Built { compiled, container, .. } = files::compiled(&args.model, &args.inputs, shell)?;
    drop(wait);
    let interface = container.interface();
    let batch = samples::batch(&container, &args.input, shell)?;
    let expected = files::arrays(&args.expect)?;
    let expected = match expected.as_slice() {
        [] => None,
        arrays => {
            let expected = Expected::new(interface, arrays, batch.samples());
            Some(expected.map_err(|report| report.in_file(&files::names(&args.expect)))?)
        }
    };
    let reference = Reference::new(&compiled.quantized);
    let subject =
        Subject { compiled: &compiled, container: &container, reference: &reference, batch: &batch };
    let chosen = args.against.is_some() || args.with.is_some();
    let of_layers = || {
        let against = args.against.as_ref().unwrap_or(&Computed::Exact);
        subject.compare(against, args.with.as_ref().unwrap_or(&Computed::Host), shell)
    };
    if chosen {
        let layers = of_layers()?;
        shell.result(&layers, || layers::text(&layers, shell))?;
        return Ok(status(layers.differing() == 0));
    }
    let progress = shell.progress("comparing", batch.samples());
    let comparison = compare(&container, &reference, &batch, expected.as_ref(), || progress.step());
    drop(progress);
    let layers = args.layers.then(of_layers).transpose()?;
    let result = Verified { comparison, layers };
    shell.result(&result, || {
        let table = result.layers.as_ref().map(|layers| layers::text(layers, shell)).unwrap_or_default();
        text(&result.comparison, shell) + &table
    })?;
    let differing = result.layers.as_ref().map_or(0, LayerComparison::differing);
    Ok(status(result.comparison.mismatches == 0 && differing == 0))
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Verified {
    #[serde(flatten)]
    comparison: Comparison,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<LayerComparison>,
}

fn status(equal: bool) -> ExitCode {
    if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn text(comparison: &Comparison, shell: &Shell) -> String {
    let Comparison { samples, elements, mismatches, expected_mismatches, max_difference, first } = comparison;
    let compared = format!("sampled: {elements} elements of {}", count(*samples, "sample"));
    let mut text = match mismatches {
        0 => shell.green(&format!("{compared}: program equals exact reference")),
        _ => shell.red(&format!("{compared}: program differs from exact reference in {mismatches}")),
    };
    text.push('\n');
    if let Some(count) = expected_mismatches {
        text.push_str(&format!(
            "expected outputs differ from exact reference in {count} of {elements} elements\n"
        ));
    }
    if let Some(first) = first {
        let expected = match (first.expected, first.results) {
            (Some(expected), _) => format!(", expected {expected}"),
            (None, Some([own, expected])) => {
                format!(", of which the model gives {own:.7}, expected {expected:.7}")
            }
            (None, None) => String::new(),
        };
        text.push_str(&format!(
            "first at sample {}, output `{}` {:?}: reference {}, program {}{expected}; largest difference {max_difference}\n",
            first.sample, first.output, first.index, first.reference, first.runtime
        ));
    }
    text
}
