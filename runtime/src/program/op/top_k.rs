//! `top-k`: the positions of the largest or smallest elements of each row, or these elements.

use core::fmt;

use super::layer::flag;
use super::{OpBody, views};
use crate::codes::Element;
use crate::error::OpFault;
use crate::kernels;
use crate::num::{IntRange, requant::at};
use crate::program::constants::{ConstRef, Constants};
#[cfg(feature = "encode")]
use crate::program::encode::ConstantWriter;
use crate::program::record::record;
use crate::program::tensor::{Tensor, TensorId, Tensors};

/// `output[r]` holds the positions of the `k` best elements of row `r`, best first, of equal scores the lower first; or
/// the elements at these positions.
///
/// The score of element `c` is `multipliers[c] * input[r][c] + offsets[c]` in 64 bits: the order of real values that
/// have a scale and an offset for each position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK<'p> {
    /// Integers of any element type, read as rows of `elems`.
    pub input: TensorId,
    /// As many rows of `k` elements: of 32 bits, or of the input's type if they are elements.
    pub output: TensorId,
    /// Elements of one row.
    pub elems: u32,
    /// Positions to find; 1 to `elems`.
    pub k: u32,
    /// Whether the largest score is the best, else the smallest.
    pub largest: bool,
    /// Whether the output holds elements, else positions.
    pub values: bool,
    /// Factors of the elements: one for each position, one for all, or none for 1.
    pub multipliers: &'p [i64],
    /// Added to the products: one for each position, one for all, or none for 0.
    pub offsets: &'p [i64],
}

record! {
    /// The fields of `top-k`.
    pub(crate) struct TopKRecord {
        pub(crate) elems: u32 = "Elements of one row.",
        pub(crate) k: u32 = "Positions to find; 1 to `elems`.",
        pub(crate) largest: u8 = "1 if the largest score is the best, 0 if the smallest is.",
        pub(crate) values: u8 = "1 if the output holds the elements, 0 if their positions.",
        pub(crate) reserved: [u8; 6] = "Zeros.",
        pub(crate) multipliers: ConstRef = "`i64`, one for each position, one for all, or none for 1.",
        pub(crate) offsets: ConstRef = "`i64`, one for each position, one for all, or none for 0.",
    }
}

impl TopK<'_> {
    /// Factor and offset of position `position`.
    pub(crate) fn line(&self, position: usize) -> (i64, i64) {
        let multiplier = if self.multipliers.is_empty() { 1 } else { at(self.multipliers, position) };
        (multiplier, at(self.offsets, position))
    }

    fn scores_fit(&self, position: usize, range: IntRange) -> bool {
        let (multiplier, offset) = self.line(position);
        range
            .checked_scale(multiplier)
            .and_then(|scaled| scaled.checked_add(IntRange::point(offset)))
            .is_some()
    }
}

impl<'p> OpBody<'p> for TopK<'p> {
    type Record = TopKRecord;

    fn decode(
        input: TensorId,
        output: TensorId,
        record: &TopKRecord,
        constants: Constants<'p>,
    ) -> Result<Self, OpFault> {
        if record.reserved != [0; 6] {
            return Err(OpFault::Reserved);
        }
        Ok(Self {
            input,
            output,
            elems: record.elems,
            k: record.k,
            largest: flag(record.largest)?,
            values: flag(record.values)?,
            multipliers: constants.slice(record.multipliers)?,
            offsets: constants.slice(record.offsets)?,
        })
    }

    #[cfg(feature = "encode")]
    fn encode<S: Extend<u8>>(&self, constants: &mut ConstantWriter<'_, S>) -> TopKRecord {
        TopKRecord {
            elems: self.elems,
            k: self.k,
            largest: self.largest.into(),
            values: self.values.into(),
            reserved: [0; 6],
            multipliers: constants.put(self.multipliers),
            offsets: constants.put(self.offsets),
        }
    }

    fn verify(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor) -> Result<(), OpFault> {
        if self.k == 0 || self.k > self.elems {
            return Err(OpFault::Geometry);
        }
        let rows = input.shape.elems().checked_div(self.elems).ok_or(OpFault::Geometry)?;
        if !input.shape.elems().is_multiple_of(self.elems) {
            return Err(OpFault::InputShape);
        }
        if rows.checked_mul(self.k) != Some(output.shape.elems()) {
            return Err(OpFault::OutputShape);
        }
        if output.element != if self.values { input.element } else { Element::I32 } {
            return Err(OpFault::Element);
        }
        let elems = self.elems as usize;
        if [self.multipliers, self.offsets].iter().any(|values| values.len() > 1 && values.len() != elems) {
            return Err(OpFault::RequantParameters);
        }
        let lines = self.multipliers.len().max(self.offsets.len()).max(1);
        if !(0..lines).all(|position| self.scores_fit(position, input.range)) {
            return Err(OpFault::Accumulator);
        }
        let positions = IntRange { lo: 0, hi: i64::from(self.elems).saturating_sub(1) };
        let held = if self.values { input.range } else { positions };
        if output.range.contains_range(held) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn run(&self, _: Tensors<'_>, input: &Tensor, output: &Tensor, arena: &mut [u8]) {
        if let Some((input, output)) = views(arena, input, output) {
            kernels::top_k::top_k(self, input, output);
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = if self.largest { "largest" } else { "smallest" };
        let what = if self.values { "elements" } else { "positions" };
        write!(f, "{what} of the {} {best} of {}", self.k, self.elems)?;
        let lines = self.multipliers.len().max(self.offsets.len());
        if lines > 0 { write!(f, ", {lines} lines") } else { Ok(()) }
    }
}
