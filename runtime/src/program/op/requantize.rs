//! `requantize`: codes to codes, elementwise. Works in place where the element sizes agree.

use core::fmt;

use super::{OpBody, views};
use crate::error::OpFault;
use crate::kernels;
use crate::num::Requant;
use crate::program::bounds;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tail::RequantRecord;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[..][c] = requant(c, input[..][c])`, where `c` counts along the last axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requantize<'p> {
    /// Codes of any element type.
    pub input: TensorId,
    /// As many codes of any element type.
    pub output: TensorId,
    /// Channels: the codes of one row.
    pub channels: u32,
    /// One form for all channels, its parameters for each or for all.
    pub requant: Requant<'p>,
}

record! {
    /// The fields of `requantize`.
    pub(crate) struct RequantizeRecord {
        pub(crate) channels: u32 = "Codes of one row; divides the number of elements.",
        pub(crate) reserved: u32 = "Zero.",
        pub(crate) requant: RequantRecord = "From codes to codes; `form` is not 0.",
    }
}

impl<'p> OpBody<'p> for Requantize<'p> {
    type Record = RequantizeRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &RequantizeRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        let requant = record.requant.decode(constants)?.ok_or(OpFault::Form)?;
        Ok(Self { input, output, channels: record.channels, requant })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> RequantizeRecord {
        RequantizeRecord {
            channels: self.channels,
            reserved: 0,
            requant: RequantRecord::encode(Some(&self.requant), constants),
        }
    }

    fn may_share(&self, input: &Tensor, output: &Tensor) -> bool {
        input.element.size_bytes() == output.element.size_bytes()
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        if self.channels == 0 || !input.shape.elems().is_multiple_of(self.channels) {
            return Err(OpFault::InputShape);
        }
        if input.shape.elems() != output.shape.elems() {
            return Err(OpFault::OutputShape);
        }
        let channels = self.channels as usize;
        if !self.requant.is_well_formed(channels) {
            return Err(OpFault::RequantParameters);
        }
        (0..channels)
            .try_for_each(|channel| bounds::stored(Some(&self.requant), channel, input.range, output))
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let channels = self.channels as usize;
        if input.place() == output.place() {
            let Some(bytes) = arena.get_mut(input.place()) else { return };
            kernels::requantize::in_place(&self.requant, channels, input.element, output.element, bytes);
        } else if let Some((input, output)) = views(arena, input, output) {
            kernels::requantize::requantize(&self.requant, channels, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} channels, ", self.channels)?;
        super::layer::list_requant(f, Some(&self.requant))
    }
}
