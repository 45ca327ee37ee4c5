//! Networks that nothing quantizes: one problem with the way out, in place of one for each layer.
//!
//! The command line asks it where a model cannot be compiled.

use exactum_qonnx::Model;

use crate::diagnostic::{Code, Diagnostic, Location, Report};
use crate::input_type;

/// What `report` says of `file`, which holds `model`: that the whole network is in floats, where that is why scales are
/// missing, else its problems, each node among its neighbours.
#[must_use]
pub fn explained(report: Report, file: &str, model: &Model) -> Report {
    let unscaled = report.diagnostics().iter().any(|problem| problem.code == Code::MissingScale);
    if unscaled && is_in_floats(model) {
        return Report::from(in_floats(file)).in_file(file);
    }
    report.in_model(file, model)
}

/// Whether nothing in `model` quantizes anything, but what `--input-type` put there.
fn is_in_floats(model: &Model) -> bool {
    // Operators by the parts of their names; chains with a rounding are quantizers written out.
    const QUANTIZED: [&str; 6] = ["quant", "integer", "qlinear", "multithreshold", "trunc", "round"];
    let quantizes = |node: &exactum_qonnx::Node| {
        let name = node.op_type.to_lowercase();
        !input_type::is_added(node) && QUANTIZED.iter().any(|part| name.contains(part))
    };
    !model.graph.nodes.iter().any(quantizes)
}

/// The one problem of a network in floats.
fn in_floats(file: &str) -> Diagnostic {
    let (found, needed) = ("no quantizer in the whole file", "a quantized network");
    let output = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    Diagnostic::new(Code::MissingScale, Location::part("graph"), found, needed).with_hint(format!(
        "this network is in floats; give it quantizers with samples of its inputs: `exactum-quantize {file} --calibration \
         samples.npy -o {output}-quantized.onnx`"
    ))
}
