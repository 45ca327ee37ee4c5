//! The table of layers and, with labels, the accuracy.

use std::fmt::Write;

use exactum_training::float::LayerSummary;

/// Fractions of samples classified correctly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accuracy {
    /// By the float network.
    pub(crate) float: f64,
    /// By the quantized network, exactly as integers.
    pub(crate) quantized: f64,
}

/// The table as text.
pub(crate) fn render(layers: &[LayerSummary], accuracy: Option<Accuracy>) -> String {
    let header = ["layer", "kind", "codes", "scale", "saturated"].map(str::to_owned);
    let rows: Vec<[String; 5]> = std::iter::once(header).chain(layers.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", cells.join("  ").trim_end());
    }
    if let Some(Accuracy { float, quantized }) = accuracy {
        let change = 100.0 * (quantized - float);
        let _ = writeln!(
            text,
            "accuracy: {:.2} % float, {:.2} % quantized, {change:+.2} points",
            100.0 * float,
            100.0 * quantized
        );
    }
    text
}

fn row(layer: &LayerSummary) -> [String; 5] {
    let sign = if layer.signed { "int" } else { "uint" };
    let least = layer.scales.iter().copied().fold(f32::INFINITY, f32::min);
    let largest = layer.scales.iter().copied().fold(0.0, f32::max);
    let scale = match layer.scales.len() {
        1 => format!("{least:.4e}"),
        channels => format!("{least:.4e} to {largest:.4e} ({channels} channels)"),
    };
    let saturation =
        layer.saturation.map_or_else(|| "-".to_owned(), |fraction| format!("{:.3} %", 100.0 * fraction));
    [layer.name.clone(), layer.kind.clone(), format!("{sign}{}", layer.bits), scale, saturation]
}
