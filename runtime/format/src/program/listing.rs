//! Programs as text: one tensor, port or op per line.

use core::fmt;

use super::Program;
use crate::id::TensorId;
use crate::port::InputRule;

impl fmt::Display for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "program of {} bytes: {} ops, {} bytes of constants, arena of {} bytes",
            self.image.len(),
            self.op_count,
            self.constant_bytes(),
            self.arena_bytes,
        )?;
        for (index, tensor) in self.tensors().enumerate() {
            writeln!(f, "  {}: {tensor} at {}", TensorId(index as u16), tensor.offset_bytes)?;
        }
        for input in self.inputs() {
            write!(f, "  input {}", input.tensor)?;
            match input.quantizer {
                None => {}
                Some(InputRule::Uniform { scale, zero_point, ties_to_odd }) => {
                    let ties = if ties_to_odd { ", ties to odd" } else { "" };
                    write!(f, " scale {scale:e} zero point {zero_point}{ties}")?;
                }
                Some(InputRule::Thresholds { thresholds, channels, inner, falling, nan }) => {
                    let direction = if falling { "falling" } else { "rising" };
                    write!(f, " {} thresholds, {channels} channels by {inner}, ", thresholds.len())?;
                    write!(f, "{direction}, NaN {nan}")?;
                }
            }
            writeln!(f)?;
        }
        for (index, op) in self.ops().enumerate() {
            writeln!(f, "  {index}: {op}")?;
        }
        for output in self.outputs() {
            writeln!(f, "  output {}", output.tensor)?;
        }
        Ok(())
    }
}
