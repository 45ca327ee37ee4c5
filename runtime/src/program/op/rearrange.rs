//! `rearrange`: a change of layout. Axes reordered, sliced, reversed, repeated or padded.

use core::fmt;

use super::{OpBody, views};
use crate::error::OpFault;
use crate::kernels;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// The output at position `p` of `dims` is element `first + sum (p[k] - before[k]) * strides[k]` of the input if
/// `before[k] <= p[k] < before[k] + sizes[k]` for all `k`, else `fill`.
///
/// Channels first to channels last of `C` channels, `H` rows and `W` columns has `dims` and `sizes` of 1, 1, 1, `H`,
/// `W`, `C` and `strides` of 0, 0, 0, `W`, 1, `H * W`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rearrange {
    /// Integers of any element type.
    pub input: TensorId,
    /// Integers of the same element type, row-major in `dims` whatever its shape.
    pub output: TensorId,
    /// Dimensions, outermost first, 1 where not used; their product is the number of output elements.
    pub dims: [u32; 6],
    /// Elements of the input from one position to the next, for each dimension.
    pub strides: [i32; 6],
    /// Element of the input that the first position inside reads.
    pub first: u32,
    /// Positions of fill before those inside.
    pub before: [u32; 6],
    /// Positions inside; with `before` at most the dimension.
    pub sizes: [u32; 6],
    /// What positions that are not inside hold.
    pub fill: i32,
}

record! {
    /// The fields of `rearrange`.
    pub(crate) struct RearrangeRecord {
        pub(crate) dims: [u32; 6] = "Dimensions of the output, outermost first, 1 where not used.",
        pub(crate) strides: [i32; 6] = "Elements of the input from one position to the next.",
        pub(crate) before: [u32; 6] = "Positions of fill before those inside.",
        pub(crate) sizes: [u32; 6] = "Positions inside; with `before` at most the dimension.",
        pub(crate) first: u32 = "Element of the input that the first position inside reads.",
        pub(crate) fill: i32 = "What positions that are not inside hold.",
    }
}

impl Rearrange {
    /// The first and the last element of the input that are read, `None` if none is.
    ///
    /// # Errors
    ///
    /// The first lies before the input, or one of them past 64 bits.
    fn reads(&self) -> Result<Option<(u64, u64)>, OpFault> {
        if self.sizes.contains(&0) {
            return Ok(None);
        }
        let (mut lowest, mut highest) = (i64::from(self.first), i64::from(self.first));
        for (stride, size) in self.strides.iter().zip(self.sizes) {
            let steps = i64::from(size.saturating_sub(1));
            let reach = i64::from(*stride).checked_mul(steps).ok_or(OpFault::OutsideInput)?;
            let end = if reach < 0 { &mut lowest } else { &mut highest };
            *end = end.checked_add(reach).ok_or(OpFault::OutsideInput)?;
        }
        let ends = u64::try_from(lowest).ok().zip(u64::try_from(highest).ok());
        ends.ok_or(OpFault::OutsideInput).map(Some)
    }
}

impl OpBody<'_> for Rearrange {
    type Record = RearrangeRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &RearrangeRecord,
        _: Constants<'_>,
    ) -> Result<Self, OpFault> {
        Ok(Self {
            input,
            output,
            dims: record.dims,
            strides: record.strides,
            first: record.first,
            before: record.before,
            sizes: record.sizes,
            fill: record.fill,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> RearrangeRecord {
        RearrangeRecord {
            dims: self.dims,
            strides: self.strides,
            before: self.before,
            sizes: self.sizes,
            first: self.first,
            fill: self.fill,
        }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        if input.element != output.element {
            return Err(OpFault::Element);
        }
        let elems = self.dims.iter().try_fold(1u32, |elems, dim| elems.checked_mul(*dim));
        if elems != Some(output.shape.elems()) {
            return Err(OpFault::OutputShape);
        }
        let inside = self.before.iter().zip(self.sizes).map(|(before, size)| before.checked_add(size));
        if !inside.zip(self.dims).all(|(end, dim)| end.is_some_and(|end| end <= dim)) {
            return Err(OpFault::Geometry);
        }
        if let Some((_, last)) = self.reads()? {
            if last >= input.shape.elems().into() {
                return Err(OpFault::OutsideInput);
            }
            if !output.range.contains_range(input.range) {
                return Err(OpFault::OutputRange);
            }
        }
        let filled = self.sizes != self.dims;
        if filled && !output.range.contains(self.fill.into()) { Err(OpFault::OutputRange) } else { Ok(()) }
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        if let Some((input, output)) = views(arena, input, output) {
            kernels::rearrange::rearrange(self, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dims {:?} strides {:?} from {}", self.dims, self.strides, self.first)?;
        if self.sizes != self.dims {
            write!(f, ", sizes {:?} after {:?}, else {}", self.sizes, self.before, self.fill)?;
        }
        Ok(())
    }
}
