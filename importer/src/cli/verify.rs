//! `exactum verify`: compares the program with the exact reference, element by element.

use std::path::PathBuf;
use std::process::ExitCode;

use exactum_importer::comparison::{Comparison, Expected, compare};
use exactum_importer::diagnostic::Result;
use exactum_importer::reference::Reference;

use super::files::{self, Built};
use super::shell::Shell;
use super::summary::count;

/// Compare the compiled program with the exact reference of its model, and both with expected outputs.
///
/// Exit status 1 if program and reference differ anywhere. Differences from the expected outputs, which come from
/// float arithmetic, are counted and do not change the status.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// QONNX model.
    model: PathBuf,
    /// NumPy array for each input, in order; the first axis counts the samples.
    #[arg(long, required = true, value_name = "NPY")]
    input: Vec<PathBuf>,
    /// Expected real value of each output, in order: compared as codes where the output has a quantizer, else within
    /// 1e-5 of the largest magnitude in the sample.
    #[arg(long, value_name = "NPY")]
    expect: Vec<PathBuf>,
}

pub(super) fn run(args: &Args, shell: &Shell) -> Result<ExitCode> {
    let Built { compiled, container, .. } = files::compiled(&args.model)?;
    let interface = container.interface();
    let batch = files::batch(interface, &args.input)?;
    let expected = files::arrays(&args.expect)?;
    let expected = match expected.as_slice() {
        [] => None,
        arrays => {
            let expected = Expected::new(interface, arrays, batch.samples());
            Some(expected.map_err(|report| report.in_file(&files::names(&args.expect)))?)
        }
    };
    let reference = Reference::new(&compiled.quantized);
    let progress = shell.progress(batch.samples());
    let comparison = compare(&container, &reference, &batch, expected.as_ref(), || progress.inc(1));
    progress.finish_and_clear();
    shell.result(&comparison, || text(&comparison, shell))?;
    Ok(if comparison.mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
        let expected = first.expected.map(|expected| format!(", expected {expected}")).unwrap_or_default();
        text.push_str(&format!(
            "first at sample {}, output `{}` {:?}: reference {}, program {}{expected}; largest difference {max_difference}\n",
            first.sample, first.output, first.index, first.reference, first.runtime
        ));
    }
    text
}
