//! `concat`: the rows of several tensors one after the other.

use core::fmt;

use super::OpBody;
use crate::error::OpFault;
use crate::kernels;
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// Row `r` of the output is row `r` of `input`, then row `r` of each tensor of `rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat<'p> {
    /// The first tensor: integers of any element type, read as `rows` rows.
    pub input: TensorId,
    /// Numbers of further tensors of the same element type, each read as `rows` rows.
    pub rest: &'p [u16],
    /// As many elements as all of them together, of the same element type.
    pub output: TensorId,
    /// Rows; divides the number of elements of every tensor.
    pub rows: u32,
}

record! {
    /// The fields of `concat`.
    pub(crate) struct ConcatRecord {
        pub(crate) rows: u32 = "Rows; divides the number of elements of every tensor.",
        pub(crate) reserved: u32 = "Zero.",
        pub(crate) rest: ConstRef = "`u16`, numbers of the further tensors it reads.",
    }
}

impl<'p> OpBody<'p> for Concat<'p> {
    type Record = ConcatRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &ConcatRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != 0 {
            return Err(OpFault::Reserved);
        }
        Ok(Self { input, rest: constants.slice(record.rest)?, output, rows: record.rows })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> ConcatRecord {
        ConcatRecord { rows: self.rows, reserved: 0, rest: constants.put(self.rest) }
    }

    fn rest(&self) -> &'p [u16] {
        self.rest
    }

    fn verify(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
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
            let tensor = TensorId(*id);
            take(&tensors.get(tensor).ok_or(OpFault::NoTensor { tensor })?)?;
        }
        if elems == output.shape.elems() { Ok(()) } else { Err(OpFault::OutputShape) }
    }

    fn run(&self, tensors: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        let rows = self.rows as usize;
        let mut first_byte = kernels::concat::put(arena, input, output, rows, 0);
        for id in self.rest {
            let Some(input) = tensors.get(TensorId(*id)) else { return };
            first_byte = kernels::concat::put(arena, &input, output, rows, first_byte);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)
    }
}
