//! What convolutions of all kinds are told.

use exactum_format::{Bias, Window2d};

/// Height, width, channels.
pub type Image = [u32; 3];

/// Positions of an output image, which a kernel computes one after the other: whole rows, or places within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// The first row, and the one behind the last.
    pub rows: [u32; 2],
    /// The first column of each row, and the one behind the last.
    pub columns: [u32; 2],
}

impl Area {
    /// All positions of `image`.
    pub const fn of([height, width, _]: Image) -> Self {
        Self { rows: [0, height], columns: [0, width] }
    }

    /// The rows.
    pub(crate) const fn rows(&self) -> core::ops::Range<u32> {
        self.rows[0]..self.rows[1]
    }

    /// The columns of each row.
    pub(crate) const fn columns(&self) -> core::ops::Range<u32> {
        self.columns[0]..self.columns[1]
    }
}

/// A convolution: geometry, and what starts its sums.
#[derive(Clone, Copy, Debug)]
pub struct Conv<'a> {
    /// Window, stride, dilation, padding.
    pub window: &'a Window2d,
    /// Groups of channels.
    pub groups: u16,
    /// Shape of the input.
    pub input: Image,
    /// Output channels.
    pub out_channels: u32,
    /// Positions of the output to compute.
    pub area: Area,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Starts the accumulators.
    pub bias: Bias<'a>,
}

impl Conv<'_> {
    /// Input and output channels of one group; `None` without groups.
    pub(crate) fn group_channels(&self) -> Option<[usize; 2]> {
        let ([.., in_channels], out_channels) = (self.input, self.out_channels);
        let of_group = |channels: u32| (channels as usize).checked_div(self.groups.into());
        Some([of_group(in_channels)?, of_group(out_channels)?])
    }

    /// Weights of one filter, for `in_group` input channels of a group.
    pub(crate) fn filter_elems(&self, in_group: usize) -> usize {
        (self.window.taps() as usize).wrapping_mul(in_group)
    }
}
