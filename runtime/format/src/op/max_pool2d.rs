//! `max-pool2d`: the largest code of each channel in a sliding window. Padding never wins.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::tensor::{Tensor, Tensors};
use crate::window::Window2d;
use crate::work::Work;

op! {
    /// `output[y][x][c]` is the largest `input[..][..][c]` among the taps inside the image.
    MaxPool2d as MaxPool2dRecord {
        operands {
            input = "Height, width, channels of any element type.",
        }
        results {
            output = "Height, width, channels of the same element type.",
        }
        window: Window2d as Window2d = "Window, stride, dilation, padding.",
    } reserved [u8; 4]
}

impl Checks<'_> for MaxPool2d {
    fn verify(
        &self,
        _: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let [in_height, in_width, in_channels] = input.shape.image().ok_or(OpFault::InputShape)?;
        let [out_height, out_width, out_channels] = output.shape.image().ok_or(OpFault::OutputShape)?;
        let size = self.window.output([in_height, in_width]).ok_or(OpFault::Geometry)?;
        if size != [out_height, out_width] || in_channels != out_channels {
            return Err(OpFault::OutputShape);
        }
        work.spend(out_height.saturating_add(out_width) as usize)?;
        if !self.window.always_meets([in_height, in_width], size) {
            return Err(OpFault::EmptyWindow);
        }
        if input.element != output.element {
            return Err(OpFault::Element);
        }
        if output.range.contains_range(input.range) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.window)
    }
}
