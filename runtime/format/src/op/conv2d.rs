//! `conv2d`: a two-dimensional convolution over height, width, channels, then requantization.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::layer::{Layer, LayerRecord};
use crate::packing::{FilterShape, Packing, Reads, is_depthwise};
use crate::patch::{pair_bytes, patch_bytes, tile_bytes};
use crate::tensor::{Tensor, Tensors};
use crate::window::Window2d;
use crate::work::Work;

op! {
    /// `output[y][x][o] = requant(bias[o] + sum weight[o][ky][kx][i] * (input[..][..][g + i] - zero_point))`.
    ///
    /// The sum runs over the taps inside the image and over the input channels of the group of `o`: a padded element
    /// contributes 0.
    Conv2d<'p> as Conv2dRecord {
        operands {
            input = "Height, width, channels of 8- or 16-bit codes.",
        }
        results {
            output = "Height, width, channels.",
            scratch = "Bytes in which the codes of a window are gathered.",
        }
        window: Window2d as Window2d = "Window, stride, dilation, padding.",
        layer: Layer<'p> as LayerRecord = "A filter for each output channel, counted height, width, input channel of the group, and what follows its products.",
        groups: u16 as u16 = "Groups of channels; divides input and output channels.",
    } reserved [u8; 2]
}

/// The shape of a convolution's filters.
///
/// # Errors
///
/// The groups do not divide the channels, or there are too many weights.
pub(super) fn filter_shape(
    window: &Window2d,
    groups: u16,
    in_channels: u32,
    out_channels: u32,
) -> Result<FilterShape, OpFault> {
    let groups = u32::from(groups);
    let group_channels = in_channels.checked_div(groups).ok_or(OpFault::Geometry)?;
    if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
        return Err(OpFault::Geometry);
    }
    let elems = window.taps().checked_mul(group_channels).ok_or(OpFault::Geometry)? as usize;
    Ok(FilterShape { filters: out_channels as usize, elems })
}

/// Codes of a window of one group of the channels of `input`.
fn window_elems(window: &Window2d, groups: u16, input: &Tensor) -> usize {
    let channels = input.shape.image().map_or(0, |[_, _, channels]| channels);
    let channels = channels.checked_div(groups.into()).unwrap_or_default();
    window.taps().saturating_mul(channels) as usize
}

/// The filters of a convolution read those of one group, or of a channel.
fn reads(window: &Window2d, groups: u16, in_channels: u32, out_channels: u32) -> Reads {
    let Window2d { size, stride, dilation, .. } = window;
    if is_depthwise(groups.into(), in_channels as usize, out_channels as usize) {
        Reads::Depthwise
    } else if groups != 1 {
        Reads::Grouped
    } else if [size, stride, dilation] == [&[3; 2], &[1; 2], &[1; 2]] {
        Reads::Tiles
    } else {
        Reads::Shared
    }
}

impl Checks<'_> for Conv2d<'_> {
    fn scratch_bytes(&self, input: &Tensor) -> u32 {
        match self.layer.weights.packing {
            Packing::RowMajor | Packing::Nibbles => {
                patch_bytes(window_elems(&self.window, self.groups, input))
            }
            // Sums are taken tap by tap, from the input itself.
            Packing::TapMajor | Packing::TapBlocks => 0,
            Packing::FilterPairs => pair_bytes(window_elems(&self.window, self.groups, input), 2),
            Packing::FilterQuads => pair_bytes(window_elems(&self.window, self.groups, input), 1),
            Packing::Winograd => tile_bytes(input.shape.image().map_or(0, |[.., channels]| channels)),
        }
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
        if self.window.output([in_height, in_width]).ok_or(OpFault::Geometry)? != [out_height, out_width] {
            return Err(OpFault::OutputShape);
        }
        let reads = reads(&self.window, self.groups, in_channels, out_channels);
        self.layer.verify(input, output, shape, reads, self.window.is_padded(), work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.groups != 1 {
            write!(f, "groups {}, ", self.groups)?;
        }
        write!(f, "{}", self.layer)
    }
}
