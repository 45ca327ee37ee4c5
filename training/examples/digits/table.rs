//! The result of the example as text.

use std::path::PathBuf;

/// One network.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) samples: usize,
    pub(crate) float_accuracy: f64,
    pub(crate) quantized_accuracy: f64,
    pub(crate) qonnx: PathBuf,
}

pub(crate) fn render(rows: &[Row]) -> String {
    let mut text =
        format!("{:<12} {:>7} {:>8} {:>10}  {}\n", "network", "samples", "float", "quantized", "QONNX");
    for row in rows {
        text += &format!(
            "{:<12} {:>7} {:>6.2} % {:>8.2} %  {}\n",
            row.name,
            row.samples,
            100.0 * row.float_accuracy,
            100.0 * row.quantized_accuracy,
            row.qonnx.display()
        );
    }
    text
}
