//! The result of the example as text: a line for each figure, a column for each network.

use crate::compile::Program;

/// One network.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) samples: usize,
    pub(crate) float_accuracy: f64,
    pub(crate) quantized_accuracy: f64,
    pub(crate) program: Program,
}

/// A line's title and how it reads for one network.
type Figure<'a> = (&'a str, &'a dyn Fn(&Row) -> String);

pub(crate) fn render(rows: &[Row]) -> String {
    let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction);
    let figures: [Figure<'_>; 12] = [
        ("", &|row| row.name.to_owned()),
        ("accuracy, float network", &|row| percent(row.float_accuracy)),
        ("accuracy, quantized network", &|row| percent(row.quantized_accuracy)),
        ("accuracy, integer program", &|row| percent(row.program.accuracy)),
        ("test samples", &|row| row.samples.to_string()),
        ("mismatches with training", &|row| row.program.training_mismatches.to_string()),
        ("mismatches with exact reference", &|row| row.program.reference_mismatches.to_string()),
        ("certified channels", &|row| {
            let Program { certified_channels, requantized_channels, .. } = row.program;
            format!("{certified_channels} of {requantized_channels}")
        }),
        ("flash", &|row| format!("{} bytes", row.program.flash_bytes)),
        ("RAM", &|row| format!("{} bytes", row.program.ram_bytes)),
        ("dataflow", &|row| format!("{} cycles", row.program.dataflow_cycles)),
        ("dataflow, estimated", &|row| format!("{:.0} frames/s", row.program.dataflow_fps)),
    ];
    let line = |(name, figure): Figure<'_>| {
        let cells: String = rows.iter().map(|row| format!("{:>18}", figure(row))).collect();
        format!("{name:<32}{cells}\n")
    };
    figures.into_iter().map(line).collect()
}
