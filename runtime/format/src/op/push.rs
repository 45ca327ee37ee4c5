//! `push`: rows move to the front of a state, and new ones take the places at its end.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// The state loses as many elements at its front as `input` has, and gets those of `input` at its end: a window over the
    /// last rows of a signal. With as many elements as the state, `input` replaces it.
    Push as PushRecord {
        operands {
            input = "Integers of the element type of the state, at most as many as it has.",
        }
        results {
            output = "A state, which is changed in place: ops before this read what it was, ops after this what it is.",
        }
    }
}

impl Checks<'_> for Push {
    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, _: &mut Work) -> Result<(), OpFault> {
        if input.element != output.element {
            return Err(OpFault::Element);
        }
        if input.shape.elems() > output.shape.elems() {
            return Err(OpFault::InputShape);
        }
        if output.range.contains_range(input.range) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn list(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
