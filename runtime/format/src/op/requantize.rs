//! `requantize`: codes to codes, elementwise. Works in place where the element sizes agree.

use core::fmt;

use exactum_num::Requant;

use super::declare::{Checks, op};
use crate::bounds;
use crate::error::OpFault;
use crate::layer::list_requant;
use crate::requant::RequantRecord;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// `output[..][c] = requant(c, input[..][c])`, where `c` counts along the last axis.
    Requantize<'p> as RequantizeRecord {
        operands {
            input = "Codes of any element type.",
        }
        results {
            output = "As many codes of any element type.",
        }
        channels: u32 as u32 = "Codes of one row; divides the number of elements.",
        requant: Requant<'p> as RequantRecord = "From codes to codes, one form for all channels; `form` is not 0.",
    } reserved [u8; 4]
}

impl Checks<'_> for Requantize<'_> {
    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        input.element.size_bytes() == output.element.size_bytes()
    }

    fn verify(
        &self,
        _: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        if self.channels == 0 || !input.shape.elems().is_multiple_of(self.channels) {
            return Err(OpFault::InputShape);
        }
        if input.shape.elems() != output.shape.elems() {
            return Err(OpFault::OutputShape);
        }
        bounds::elementwise(Some(&self.requant), self.channels, 1, |_| Some(input.range), output, work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channels, ", self.channels)?;
        list_requant(f, Some(&self.requant))
    }
}
