//! The table of exactness, `docs/exactness.md`: what is proven about every fixture, and how the codes that float
//! executors computed for it compare. Written by the example `exactness`, compared by the suite of that name.

mod tflite;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use exactum_importer::Compiled;
use exactum_importer::graph::{Graph, Node, Type};
use exactum_runtime::num::IntRange;
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use serde_json::Value as Json;

use crate::case::index;
use crate::recorded::{Comparison, Reading, folder, of_outputs};

/// Groups of fixtures, and what executed them in float32.
const GROUPS: [(&str, &str); 2] =
    [("brevitas", "Brevitas files, executed by Brevitas"), ("standard", "Standard files, by onnxruntime")];

/// Where the table is in the repository.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/exactness.md")
}

/// A row of the table.
#[derive(Clone, Debug, Default)]
struct Row {
    layers: usize,
    /// Channels of each form.
    channels: BTreeMap<&'static str, usize>,
    multiplier_bits: u32,
    /// Bits of the widest accumulator by its bounds, and by the types of its operands.
    accumulator_bits: [u64; 2],
    compared: usize,
    differing: usize,
    largest: BigInt,
    tie: Option<f64>,
}

/// The table.
///
/// # Errors
/// If a fixture does not compile, or the codes of one whose scales are powers of two differ.
pub fn table() -> Result<String, String> {
    let mut text = String::from(
        "# Exactness\n\n\
         Written by `cargo run --release -p exactum-tests --example exactness`.\n\n\
         Each fixture is a file that other tools wrote, with the codes that they computed for it in float32. Its \
         program is\nproven to give the exact codes for every input; the float results are compared with these exact \
         codes, which is\n**sampled**. Columns: layers with weights; channels by the form of their requantization; \
         bits of the widest multiplier;\nbits of the widest accumulator by its bounds, and by the types of inputs and \
         weights alone; compared numbers; those\nthat differ; the largest difference in codes; the largest distance \
         of the exact value from a tie, in codes, among those\nthat differ, with that of the first quantizer that \
         differs where it is one inside. Where all scales are powers of two\n(**2^n**), no code differs. Numbers of \
         outputs without a quantizer are floats and count as different beyond 1e-5 of\nthe largest.\n",
    );
    let mut all = Row::default();
    for (group, title) in GROUPS {
        let mut total = Row::default();
        let _ = write!(
            text,
            "\n## {title}\n\n| fixture | layers | channels by form | multiplier | accumulator | by types | compared \
             | differ | by | from a tie |\n|---|---|---|---|---|---|---|---|---|---|\n"
        );
        for fixture in index(group)? {
            let name = fixture["name"].as_str().ok_or("a fixture without a name")?;
            let row = match row(group, name, &fixture) {
                Ok(row) => row,
                // What has no program is told with the code of its problem, and not hidden.
                Err(problem) if problem.starts_with('E') => {
                    let code = problem.split(' ').next().unwrap_or_default();
                    let _ = writeln!(text, "| {name} | refused: {code} | | | | | | | | |");
                    continue;
                }
                Err(problem) => return Err(format!("{group}::{name}: {problem}")),
            };
            let power_of_two = fixture["power_of_two"] == true;
            if power_of_two && row.differing > 0 {
                return Err(format!("{group}::{name}: codes differ although all scales are powers of two"));
            }
            let mark = if power_of_two { " **2^n**" } else { "" };
            row.write(&mut text, &format!("{name}{mark}"), inside(&fixture).as_deref());
            total.add(&row);
        }
        total.write(&mut text, "**all**", None);
        all.add(&total);
    }
    tflite::write(&mut text, &mut all)?;
    let _ = write!(
        text,
        "\nIn all {} layers, {} channels; of {} compared numbers {} differ.\n",
        all.layers,
        all.channels.values().sum::<usize>(),
        all.compared,
        all.differing
    );
    Ok(text)
}

/// The first quantizer inside a fixture that differs, if it is recorded.
fn inside(fixture: &Json) -> Option<String> {
    let first = of_outputs(fixture).into_iter().find_map(|about| about["first_difference"].as_object())?;
    let distance = first["tie_distance"].as_f64()?;
    Some(format!("inside {distance:.1e}"))
}

fn row(group: &str, name: &str, fixture: &Json) -> Result<Row, String> {
    let folder = folder(group, name);
    let reading = Reading::new(&folder)?;
    let compiled = exactum_importer::compile(&reading.model).map_err(|report| report.to_string())?;
    let mut row = proven(&compiled);
    for (at, about) in of_outputs(fixture).into_iter().enumerate() {
        row.compare(&reading.compare(&folder, about, at)?);
    }
    Ok(row)
}

