//! `transpose`: a change of layout. Channels-first images become channels-last ones and back.

use core::fmt;

use super::{OpBody, views};
use crate::error::OpFault;
use crate::kernels;
use crate::program::constants::Constants;
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tensor::{Tensor, TensorId};

/// `output[c][r] = input[r][c]`, the input read as `rows` rows of `columns` codes whatever its shape.
///
/// With channels as rows and pixels as columns it takes channels first to channels last, with the two exchanged
/// it takes them back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// Codes of any element type.
    pub input: TensorId,
    /// As many codes of the same element type.
    pub output: TensorId,
    /// Rows of the input.
    pub rows: u32,
    /// Columns of the input.
    pub columns: u32,
}

record! {
    /// The fields of `transpose`.
    pub(crate) struct TransposeRecord {
        pub(crate) rows: u32 = "Rows of the input.",
        pub(crate) columns: u32 = "Columns of the input.",
    }
}

impl OpBody<'_> for Transpose {
    type Record = TransposeRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &TransposeRecord,
        _: Constants<'_>,
    ) -> Result<Self, OpFault> {
        Ok(Self { input, output, rows: record.rows, columns: record.columns })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, _: &mut ConstantWriter<'_, S>) -> TransposeRecord {
        TransposeRecord { rows: self.rows, columns: self.columns }
    }

    fn verify(&self, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        let elems = self.rows.checked_mul(self.columns);
        if elems != Some(input.shape.elems()) {
            return Err(OpFault::InputShape);
        }
        if elems != Some(output.shape.elems()) {
            return Err(OpFault::OutputShape);
        }
        if input.element != output.element {
            return Err(OpFault::Element);
        }
        if output.range.contains_range(input.range) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn run(&self, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        if let Some((input, output)) = views(arena, input, output) {
            kernels::transpose::transpose(self.rows as usize, self.columns as usize, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {} columns", self.rows, self.columns)
    }
}
