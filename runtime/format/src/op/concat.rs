//! `concat`: the rows of several tensors one after the other.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::id::TensorId;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// Row `r` of the output is row `r` of `input`, then row `r` of each tensor of `rest`.
    Concat<'p> as ConcatRecord {
        operands {
            input = "The first tensor: integers of any element type, read as `rows` rows.",
            .. rest = "Numbers of the further tensors, of the same element type.",
        }
        results {
            output = "As many elements as all of them together, of the same element type.",
        }
        rows: u32 as u32 = "Rows; divides the number of elements of every tensor.",
    } reserved [u8; 4]
}

impl Checks<'_> for Concat<'_> {
    fn verify(
        &self,
        tensors: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        if self.rows == 0 {
            return Err(OpFault::Geometry);
        }
        let mut elems = 0u32;
        let mut take = |input: &Tensor| {
            if !input.shape.elems().is_multiple_of(self.rows) {
                return Err(OpFault::InputShape);
            }
            if input.element != output.element {
                return Err(OpFault::Element);
            }
            if !output.range.contains_range(input.range) {
                return Err(OpFault::OutputRange);
            }
            elems = elems.saturating_add(input.shape.elems());
            Ok(())
        };
        take(input)?;
        for id in self.rest {
            work.spend(1)?;
            let tensor = TensorId(*id);
            take(&tensors.get(tensor).ok_or(OpFault::NoTensor { tensor })?)?;
        }
        if elems == output.shape.elems() { Ok(()) } else { Err(OpFault::OutputShape) }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)
    }
}
