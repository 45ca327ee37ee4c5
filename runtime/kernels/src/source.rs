//! What layers read: codes of one element type, for which a loop of its own is built, or of any.
//!
//! The usual layers, with 8-bit weights and 32-bit sums, are built for each element type; the others once.

use exactum_num::codes::{Code, Codes};

use crate::patch::Patch;
use crate::products::{Filters, Products};

/// Codes of an input.
pub trait Source: Copy {
    /// `elems` codes from `start` on, if there are as many.
    fn run(self, start: usize, elems: usize) -> Option<Self>;

    /// The codes from `start` on; none past the end.
    fn starting_at(self, start: usize) -> Self;

    /// Appends the codes minus `zero_point` to `patch`.
    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>);

    /// Adds to each accumulator the product of its code minus `zero_point` and its weight.
    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]);
}

impl<T: Code> Source for &[T] {
    fn run(self, start: usize, elems: usize) -> Option<Self> {
        self.get(start..)?.get(..elems)
    }

    fn starting_at(self, start: usize) -> Self {
        self.get(start..).unwrap_or_default()
    }

    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>) {
        patch.push(self, zero_point, filters);
    }

    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]) {
        weights.multiply_each(self, zero_point, accs);
    }
}

/// Codes of 32 bits are not loaded: minus zero point they must fit 16 bits.
impl Source for Codes<'_> {
    fn run(self, start: usize, elems: usize) -> Option<Self> {
        Some(match self {
            Self::I8(codes) => Self::I8(codes.run(start, elems)?),
            Self::U8(codes) => Self::U8(codes.run(start, elems)?),
            Self::I16(codes) => Self::I16(codes.run(start, elems)?),
            Self::I32(_) => return None,
        })
    }

    fn starting_at(self, start: usize) -> Self {
        match self {
            Self::I8(codes) => Self::I8(codes.starting_at(start)),
            Self::U8(codes) => Self::U8(codes.starting_at(start)),
            Self::I16(codes) => Self::I16(codes.starting_at(start)),
            Self::I32(_) => self,
        }
    }

    #[inline(never)]
    fn push<W: Products>(self, zero_point: i32, patch: &mut Patch<'_>, filters: &mut Filters<'_, W>) {
        match self {
            Self::I8(codes) => patch.push(codes, zero_point, filters),
            Self::U8(codes) => patch.push(codes, zero_point, filters),
            Self::I16(codes) => patch.push(codes, zero_point, filters),
            Self::I32(_) => {}
        }
    }

    #[inline(never)]
    fn multiply_each<W: Products>(self, zero_point: i32, weights: W, accs: &mut [W::Acc]) {
        match self {
            Self::I8(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::U8(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::I16(codes) => weights.multiply_each(codes, zero_point, accs),
            Self::I32(_) => {}
        }
    }
}
