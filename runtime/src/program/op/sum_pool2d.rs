//! `sum-pool2d`: the sum or the average of each channel in a sliding window, then requantization.

use core::fmt;

use super::layer::list_requant;
use super::{OpBody, views};
use crate::codes::Element;
use crate::error::OpFault;
use crate::kernels;
use crate::num::{IntRange, Requant};
use crate::program::bounds;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};
use crate::program::window::{Axis, Window2d};

/// `output[y][x][c] = requant(c, f * sum (input[..][..][c] - zero_point))`, the sum over the taps inside the image.
///
/// If `unit` is 0 then `f` is 1. Else `f` is `unit` divided by the number of taps inside the image: accumulators are
/// averages in units of `1 / unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumPool2d<'p> {
    /// Height, width, channels of any element type.
    pub input: TensorId,
    /// Height, width, channels.
    pub output: TensorId,
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Window, stride, dilation, padding.
    pub window: Window2d,
    /// 0 for sums; for averages a common multiple of the numbers of taps inside the image.
    pub unit: u32,
    /// `None` stores the accumulators as `i32`.
    pub requant: Option<Requant<'p>>,
}

record! {
    /// The fields of `sum-pool2d`.
    pub(crate) struct SumPool2dRecord {
        pub(crate) window: Window2d = "Window, stride, dilation, padding.",
        pub(crate) input_zero_point: i32 = "Code of the real value 0 in the input.",
        pub(crate) unit: u32 = "0 for sums; for averages a common multiple of the numbers of taps.",
        pub(crate) reserved: u32 = "Zero.",
        pub(crate) requant: RequantRecord = "From accumulators to codes.",
    }
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
    ) -> Result<Option<IntRange>, OpFault> {
        let [down, right] = self.window.axes();
        let ([height, width], [out_height, out_width]) = (input, output);
        let (mut fewest, mut most) = (u64::MAX, 0);
        for rows in counts(down, out_height, height) {
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

impl<'p> OpBody<'p> for SumPool2d<'p> {
    type Record = SumPool2dRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &SumPool2dRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            output,
            input_zero_point: record.input_zero_point,
            window: record.window,
            unit: record.unit,
            requant: record.requant.decode(constants)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> SumPool2dRecord {
        SumPool2dRecord {
            window: self.window,
            input_zero_point: self.input_zero_point,
            unit: self.unit,
            reserved: 0,
            requant: RequantRecord::encode(self.requant.as_ref(), constants),
        }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
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
        let acc = self.accumulators(centered, [in_height, in_width], size)?;
        let acc = acc.filter(|acc| acc.signed_bits() <= i32::BITS);
        bounds::elementwise(self.requant.as_ref(), out_channels, |_| acc, output)
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let (Some(in_shape), Some(out_shape)) = (input.shape.image(), output.shape.image()) else { return };
        if let Some((input, output)) = views(arena, input, output) {
            kernels::sum_pool2d::sum_pool2d(self, in_shape, out_shape, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.window)?;
        if self.unit != 0 {
            write!(f, "averages by {}, ", self.unit)?;
        }
        list_requant(f, self.requant.as_ref())
    }
}
