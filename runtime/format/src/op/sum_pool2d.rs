//! `sum-pool2d`: the sum or the average of each channel in a sliding window, then requantization.

use core::fmt;

use exactum_num::codes::Element;
use exactum_num::{IntRange, Requant};

use super::declare::{Checks, op};
use crate::bounds;
use crate::error::OpFault;
use crate::layer::list_requant;
use crate::requant::RequantRecord;
use crate::tensor::{Tensor, Tensors};
use crate::window::{Axis, Window2d};
use crate::work::Work;

op! {
    /// `output[y][x][c] = requant(c, f * sum (input[..][..][c] - zero_point))`, the sum over the taps inside the image.
    ///
    /// If `unit` is 0 then `f` is 1. Else `f` is `unit` divided by the number of taps inside the image: accumulators are
    /// averages in units of `1 / unit`.
    SumPool2d<'p> as SumPool2dRecord {
        operands {
            input = "Height, width, channels of any element type.",
        }
        results {
            output = "Height, width, channels.",
        }
        window: Window2d as Window2d = "Window, stride, dilation, padding.",
        input_zero_point: i32 as i32 = "Code of the real value 0 in the input.",
        unit: u32 as u32 = "0 for sums; for averages a common multiple of the numbers of taps inside the image.",
        requant: Option<Requant<'p>> as RequantRecord = "From accumulators to codes.",
    } reserved [u8; 4]
}

impl SumPool2d<'_> {
    /// The accumulators for `centered` elements at every position, or `None` past 64 bits.
    ///
    /// # Errors
    ///
    /// A window of an average that lies in padding alone, or holds a number of taps that does not divide the unit.
    fn accumulators(
        &self,
        centered: IntRange,
        input: [u32; 2],
        output: [u32; 2],
        work: &mut Work,
    ) -> Result<Option<IntRange>, OpFault> {
        let [down, right] = self.window.axes();
        let ([height, width], [out_height, out_width]) = (input, output);
        let (mut fewest, mut most) = (u64::MAX, 0);
        work.spend(out_height as usize)?;
        for rows in counts(down, out_height, height) {
            work.spend(out_width as usize)?;
            for columns in counts(right, out_width, width) {
                let taps = u64::from(rows).saturating_mul(columns.into());
                (fewest, most) = (taps.min(fewest), taps.max(most));
                if self.unit != 0 && taps == 0 {
                    return Err(OpFault::EmptyWindow);
                }
                if self.unit != 0 && !u64::from(self.unit).is_multiple_of(taps) {
                    return Err(OpFault::Geometry);
                }
            }
        }
        if self.unit != 0 {
            return Ok(centered.checked_scale(self.unit.into()));
        }
        let sums = |taps: u64| centered.checked_scale(i64::try_from(taps).ok()?);
        Ok(sums(fewest).zip(sums(most)).map(|(few, many)| few.union(many)))
    }
}

/// The numbers of taps inside an axis of `limit` elements at its `positions` positions, without repeating the last.
fn counts(axis: Axis, positions: u32, limit: u32) -> impl Iterator<Item = u32> {
    let mut last = None;
    (0..positions).filter_map(move |position| {
        let taps = Some(axis.inside(position, limit).taps);
        let changed = taps != last;
        last = taps;
        taps.filter(|_| changed)
    })
}

impl Checks<'_> for SumPool2d<'_> {
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
        if self.requant.is_none() && output.element != Element::I32 {
            return Err(OpFault::Element);
        }
        let zero_point = IntRange::point(i64::from(self.input_zero_point).saturating_neg());
        let centered = input.range.checked_add(zero_point).ok_or(OpFault::Accumulator)?;
        let acc = self.accumulators(centered, [in_height, in_width], size, work)?;
        let acc = acc.filter(|acc| acc.signed_bits() <= i32::BITS);
        bounds::elementwise(self.requant.as_ref(), out_channels, 1, |_| acc, output, work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.unit != 0 {
            write!(f, "averages by {}, ", self.unit)?;
        }
        list_requant(f, self.requant.as_ref())
    }
}
