//! What a tensor of the file holds: real numbers, or integers that stand for such.
//!
//! The graph computes with reals and with integers of its own. `lift` writes beside them what the file has in their
//! place, so that [`Interface`](crate::interface::Interface) and dumps speak the file's language.

use exactum_qonnx::ElemType;
use serde::{Deserialize, Serialize};

/// Element type of a tensor of the file; for integers also the reals that they stand for,
/// `(integer - zero_point) * scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TensorType {
    /// Element type.
    #[serde(with = "crate::exact::text::elem")]
    pub elem: ElemType,
    /// One scale, or one for each index along `axis`; none if the elements are the reals.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "crate::exact::text::floats")]
    pub scale: Vec<f32>,
    /// As many zero points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zero_point: Vec<i64>,
    /// Axis of the channels, if there is a scale for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axis: Option<usize>,
    /// Whether a program takes it with its channels, which the file has along axis 1, last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub channels_last: bool,
}

/// An output of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileOutput {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub tensor: TensorType,
}

impl Default for TensorType {
    fn default() -> Self {
        Self::reals(ElemType::F32)
    }
}

impl TensorType {
    /// Real numbers in elements of type `elem`.
    pub const fn reals(elem: ElemType) -> Self {
        Self { elem, scale: vec![], zero_point: vec![], axis: None, channels_last: false }
    }

    /// Whether the elements are integers.
    pub fn holds_integers(&self) -> bool {
        !self.scale.is_empty()
    }

    /// Scale and zero point of element `index` in a tensor of `shape`; `None` for reals.
    fn at(&self, shape: &[usize], index: usize) -> Option<(f64, i64)> {
        let axis = self.axis.unwrap_or(0);
        let inner: usize = shape.iter().skip(axis + 1).product();
        let channel = index / inner.max(1) % self.scale.len().max(1);
        Some((f64::from(*self.scale.get(channel)?), self.zero_point.get(channel).copied().unwrap_or(0)))
    }

    /// What the file holds for the real number `real` at element `index` of a tensor of `shape`: of integers the nearest
    /// one.
    pub fn of_real(&self, shape: &[usize], index: usize, real: f64) -> f64 {
        self.at(shape, index).map_or(real, |(scale, zero_point)| {
            // A quotient, added to an even number before it is rounded, would be rounded twice.
            (real / scale).round_ties_even() + zero_point as f64
        })
    }

    /// The real number of the element `number`.
    pub fn real(&self, shape: &[usize], index: usize, number: f64) -> f64 {
        self.at(shape, index).map_or(number, |(scale, zero_point)| (number - zero_point as f64) * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_become_each_other() {
        let channels = TensorType {
            elem: ElemType::U8,
            scale: vec![0.5, 0.037],
            zero_point: vec![3, 250],
            axis: Some(1),
            channels_last: false,
        };
        let shape = [1, 2, 3];
        for index in 0..6 {
            for code in 0..=255 {
                let real = channels.real(&shape, index, f64::from(code));
                assert_eq!(channels.of_real(&shape, index, real), f64::from(code));
            }
        }
        assert_eq!(channels.real(&shape, 2, 4.0), 0.5);
        assert_eq!(channels.real(&shape, 3, 251.0), f64::from(0.037f32));
        assert_eq!(TensorType::default().of_real(&shape, 0, 0.3), 0.3);
    }
}
