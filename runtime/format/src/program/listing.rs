//! Programs as text: one tensor, port or op per line.

use core::fmt;

use super::Program;
use crate::id::TensorId;
use crate::meaning::{After, Axes, Meaning, PortNumbers};
use crate::port::InputRule;
use crate::tensor::Role;

impl fmt::Display for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "program of {} bytes: {} ops, {} bytes of constants, arena of {} bytes",
            self.image.len(),
            self.op_count(),
            self.constant_bytes(),
            self.arena_bytes(),
        )?;
        for (index, tensor) in self.tensors().enumerate() {
            write!(f, "  {}: {tensor} ", TensorId(index as u16))?;
            let number = tensor.offset_bytes;
            match tensor.role {
                Role::Value | Role::Scratch => writeln!(f, "at {number}")?,
                Role::OutsideInput => writeln!(f, "outside, in the caller's input buffer {number}")?,
                Role::OutsideOutput => writeln!(f, "outside, in the caller's output buffer {number}")?,
            }
        }
        for (index, input) in self.inputs().enumerate() {
            write!(f, "  input {}", TensorId(index as u16))?;
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
            writeln!(f, "{}", About(&input.meaning))?;
        }
        for (index, state) in self.states().enumerate() {
            writeln!(f, "  state {} starts with {}", self.state_tensor(index), state.fill)?;
        }
        for (index, op) in self.ops().enumerate() {
            writeln!(f, "  {index}: {op}")?;
        }
        for output in self.outputs() {
            writeln!(f, "  output {}{}", output.tensor, About(&output.meaning))?;
        }
        Ok(())
    }
}

/// What integers stand for, behind the number of a tensor.
struct About<'a, 'p>(&'a Meaning<'p>);

impl fmt::Display for About<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Meaning { name, numbers, labels, after, axes, .. } = *self.0;
        if !name.is_empty() {
            write!(f, " {name:?}")?;
        }
        if let Some(PortNumbers { multipliers, offsets, unit, exact, .. }) = numbers {
            let about = if exact { "" } else { "about " };
            write!(f, ", {about}")?;
            match (multipliers, offsets) {
                ([1], []) => f.write_str("q")?,
                ([multiplier], []) => write!(f, "{multiplier} q")?,
                ([multiplier], [offset]) => write!(f, "({multiplier} q + {offset})")?,
                _ => {
                    write!(f, "(q and a line for each of {} channels)", multipliers.len().max(offsets.len()))?
                }
            }
            write!(f, " * {} * 2^{}", unit.mantissa, unit.exponent)?;
        }
        f.write_str(match after {
            After::Nothing => "",
            After::Softmax => ", then softmax",
            After::Sigmoid => ", then the logistic function",
            After::Other => ", then a function of the model",
        })?;
        if axes == Axes::ChannelsLast {
            f.write_str(", channels last")?;
        }
        if !labels.is_empty() {
            write!(f, ", {} labels", labels.iter().count())?;
        }
        Ok(())
    }
}
