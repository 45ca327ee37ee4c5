//! `dense`: a matrix times each row of codes, then requantization.

use core::fmt;

use super::declare::{Checks, op};
use crate::error::OpFault;
use crate::layer::{Layer, LayerRecord};
use crate::packing::{FilterShape, Packing, Reads};
use crate::patch::{pair_bytes, patch_bytes};
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// `output[r][o] = requant(bias[o] + sum_i weight[o][i] * (input[r][i] - zero_point))`.
    ///
    /// The input is read as rows of `in_features` codes whatever its shape, so a flattened image needs no op.
    Dense<'p> as DenseRecord {
        operands {
            input = "8- or 16-bit codes.",
        }
        results {
            output = "As many rows of `out_features` codes.",
            scratch = "Bytes in which the codes of a window are gathered.",
        }
        in_features: u32 as u32 = "Codes of one input row.",
        out_features: u32 as u32 = "Codes of one output row.",
        layer: Layer<'p> as LayerRecord = "Weights of `out_features` filters of `in_features`, and what follows their products.",
    }
}

impl Checks<'_> for Dense<'_> {
    fn scratch_bytes(&self, input: &Tensor) -> u32 {
        let elems = self.in_features as usize;
        match self.layer.weights.packing {
            Packing::FilterPairs => {
                pair_bytes(elems, input.shape.elems().checked_div(self.in_features).unwrap_or_default())
            }
            Packing::FilterQuads => pair_bytes(elems, 1),
            Packing::RowMajor
            | Packing::Nibbles
            | Packing::TapMajor
            | Packing::TapBlocks
            | Packing::Winograd => patch_bytes(elems),
        }
    }

    fn verify(
        &self,
        _: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
        let rows = input.shape.elems().checked_div(self.in_features).ok_or(OpFault::Geometry)?;
        if rows.checked_mul(self.in_features) != Some(input.shape.elems()) {
            return Err(OpFault::InputShape);
        }
        if rows.checked_mul(self.out_features) != Some(output.shape.elems()) {
            return Err(OpFault::OutputShape);
        }
        let shape = FilterShape { filters: self.out_features as usize, elems: self.in_features as usize };
        self.layer.verify(input, output, shape, Reads::Shared, false, work)
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} features, {}", self.in_features, self.out_features, self.layer)
    }
}
