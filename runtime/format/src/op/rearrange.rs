//! `rearrange`: a change of layout. Axes reordered, sliced, reversed, repeated or padded.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// The output at position `p` of `dims` is element `first + sum (p[k] - before[k]) * strides[k]` of the input if
    /// `before[k] <= p[k] < before[k] + sizes[k]` for all `k`, else `fill`.
    ///
    /// Channels first to channels last of `C` channels, `H` rows and `W` columns has `dims` and `sizes` of 1, 1, 1, `H`,
    /// `W`, `C` and `strides` of 0, 0, 0, `W`, 1, `H * W`.
    Rearrange as RearrangeRecord {
        operands {
            input = "Integers of any element type.",
        }
        results {
            output = "Integers of the same element type, row-major in `dims` whatever its shape.",
        }
        dims: [u32; 6] as [u32; 6] = "Dimensions of the output, outermost first, 1 where not used; their product is the number of output elements.",
        strides: [i32; 6] as [i32; 6] = "Elements of the input from one position to the next, for each dimension.",
        before: [u32; 6] as [u32; 6] = "Positions of fill before those inside.",
        sizes: [u32; 6] as [u32; 6] = "Positions inside; with `before` at most the dimension.",
        first: u32 as u32 = "Element of the input that the first position inside reads.",
        fill: i32 as i32 = "What positions that are not inside hold.",
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

impl Checks<'_> for Rearrange {
    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, _: &mut Work) -> Result<(), OpFault> {
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

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dims {:?} strides {:?} from {}", self.dims, self.strides, self.first)?;
        if self.sizes != self.dims {
            write!(f, ", sizes {:?} after {:?}, else {}", self.sizes, self.before, self.fill)?;
        }
        Ok(())
    }
}
