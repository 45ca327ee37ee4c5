//! `exactum verify`: compares the program with the exact reference, or any two backends, element by element.

pub(super) mod layers;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::comparison::{
    Agreement, Comparison, Expected, InputComparison, InputMismatch, Mismatch, Quality, compare,
    compare_windows, window_interface,
};
use crate::container::Container;
use crate::diagnostic::Result;
use crate::reference::Reference;
use crate::trace::LayerComparison;
use crate::{Compiled, Streamed};
use layers::{Computed, Subject};
use serde::Serialize;

use super::files::{self, Built};
use super::inputs::Inputs;
use super::samples;
use super::shell::Shell;
use super::summary::count;
use super::target::Goal;

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
    #[command(flatten)]
    goal: Goal,
    /// NumPy array for each input, in order or as NAME=NPY, or an .npz archive of arrays with the names of inputs; the
    /// first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Expected value of each output, in order, as the model gives it: integers are compared exactly, real values as
    /// codes where the output has a quantizer, else within 1e-5 of the largest magnitude in the sample. Softmax and
    /// other functions behind the last integers are applied.
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
    let others = !args.expect.is_empty() || args.layers || args.against.is_some() || args.with.is_some();
    if others && args.inputs.keeps() {
        return Ok(shell
            .wrong_usage("with --stream or --bind programs are compared with the exact reference alone: --input is all they take"));
    }
    let target = args.goal.target()?;
    let wait = shell.waiting("compiling");
    let Built { compiled, container, .. } = files::compiled(&args.model, &args.inputs, &target, shell)?;
    drop(wait);
    let interface = container.interface();
    if let Some(streamed) = &compiled.streamed {
        return windows(args, &compiled, &container, streamed, shell);
    }
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
    Ok(status(result.comparison.is_equal() && differing == 0))
}

/// The same for a program of steps: samples are windows.
fn windows(
    args: &Args,
    compiled: &Compiled,
    container: &Container,
    streamed: &Streamed,
    shell: &Shell,
) -> Result<ExitCode> {
    let interface = window_interface(container.interface(), streamed);
    let batch = samples::samples_of(&interface, &args.input)?;
    let progress = shell.progress("comparing", batch.samples());
    let step = Reference::new(&compiled.quantized);
    let comparison = compare_windows(container, &step, streamed, &batch, || progress.step());
    drop(progress);
    shell.result(&comparison, || text(&comparison, shell))?;
    Ok(status(comparison.is_equal()))
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
    let Comparison { samples, elements, mismatches, expected_mismatches, max_difference, first, .. } =
        comparison;
    let compared = format!("sampled: {elements} elements of {}", count(*samples, "sample"));
    let mut text = match mismatches {
        0 => shell.green(&format!("{compared}: program equals exact reference")),
        _ => shell.red(&format!("{compared}: program differs from exact reference in {mismatches}")),
    };
    if *mismatches > 0 {
        text.push_str(&format!("; largest difference {max_difference}"));
    }
    text.push('\n');
    if let Some(count) = expected_mismatches {
        text.push_str(&format!(
            "expected outputs differ from exact reference in {count} of {elements} elements\n"
        ));
    }
    text.extend(first.iter().map(|first| format!("first at {}\n", place(first))));
    text.extend(comparison.inputs.iter().map(|input| quantized(input, shell) + "\n"));
    if expected_mismatches.is_some_and(|count| count > 0) {
        text.extend(comparison.quality.iter().map(|quality| closeness(quality) + "\n"));
        text.push_str("where floats leave the exact values: verify with --layers --against float\n");
    }
    text
}

/// What the comparison of an input found, in one line.
fn quantized(compared: &InputComparison, shell: &Shell) -> String {
    let InputComparison { input, floats, mismatches, first } = compared;
    let at = format!("input `{input}`, {floats} floats at the ends of all codes");
    match first {
        None => shell.green(&format!("{at}: program equals exact reference")),
        Some(InputMismatch { channel, value, reference, program }) => shell.red(&format!(
            "{at}: program differs from exact reference in {mismatches}; first {value} in channel {channel}: reference \
             {reference}, program {program}"
        )),
    }
}

/// The first mismatch and what is there.
fn place(first: &Mismatch) -> String {
    let Mismatch { sample, output, index, reference, runtime, results, expected, from_tie } = first;
    let mut text =
        format!("sample {sample}, output `{output}` {index:?}: reference {reference}, program {runtime}");
    if let Some([own, number]) = results {
        text.push_str(&format!(", of which the model gives {}, expected {}", shown(*own), shown(*number)));
    }
    if let Some(code) = expected {
        text.push_str(&format!(", which is nearest to {code}"));
    }
    if let Some(distance) = from_tie {
        text.push_str(&format!("; the exact value is {} codes from the tie", shown(*distance)));
    }
    text
}

/// How close an output is to the expected one, in one line.
fn closeness(quality: &Quality) -> String {
    let Quality { output, elements, differing, max_error, mean_error, sqnr_db, argmax } = quality;
    let mut text = format!(
        "output `{output}`: {differing} of {elements} differ, largest error {}, mean error {}",
        shown(*max_error),
        shown(*mean_error)
    );
    if let Some(decibels) = sqnr_db {
        text.push_str(&format!(", SQNR {decibels:.1} dB"));
    }
    if let Some(Agreement { agree, of }) = argmax {
        text.push_str(&format!(", argmax agrees in {agree} of {of}"));
    }
    text
}

/// A number with as many digits as tell it apart.
fn shown(number: f64) -> String {
    let size = number.abs();
    match number {
        _ if number == number.round() && size < 1e15 => format!("{number}"),
        _ if (1e-3..1e6).contains(&size) => {
            let digits = format!("{number:.7}");
            digits.trim_end_matches('0').to_owned()
        }
        _ => format!("{number:.3e}"),
    }
}
