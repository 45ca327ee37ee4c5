//! `max-pool2d`: the largest code of each channel in a sliding window. Padding never wins.

use core::fmt;

use super::{OpBody, views};
use crate::error::OpFault;
use crate::kernels;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tensor::{Tensor, TensorId, Tensors};
use crate::program::window::Window2d;

/// `output[y][x][c]` is the largest `input[..][..][c]` among the taps inside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool2d {
    /// Height, width, channels of any element type.
    pub input: TensorId,
    /// Height, width, channels of the same element type.
    pub output: TensorId,
    /// Window, stride, dilation, padding.
    pub window: Window2d,
}

record! {
    /// The fields of `max-pool2d`.
    pub(crate) struct MaxPool2dRecord {
        pub(crate) window: Window2d = "Window, stride, dilation, padding.",
        pub(crate) reserved: u32 = "Zero.",
    }
}

impl OpBody<'_> for MaxPool2d {
    type Record = MaxPool2dRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &MaxPool2dRecord,
        _: Constants<'_>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self { input, output, window: record.window })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> MaxPool2dRecord {
        MaxPool2dRecord { window: self.window, reserved: 0 }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let [in_height, in_width, in_channels] = input.shape.image().ok_or(OpFault::InputShape)?;
        let [out_height, out_width, out_channels] = output.shape.image().ok_or(OpFault::OutputShape)?;
        let size = self.window.output([in_height, in_width]).ok_or(OpFault::Geometry)?;
        if size != [out_height, out_width] || in_channels != out_channels {
            return Err(OpFault::OutputShape);
        }
        if !self.window.always_meets([in_height, in_width], size) {
            return Err(OpFault::EmptyWindow);
        }
        if input.element != output.element {
            return Err(OpFault::Element);
        }
        if output.range.contains_range(input.range) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let (Some(in_shape), Some(out_shape)) = (input.shape.image(), output.shape.image()) else { return };
        if let Some((input, output)) = views(arena, input, output) {
            kernels::max_pool2d::max_pool2d(&self.window, in_shape, out_shape, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.window)
    }
}
