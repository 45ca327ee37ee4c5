//! `conv2d`: a two-dimensional convolution over height, width, channels, then requantization.

use core::fmt;

use super::{Bias, OpBody, views};
use crate::error::OpFault;
use crate::kernels;
use crate::num::Requant;
use crate::program::bounds;
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId};
use crate::program::window::Window2d;

/// `output[y][x][o] = requant(bias[o] + sum weight[o][ky][kx][i] * (input[..][..][g + i] - zero_point))`.
///
/// The sum runs over the taps inside the image and over the input channels of the group of `o`: a padded element
/// contributes 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d<'p> {
    /// Height, width, channels of 8- or 16-bit codes.
    pub input: TensorId,
    /// Height, width, channels.
    pub output: TensorId,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Window, stride, dilation, padding.
    pub window: Window2d,
    /// Groups of channels; divides input and output channels.
    pub groups: u16,
    /// In the order of [`Conv2d::weight_index`].
    pub weights: &'p [i8],
    /// Starts the accumulators.
    pub bias: Bias<'p>,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
}

impl Conv2d<'_> {
    /// Whether weights are stored for the depthwise kernel: as many groups as input and as output channels.
    pub const fn is_depthwise(groups: usize, in_channels: usize, out_channels: usize) -> bool {
        groups > 1 && groups == in_channels && groups == out_channels
    }

    /// Where the weight of output channel `o` and element `i` of its filter lies, for `filter_elems` elements per
    /// filter, counted height, width, input channel of the group: `o * filter_elems + i`, or for a depthwise
    /// convolution `i * out_channels + o`.
    pub const fn weight_index(
        depthwise: bool,
        out_channels: usize,
        filter_elems: usize,
        o: usize,
        i: usize,
    ) -> usize {
        if depthwise {
            i.wrapping_mul(out_channels).wrapping_add(o)
        } else {
            o.wrapping_mul(filter_elems).wrapping_add(i)
        }
    }
}

record! {
    /// The fields of `conv2d`.
    pub(crate) struct Conv2dRecord {
        pub(crate) window: Window2d = "Window, stride, dilation, padding.",
        pub(crate) groups: u16 = "Groups of channels.",
        pub(crate) bias_element: u8 = "Element type of the biases, 0 if there are none.",
        pub(crate) reserved: u8 = "Zero.",
        pub(crate) input_zero_point: i32 = "Code of the real value 0 in the input.",
        pub(crate) reserved2: u32 = "Zero.",
        pub(crate) weights: ConstRef = "`i8`, layout as stated under Weights.",
        pub(crate) bias: ConstRef = "`i16` or `i32`, one for each output channel.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
}

impl<'p> OpBody<'p> for Conv2d<'p> {
    type Record = Conv2dRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &Conv2dRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 || record.reserved2 != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            output,
            input_zero_point: record.input_zero_point,
            window: record.window,
            groups: record.groups,
            weights: constants.slice(record.weights)?,
            bias: Bias::decode(record.bias_element, record.bias, constants)?,
            requant: record.requant.decode(constants)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> Conv2dRecord {
        let weights = constants.put(self.weights);
        let (bias_element, bias) = self.bias.encode(constants);
        Conv2dRecord {
            window: self.window,
            groups: self.groups,
            bias_element,
            reserved: 0,
            input_zero_point: self.input_zero_point,
            reserved2: 0,
            weights,
            bias,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn verify(&self, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let [in_height, in_width, in_channels] = input.shape.image().ok_or(OpFault::InputShape)?;
        let [out_height, out_width, out_channels] = output.shape.image().ok_or(OpFault::OutputShape)?;
        let groups = u32::from(self.groups);
        let group_channels = in_channels.checked_div(groups).ok_or(OpFault::Geometry)?;
        if !in_channels.is_multiple_of(groups) || !out_channels.is_multiple_of(groups) {
            return Err(OpFault::Geometry);
        }
        if self.window.output([in_height, in_width]).ok_or(OpFault::Geometry)? != [out_height, out_width] {
            return Err(OpFault::OutputShape);
        }
        let filter_elems = self.window.taps().checked_mul(group_channels).ok_or(OpFault::Geometry)? as usize;
        let channels = out_channels as usize;
        if filter_elems.checked_mul(channels) != Some(self.weights.len()) {
            return Err(OpFault::WeightCount);
        }
        super::verify_accumulating(input, output, self.bias, self.requant.as_ref(), channels)?;
        let centered = bounds::centered(input, self.input_zero_point, self.window.is_padded())?;
        let depthwise = Self::is_depthwise(self.groups.into(), in_channels as usize, channels);
        for channel in 0..channels {
            let weights = (0..filter_elems).map(|element| {
                let index = Self::weight_index(depthwise, channels, filter_elems, channel, element);
                self.weights.get(index).copied().unwrap_or_default()
            });
            let acc = bounds::accumulator(weights, centered, self.bias.at(channel))?;
            bounds::stored(self.requant.as_ref(), channel, acc, output)?;
        }
        Ok(())
    }

    fn run(&self, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let (Some(in_shape), Some(out_shape)) = (input.shape.image(), output.shape.image()) else { return };
        if let Some((input, output)) = views(arena, input, output) {
            kernels::conv2d::conv2d(self, in_shape, out_shape, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.groups != 1 {
            write!(f, "groups {}, ", self.groups)?;
        }
        super::list_accumulating(f, self.weights, self.bias, self.requant.as_ref())
    }
}