/// What is proven about a compiled model.
fn proven(compiled: &Compiled) -> Row {
    let mut row = Row::default();
    for proof in &compiled.proofs {
        let certificate = &proof.certificate;
        *row.channels.entry(certificate.form).or_default() += certificate.channels.len();
        row.multiplier_bits = row.multiplier_bits.max(certificate.multiplier_bits);
    }
    let graph = &compiled.integer;
    for node in &graph.nodes {
        if let Some((bounds, by_types)) = accumulators(graph, node) {
            row.layers += 1;
            let tight = bounds.iter().map(|range| bits(range.lo.into(), range.hi.into())).max().unwrap_or(0);
            row.accumulator_bits[0] = row.accumulator_bits[0].max(tight);
            row.accumulator_bits[1] = row.accumulator_bits[1].max(by_types);
        }
    }
    row
}

/// The bounds of a layer's accumulators, and the bits that the types of its operands alone would call for.
fn accumulators<'g>(graph: &'g Graph, node: &Node) -> Option<(&'g [IntRange], u64)> {
    let Type::Accumulators { bounds, .. } = &graph.value(node.output).ty else { return None };
    let (x, weight) = (graph.value(*node.inputs.first()?), graph.value(*node.inputs.get(1)?));
    weight.constant.as_ref()?;
    let (input, weights) = (x.codes()?, weight.codes()?);
    let reach = |range: IntRange, zero_point: i64| {
        let magnitude = |code: i64| u128::from((code - zero_point).unsigned_abs());
        magnitude(range.lo).max(magnitude(range.hi))
    };
    // Outputs are the first axis of weights.
    let terms: usize = weight.shape.iter().skip(1).product();
    let largest = reach(input.int.range(), input.zero_point) * reach(weights.int.range(), 0) * terms as u128;
    let largest = i128::try_from(largest).ok()?;
    Some((bounds, bits(-largest, largest)))
}

/// Bits of the smallest signed type that holds `lo..=hi`.
fn bits(lo: i128, hi: i128) -> u64 {
    let magnitude = |end: i128| if end < 0 { -(end + 1) } else { end };
    u64::from(129 - magnitude(lo).max(magnitude(hi)).leading_zeros())
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.layers += other.layers;
        for (form, channels) in &other.channels {
            *self.channels.entry(form).or_default() += channels;
        }
        self.multiplier_bits = self.multiplier_bits.max(other.multiplier_bits);
        for (own, others) in self.accumulator_bits.iter_mut().zip(other.accumulator_bits) {
            *own = (*own).max(others);
        }
        self.compared += other.compared;
        self.differing += other.differing;
        self.largest = std::mem::take(&mut self.largest).max(other.largest.clone());
        self.tie = [self.tie, other.tie].into_iter().flatten().reduce(f64::max);
    }

    /// Adds what a comparison counts.
    fn compare(&mut self, found: &Comparison) {
        self.compared += found.compared;
        self.differing += found.differing;
        self.largest = std::mem::take(&mut self.largest).max(found.largest.clone());
        let tie = found.tie_distance.as_ref().and_then(ToPrimitive::to_f64);
        self.tie = [self.tie, tie].into_iter().flatten().reduce(f64::max);
    }

    /// Channels of each form, as text.
    fn forms(&self) -> String {
        let forms: Vec<String> =
            self.channels.iter().map(|(form, channels)| format!("{form} {channels}")).collect();
        forms.join(", ")
    }

    fn write(&self, text: &mut String, name: &str, inside: Option<&str>) {
        let tie = self.tie.map(|distance| format!("{distance:.1e}"));
        let ties: Vec<&str> = tie.as_deref().into_iter().chain(inside).collect();
        let [tight, by_types] = self.accumulator_bits;
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {tight} | {by_types} | {} | {} | {} | {} |",
            self.layers,
            self.forms(),
            self.multiplier_bits,
            self.compared,
            self.differing,
            self.largest,
            ties.join(", ")
        );
    }
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn bits_of_signed_types() {
        assert_eq!([bits(0, 0), bits(-1, 0), bits(0, 1), bits(-128, 127), bits(-129, 0)], [1, 1, 2, 8, 9]);
        assert_eq!(bits(-128, 128), 9);
    }
}
