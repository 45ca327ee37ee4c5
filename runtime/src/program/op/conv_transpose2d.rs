//! `conv-transpose2d`: a two-dimensional transposed convolution over height, width, channels, then requantization.

use core::fmt::{self, Display as _};

use super::layer::{Layer, flag};
use super::{Bias, OpBody, Weights, views};
use crate::error::OpFault;
use crate::kernels;
use crate::num::Requant;
use crate::program::bounds;
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};
use crate::program::window::Window2d;

/// `output[y][x][o] = requant(bias[o] + sum weight[o][ky][kx][i] * (input[iy][ix][g + i] - zero_point))`.
///
/// The sum runs over the input channels of the group of `o` and over the taps for which `y + top - ky * dilation` is
/// `iy * stride` for a row `iy` of the input, and likewise for columns. The tensors state the output's height and width:
/// `(in - 1) * stride + (size - 1) * dilation + 1 - pads`, plus any number of further rows or columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d<'p> {
    /// Height, width, channels of 8- or 16-bit codes.
    pub input: TensorId,
    /// Height, width, channels.
    pub output: TensorId,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Window, and stride, dilation and padding of the convolution that this transposes.
    pub window: Window2d,
    /// Groups of channels; divides input and output channels.
    pub groups: u16,
    /// Element `(ky * width of the window + kx) * (input channels / groups) + i` of the filter of channel `o`, one
    /// filter after the other.
    pub weights: Weights<'p>,
    /// Starts the accumulators.
    pub bias: Bias<'p>,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
    /// Whether sums have 64 bits; then `requant` is not `None`.
    pub wide: bool,
}

record! {
    /// The fields of `conv-transpose2d`.
    pub(crate) struct ConvTranspose2dRecord {
        pub(crate) window: Window2d = "Window, stride, dilation, padding.",
        pub(crate) groups: u16 = "Groups of channels.",
        pub(crate) bias_element: u8 = "Element type of the biases, 0 if there are none.",
        pub(crate) weight_element: u8 = "Element type of the weights.",
        pub(crate) input_zero_point: i32 = "Code of the real value 0 in the input.",
        pub(crate) wide: u8 = "1 if sums have 64 bits, else 0.",
        pub(crate) reserved: [u8; 3] = "Zeros.",
        pub(crate) weights: ConstRef = "`i8` or `i16`, filter after filter.",
        pub(crate) bias: ConstRef = "`i16` or `i32`, one for each output channel.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> OpBody<'p> for ConvTranspose2d<'p> {
    type Record = ConvTranspose2dRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &ConvTranspose2dRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != [0; 3] {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            output,
            input_zero_point: record.input_zero_point,
            window: record.window,
            groups: record.groups,
            weights: Weights::decode(record.weight_element, record.weights, constants)?,
            bias: Bias::decode(record.bias_element, record.bias, constants)?,
            requant: record.requant.decode(constants)?,
            wide: flag(record.wide)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> ConvTranspose2dRecord {
        let (weight_element, weights) = self.weights.encode(constants);
        let (bias_element, bias) = self.bias.encode(constants);
        ConvTranspose2dRecord {
            window: self.window,
            groups: self.groups,
            bias_element,
            weight_element,
            input_zero_point: self.input_zero_point,
            wide: self.wide.into(),
            reserved: [0; 3],
            weights,
            bias,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let [in_height, in_width, in_channels] = input.shape.image().ok_or(OpFault::InputShape)?;
        let [out_height, out_width, out_channels] = output.shape.image().ok_or(OpFault::OutputShape)?;
        let groups = u32::from(self.groups);
        let group_channels = in_channels.checked_div(groups).ok_or(OpFault::Geometry)?;
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(OpFault::Geometry);
        }
        let [down, right] = self.window.axes();
        if !down.transposes(in_height, out_height).ok_or(OpFault::Geometry)?
            || !right.transposes(in_width, out_width).ok_or(OpFault::Geometry)?
        {
            return Err(OpFault::OutputShape);
        }
        let filter_elems = self.window.taps().checked_mul(group_channels).ok_or(OpFault::Geometry)? as usize;
        let channels = out_channels as usize;
        if filter_elems.checked_mul(channels) != Some(self.weights.len()) {
            return Err(OpFault::WeightCount);
        }
        // At some position any tap may be missing.
        let centered = bounds::centered(input, self.input_zero_point, true)?;
        let index = |o: usize, i: usize| o.wrapping_mul(filter_elems).wrapping_add(i);
        self.layer().verify(input, output, centered, channels, filter_elems, index)
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let (Some(in_shape), Some(out_shape)) = (input.shape.image(), output.shape.image()) else { return };
        if let Some((input, output)) = views(arena, input, output) {
            kernels::conv_transpose2d::conv_transpose2d(self, in_shape, out_shape, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.groups != 1 {
            write!(f, "groups {}, ", self.groups)?;
        }
        self.layer().fmt(f)
    }
}

impl ConvTranspose2d<'_> {
    const fn layer(&self) -> Layer<'_> {
        Layer { weights: self.weights, bias: self.bias, requant: self.requant.as_ref(), wide: self.wide }
    }
}
