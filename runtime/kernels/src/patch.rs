//! The buffer that dense and convolution share.
//!
//! A patch gathers centered codes; when it is full it is multiplied with a block of filters.

use exactum_num::codes::Code;

use crate::isa::Isa as _;
use crate::products::{Filters, Products};

/// A buffer of codes minus zero point, in the order of the filters' elements.
#[derive(Debug)]
pub struct Patch<'s> {
    codes: &'s mut [i16],
    filled: usize,
}

impl<'s> Patch<'s> {
    /// A patch in `scratch`: [`patch_elems`](exactum_format::patch_elems) codes. Of none, nothing is multiplied.
    pub const fn new(scratch: &'s mut [i16]) -> Self {
        Self { codes: scratch, filled: 0 }
    }

    /// Appends `codes - zero_point`; they are the next elements of every filter.
    pub fn push<T: Code, W: Products>(
        &mut self,
        mut codes: &[T],
        zero_point: i32,
        filters: &mut Filters<'_, W>,
    ) {
        while !codes.is_empty() {
            let Some(free) = self.codes.get_mut(self.filled..) else { return };
            let taken = free.len().min(codes.len());
            if taken == 0 {
                return;
            }
            let Some((now, later)) = codes.split_at_checked(taken) else { return };
            filters.rest.isa().center(now, zero_point, free);
            self.filled = self.filled.wrapping_add(taken);
            codes = later;
            if self.filled == self.codes.len() {
                self.multiply(filters);
            }
        }
    }

    /// Appends `elems` padded elements, which contribute nothing.
    pub fn push_padding<W: Products>(&mut self, mut elems: usize, filters: &mut Filters<'_, W>) {
        while elems > 0 {
            let Some(free) = self.codes.get_mut(self.filled..) else { return };
            let taken = free.len().min(elems);
            if taken == 0 {
                return;
            }
            free.iter_mut().take(taken).for_each(|to| *to = 0);
            self.filled = self.filled.wrapping_add(taken);
            elems = elems.wrapping_sub(taken);
            if self.filled == self.codes.len() {
                self.multiply(filters);
            }
        }
    }

    /// Multiplies what is gathered with the filters' next elements and empties the patch.
    pub fn multiply<W: Products>(&mut self, filters: &mut Filters<'_, W>) {
        // A patch as long as the filters was multiplied when its last code came.
        if self.filled == 0 {
            return;
        }
        W::multiply(self.codes.get(..self.filled).unwrap_or_default(), filters);
        self.filled = 0;
    }
}
