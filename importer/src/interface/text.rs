//! Inputs, outputs and their functions in words, for listings and reports.

use std::fmt;

use super::{Function, Port};
use crate::exact::Piece;

/// For listings: `softmax along axis 1`.
impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Softmax { axis } => write!(f, "softmax along axis {axis}"),
            Self::Curve(_) if self.codes().is_some() => f.write_str("quantizer"),
            Self::Curve(curve) => match curve.pieces() {
                [Piece::Sigmoid] => f.write_str("sigmoid"),
                [Piece::Tanh] => f.write_str("tanh"),
                [Piece::Clip { .. }] => f.write_str("clip"),
                _ => f.write_str("function of each element"),
            },
        }
    }
}

impl Port {
    /// `uint8 [batch, 8, 8]: codes uint8 in 0..=255, scale 0.5, zero point 3`: the type and shape in the file, the program's
    /// integers, and what the caller makes of these.
    pub fn sentence(&self) -> String {
        let sizes = self.sample_shape().iter().map(usize::to_string);
        let axes: Vec<String> = std::iter::once("batch".to_owned()).chain(sizes).collect();
        let scale = match self.scale.as_slice() {
            [scale] => format!("scale {scale:?}"),
            scales => format!("{} scales", scales.len()),
        };
        let kind = if self.holds_accumulators() { "accumulators" } else { "codes" };
        let offset = if self.offset.is_empty() { "" } else { " and a real offset" };
        let stored = match self.stored_less {
            0 => String::new(),
            less => format!(", stored as int16 less {less}"),
        };
        let of = if self.preprocessed { " of preprocessed floats" } else { "" };
        let functions: Vec<String> = self.functions.iter().map(ToString::to_string).collect();
        let functions = match functions.as_slice() {
            [] => String::new(),
            names => format!("; the caller computes {}", names.join(", then ")),
        };
        let file = match (self.differs_in_file(), self.tensor.scale.as_slice()) {
            (false, _) => String::new(),
            (true, [scale]) => {
                let (scale, zero_point) = (f64::from(*scale), self.tensor.zero_point[0]);
                format!("; in the file integers of scale {scale:?}, zero point {zero_point}")
            }
            (true, scales) => format!("; in the file integers of {} scales", scales.len()),
        };
        format!(
            "{} [{}]: {kind} {} in {}{of}{stored}, {scale}, zero point {}{offset}{functions}{file}",
            self.tensor.elem,
            axes.join(", "),
            self.int,
            self.range,
            self.zero_point
        )
    }
}
