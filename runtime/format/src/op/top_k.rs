//! `top-k`: the positions of the largest or smallest elements of each row, or these elements.

use core::fmt;

use exactum_num::IntRange;
use exactum_num::codes::Element;
use exactum_num::requant::at;

use super::declare::{Checks, op};
use crate::constants::ConstRef;
use crate::error::OpFault;
use crate::tensor::{Tensor, Tensors};
use crate::work::Work;

op! {
    /// `output[r]` holds the positions of the `k` best elements of row `r`, best first, of equal scores the lower first; or
    /// the elements at these positions.
    ///
    /// The score of element `c` is `multipliers[c] * input[r][c] + offsets[c]` in 64 bits: the order of real values that
    /// have a scale and an offset for each position.
    TopK<'p> as TopKRecord {
        operands {
            input = "Integers of any element type, read as rows of `elems`.",
        }
        results {
            output = "As many rows of `k` elements: of 32 bits, or of the input's type if they are elements.",
        }
        elems: u32 as u32 = "Elements of one row.",
        k: u32 as u32 = "Positions to find; 1 to `elems`.",
        multipliers: &'p [i64] as ConstRef = "`i64`, factors of the elements: one for each position, one for all, or none for 1.",
        offsets: &'p [i64] as ConstRef = "`i64`, added to the products: one for each position, one for all, or none for 0.",
        largest: bool as u8 = "1 if the largest score is the best, 0 if the smallest is.",
        values: bool as u8 = "1 if the output holds the elements, 0 if their positions.",
    } reserved [u8; 6]
}

impl TopK<'_> {
    /// Factor and offset of position `position`.
    pub fn line(&self, position: usize) -> (i64, i64) {
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

impl Checks<'_> for TopK<'_> {
    fn verify(
        &self,
        _: Tensors<'_>,
        input: &Tensor,
        output: &Tensor,
        work: &mut Work,
    ) -> Result<(), OpFault> {
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
        work.spend(lines)?;
        if !(0..lines).all(|position| self.scores_fit(position, input.range)) {
            return Err(OpFault::Accumulator);
        }
        let positions = IntRange { lo: 0, hi: i64::from(self.elems).saturating_sub(1) };
        let held = if self.values { input.range } else { positions };
        if output.range.contains_range(held) { Ok(()) } else { Err(OpFault::OutputRange) }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = if self.largest { "largest" } else { "smallest" };
        let what = if self.values { "elements" } else { "positions" };
        write!(f, "{what} of the {} {best} of {}", self.k, self.elems)?;
        let lines = self.multipliers.len().max(self.offsets.len());
        if lines > 0 { write!(f, ", {lines} lines") } else { Ok(()) }
    }
}
