//! What convolutions of all kinds are told.

use exactum_format::{Bias, Window2d};

/// Height, width, channels.
pub type Image = [u32; 3];

/// A convolution: geometry, and what starts its sums.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// Window, stride, dilation, padding.
    pub window: &'a Window2d,
    /// Groups of channels.
    pub groups: u16,
    /// Shape of the input.
    pub input: Image,
    /// Shape of the output.
    pub output: Image,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Starts the accumulators.
    pub bias: Bias<'a>,
}

impl Conv<'_> {
    /// Input and output channels of one group; `None` without groups.
    pub(crate) fn group_channels(&self) -> Option<[usize; 2]> {
        let ([.., in_channels], [.., out_channels]) = (self.input, self.output);
        let of_group = |channels: u32| (channels as usize).checked_div(self.groups.into());
        Some([of_group(in_channels)?, of_group(out_channels)?])
    }

    /// Weights of one filter, for `in_group` input channels of a group.
    pub(crate) fn filter_elems(&self, in_group: usize) -> usize {
        (self.window.taps() as usize).wrapping_mul(in_group)
    }
}
