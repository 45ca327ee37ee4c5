//! Functions of each number between a layer and its quantizer.

use crate::generate::build::Builder;

/// Kinds of what is before a quantizer: see [`Builder::function`].
pub(super) const FUNCTIONS: usize = 9;
/// The kind whose results neither rise nor fall with its operands.
pub(super) const NEITHER_RISES_NOR_FALLS: usize = FUNCTIONS - 1;

impl Builder {
    /// A function of each number before a quantizer, of numbers up to `reach`; returns the new reach.
    pub(super) fn function(&mut self, kind: usize, reach: f64) -> f64 {
        match kind {
            0 => {}
            1 => self.push("Relu", &[], |node| node),
            2 => self.push("LeakyRelu", &[], |node| node.attr("alpha", 0.1f32)),
            3 => {
                let channels = self.shape[1];
                let slopes = (0..channels).map(|_| self.values.unit() as f32).collect();
                let slopes = self.floats("slope", &[channels, 1, 1], slopes);
                self.push("PRelu", &[slopes], |node| node);
            }
            4 => {
                let ends = [-0.3, 0.4].map(|part| self.floats("end", &[], vec![(part * reach) as f32]));
                self.push("Clip", &ends, |node| node);
                return reach * 0.4;
            }
            5 | 6 => {
                // The interesting part of these functions is near zero.
                let factor = self.floats("factor", &[], vec![(4.0 / reach) as f32]);
                self.push("Mul", &[factor], |node| node);
                self.push(if kind == 5 { "Sigmoid" } else { "Tanh" }, &[], |node| node);
                return 1.0;
            }
            7 => {
                self.push("HardSigmoid", &[], |node| node.attr("alpha", (1.0 / reach) as f32));
                return 1.0;
            }
            _ => self.push("Abs", &[], |node| node),
        }
        reach
    }
}
