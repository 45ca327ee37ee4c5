//! Where the windows of `Conv` and `MaxPool` lie, from the attributes and their defaults in ONNX.

use super::{Applied, Result};

/// A window that slides over a channels-first image.
pub(super) struct Window {
    pub(super) size: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    /// Rows above and columns left of the image.
    before: [usize; 2],
    image: [usize; 2],
    /// Height and width of the result.
    pub(super) output: [usize; 2],
}

impl Window {
    /// Reads the window of a node on an image of height and width `image`.
    pub(super) fn read(applied: &Applied<'_>, image: [usize; 2], size: [usize; 2]) -> Result<Self> {
        let size = applied.sizes("kernel_shape", size)?;
        let strides = applied.sizes("strides", [1, 1])?;
        let dilations = applied.sizes("dilations", [1, 1])?;
        let explicit = applied.sizes("pads", [0; 4])?;
        let auto_pad = applied.string("auto_pad", "NOTSET")?;
        let (mut before, mut output) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let reach = (size[axis] - 1) * dilations[axis] + 1;
            let after;
            (before[axis], after) = match auto_pad.as_ref() {
                "NOTSET" => (explicit[axis], explicit[axis + 2]),
                "VALID" => (0, 0),
                same @ ("SAME_UPPER" | "SAME_LOWER") => {
                    let last_start = (image[axis].div_ceil(strides[axis]) - 1) * strides[axis];
                    let total = (last_start + reach).saturating_sub(image[axis]);
                    // The odd one goes after the image for UPPER, before it for LOWER.
                    let small = total / 2;
                    if same == "SAME_UPPER" { (small, total - small) } else { (total - small, small) }
                }
                other => return applied.fail(format!("auto_pad {other}")),
            };
            let Some(room) = (before[axis] + image[axis] + after).checked_sub(reach) else {
                return applied.fail("a window larger than the padded image");
            };
            output[axis] = room / strides[axis] + 1;
        }
        Ok(Self { size, strides, dilations, before, image, output })
    }

    /// Places in the window at result position `(row, column)` that lie on the image: `(tap row, tap column)` and the
    /// index of the pixel.
    pub(super) fn taps(&self, row: usize, column: usize) -> Vec<([usize; 2], usize)> {
        let along = |axis: usize, position: usize| {
            (0..self.size[axis]).filter_map(move |tap| {
                let padded = position * self.strides[axis] + tap * self.dilations[axis];
                let at = padded.checked_sub(self.before[axis])?;
                (at < self.image[axis]).then_some((tap, at))
            })
        };
        let columns: Vec<_> = along(1, column).collect();
        along(0, row)
            .flat_map(|(i, y)| columns.iter().map(move |(j, x)| ([i, *j], y * self.image[1] + x)))
            .collect()
    }
}
