//! Quantized tensors as text: their six parts.

use std::fmt;

use super::QuantTensor;

impl<const D: usize> fmt::Display for QuantTensor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "QuantTensor(value={},", self.value().to_data())?;
        writeln!(f, "  scale={},", Numbers(&self.scale()))?;
        writeln!(f, "  zero_point={},", Numbers(&self.zero_point()))?;
        writeln!(f, "  bit_width={:?},", self.bit_width())?;
        write!(f, "  signed={}, training={})", self.signed(), self.training())
    }
}

/// One number, or a list of them.
struct Numbers<'a>(&'a [f32]);

impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [one] => write!(f, "{one:?}"),
            many => write!(f, "{many:?}"),
        }
    }
}
