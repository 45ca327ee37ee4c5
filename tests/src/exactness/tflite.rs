//! The part of the table on TensorFlow Lite files that tf2onnx converted: their exact codes beside those of onnxruntime
//! and those of TensorFlow Lite itself. Called by the table.

use std::fmt::Write;

use num_rational::BigRational;

use super::{Row, proven};
use crate::case::array;
use crate::field::{self, Fixture};
use crate::recorded::{Comparison, Reading, dequantizer};

/// The files that hold what an executor computed, and how the table calls it.
const EXECUTORS: [(&str, &str); 3] =
    [("output", "onnxruntime"), ("lite", "TensorFlow Lite"), ("kernels", "its reference kernels")];
const KIND: &str = "tflite::";

/// What the title says.
const ABOUT: &str = "\n## TensorFlow Lite files, by onnxruntime and by TensorFlow Lite\n\n\
     Keras networks, quantized by TensorFlow Lite after training and converted by tf2onnx. Their exact codes are compared \
     with\nwhat onnxruntime computes for the converted file, with what the interpreter of TensorFlow Lite computes for the \
     file before\nthat, as it comes, with XNNPACK, and with what its reference kernels compute. The arithmetic of \
     TensorFlow Lite is another one\nthan that of its scales: multipliers have 31 bits, some operators round twice and \
     some take functions from tables, so its\ncodes are no rounding errors of the exact ones; a difference in a layer \
     goes on through those behind it.\n\n";

/// A row and what is counted against each executor.
#[derive(Default)]
struct Lite {
    proven: Row,
    compared: [Row; EXECUTORS.len()],
}

/// Writes the part, and adds what is proven and what onnxruntime computes to `all`.
pub(super) fn write(text: &mut String, all: &mut Row) -> Result<(), String> {
    text.push_str(ABOUT);
    text.push_str("| fixture | layers | channels by form | multiplier | accumulator | by types | compared |");
    for (_, executor) in EXECUTORS {
        let _ = write!(text, " {executor}: differ | by |");
    }
    let _ = writeln!(text, "\n|{}", "---|".repeat(7 + 2 * EXECUTORS.len()));
    let mut total = Lite::default();
    for fixture in field::all()? {
        let Some(name) = fixture.name.strip_prefix(KIND) else { continue };
        if let Some(code) = &fixture.refused {
            let _ = writeln!(text, "| {name} | refused: {code} {}|", "| ".repeat(5 + 2 * EXECUTORS.len()));
            continue;
        }
        let row = Lite::new(&fixture).map_err(|problem| format!("{}: {problem}", fixture.name))?;
        row.write(text, name);
        total.add(&row);
    }
    total.write(text, "**all**");
    all.add(&total.proven);
    all.add(&total.compared[0]);
    Ok(())
}

impl Lite {
    fn new(fixture: &Fixture) -> Result<Self, String> {
        let source = fixture.source()?;
        let compiled = exactum_importer::compile(&source.model).map_err(|report| report.to_string())?;
        let reading = Reading::of(source)?;
        let mut compared = <[Row; EXECUTORS.len()]>::default();
        for ((stem, _), row) in EXECUTORS.iter().zip(&mut compared) {
            for index in 0..reading.model.graph.outputs.len() {
                let recorded = array(&fixture.folder.join(format!("{stem}_{index}.npy")))?.values;
                row.compare(&beside(&reading, &recorded, index)?);
            }
        }
        Ok(Self { proven: proven(&compiled), compared })
    }

    fn add(&mut self, other: &Self) {
        self.proven.add(&other.proven);
        for (own, others) in self.compared.iter_mut().zip(&other.compared) {
            own.add(others);
        }
    }

    fn write(&self, text: &mut String, name: &str) {
        let Row { layers, multiplier_bits, accumulator_bits: [tight, by_types], .. } = &self.proven;
        let forms = self.proven.forms();
        let _ = write!(
            text,
            "| {name} | {layers} | {forms} | {multiplier_bits} | {tight} | {by_types} | {} |",
            self.compared[0].compared
        );
        for Row { differing, largest, .. } in &self.compared {
            let _ = write!(text, " {differing} | {largest} |");
        }
        text.push('\n');
    }
}

/// The numbers of an output beside the exact ones, as codes where they are reals that codes stand for.
fn beside(reading: &Reading, recorded: &[f64], index: usize) -> Result<Comparison, String> {
    let graph = &reading.model.graph;
    let reals = reading.outputs.iter().all(|outputs| !outputs[index].is_integer());
    let skipped = reading.outputs.iter().any(|outputs| outputs[index].skipped.is_some());
    match dequantizer(graph, &graph.outputs[index].name).filter(|_| reals && !skipped) {
        Some(scale) => {
            let step = num_traits::ToPrimitive::to_f64(&scale).unwrap_or(1.0);
            let codes: Vec<f64> = recorded.iter().map(|real| (real / step).round()).collect();
            reading.against(&codes, Some((scale, 0)), index)
        }
        None => reading.against(recorded, None::<(BigRational, i64)>, index),
    }
}
