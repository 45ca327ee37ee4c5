//! `conv-transpose2d`: a two-dimensional transposed convolution over height, width, channels, then requantization.

use core::fmt;

use super::conv2d::filter_shape;
use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::layer::{Layer, LayerRecord};
use crate::packing::Reads;
use crate::patch::patch_bytes;
use crate::tensor::{Tensor, Tensors};
use crate::window::Window2d;
use crate::work::Work;

op! {
    /// `output[y][x][o] = requant(bias[o] + sum weight[o][ky][kx][i] * (input[iy][ix][g + i] - zero_point))`.
    ///
    /// The sum runs over the input channels of the group of `o` and over the taps for which `y + top - ky * dilation` is
    /// `iy * stride` for a row `iy` of the input, and likewise for columns. The tensors state the output's height and
    /// width: `(in - 1) * stride + (size - 1) * dilation + 1 - pads`, plus any number of further rows or columns.
    ConvTranspose2d<'p> as ConvTranspose2dRecord {
        operands {
            input = "Height, width, channels of 8- or 16-bit codes.",
        }
        results {
            output = "Height, width, channels.",
            scratch = "Bytes in which the codes of a window are gathered.",
        }
        window: Window2d as Window2d = "Window, and stride, dilation and padding of the convolution that this transposes.",
        layer: Layer<'p> as LayerRecord = "A filter for each output channel, counted height, width, input channel of the group, and what follows its products.",
        groups: u16 as u16 = "Groups of channels; divides input and output channels.",
    } reserved [u8; 2]
}

impl Checks<'_> for ConvTranspose2d<'_> {
    fn scratch_bytes(&self, input: &Tensor) -> u32 {
        let channels = input.shape.image().map_or(0, |[_, _, channels]| channels);
        // Products are added tap by tap.
        patch_bytes(channels.checked_div(self.groups.into()).unwrap_or_default() as usize)
    }

    fn verify(
        &self,
        _: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let [in_height, in_width, in_channels] = input.shape.image().ok_or(OpFault::InputShape)?;
        let [out_height, out_width, out_channels] = output.shape.image().ok_or(OpFault::OutputShape)?;
        let shape = filter_shape(&self.window, self.groups, in_channels, out_channels)?;
        let [down, right] = self.window.axes();
        if !down.transposes(in_height, out_height).ok_or(OpFault::Geometry)?
            || !right.transposes(in_width, out_width).ok_or(OpFault::Geometry)?
        {
            return Err(OpFault::OutputShape);
        }
        // At some position any tap may be missing.
        self.layer.verify(input, output, shape, Reads::Transposed, true, work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.groups != 1 {
            write!(f, "groups {}, ", self.groups)?;
        }
        write!(f, "{}", self.layer)
    }
}
