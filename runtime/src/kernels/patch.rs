//! The multiply-accumulate loop that dense and convolution share.
//!
//! A patch gathers centered codes; when it is full it is multiplied with a block of filters, four at a time, so
//! that each code is loaded once for four products.

use crate::codes::Code;

/// Codes a patch holds before it is multiplied.
const PATCH_ELEMS: usize = 256;

/// A buffer of codes minus zero point, in the order of the filters' elements.
pub(super) struct Patch {
    codes: [i16; PATCH_ELEMS],
    filled: usize,
}

/// The filters of a block of output channels, one after the other, and the accumulators of the block.
pub(super) struct Filters<'a> {
    /// The filters from the next element on: the first filter's, then `filter_elems` further the second's.
    pub(super) rest: &'a [i8],
    /// Elements of one filter.
    pub(super) filter_elems: usize,
    /// One for each filter.
    pub(super) accs: &'a mut [i32],
}

impl Patch {
    pub(super) const fn new() -> Self {
        Self { codes: [0; PATCH_ELEMS], filled: 0 }
    }

    /// Appends `codes - zero_point`; they are the next elements of every filter.
    pub(super) fn push<T: Code>(&mut self, mut codes: &[T], zero_point: i32, filters: &mut Filters<'_>) {
        while !codes.is_empty() {
            let Some(free) = self.codes.get_mut(self.filled..) else { return };
            let taken = free.len().min(codes.len());
            let Some((now, later)) = codes.split_at_checked(taken) else { return };
            for (to, code) in free.iter_mut().zip(now) {
                let code: i32 = (*code).into();
                *to = code.wrapping_sub(zero_point) as i16;
            }
            self.filled = self.filled.wrapping_add(taken);
            codes = later;
            if self.filled == PATCH_ELEMS {
                self.multiply(filters);
            }
        }
    }

    /// Appends `elems` padded elements, which contribute nothing.
    pub(super) fn push_padding(&mut self, mut elems: usize, filters: &mut Filters<'_>) {
        while elems > 0 {
            let Some(free) = self.codes.get_mut(self.filled..) else { return };
            let taken = free.len().min(elems);
            free.iter_mut().take(taken).for_each(|to| *to = 0);
            self.filled = self.filled.wrapping_add(taken);
            elems = elems.wrapping_sub(taken);
            if self.filled == PATCH_ELEMS {
                self.multiply(filters);
            }
        }
    }

    /// Multiplies what is gathered with the filters' next elements and empties the patch.
    ///
    /// Not inlined: all kernels share this one copy of the inner loop.
    #[inline(never)]
    pub(super) fn multiply(&mut self, filters: &mut Filters<'_>) {
        let codes = self.codes.get(..self.filled).unwrap_or_default();
        let mut rows = filters.rest;
        let mut next_row = || {
            let row = rows.get(..codes.len()).unwrap_or_default();
            rows = rows.get(filters.filter_elems..).unwrap_or_default();
            row
        };
        let (quads, singles) = filters.accs.as_chunks_mut::<4>();
        for accs in quads {
            let rows = [next_row(), next_row(), next_row(), next_row()];
            *accs = dot4(codes, rows, *accs);
        }
        for acc in singles {
            *acc = dot(codes, next_row(), *acc);
        }
        filters.rest = filters.rest.get(codes.len()..).unwrap_or_default();
        self.filled = 0;
    }
}

fn dot4(codes: &[i16], rows: [&[i8]; 4], accs: [i32; 4]) -> [i32; 4] {
    let ([a, b, c, d], [mut sum_a, mut sum_b, mut sum_c, mut sum_d]) = (rows, accs);
    for ((((code, a), b), c), d) in codes.iter().zip(a).zip(b).zip(c).zip(d) {
        sum_a = multiply_add(sum_a, *code, *a);
        sum_b = multiply_add(sum_b, *code, *b);
        sum_c = multiply_add(sum_c, *code, *c);
        sum_d = multiply_add(sum_d, *code, *d);
    }
    [sum_a, sum_b, sum_c, sum_d]
}

fn dot(codes: &[i16], row: &[i8], acc: i32) -> i32 {
    codes.iter().zip(row).fold(acc, |acc, (code, weight)| multiply_add(acc, *code, *weight))
}

/// `acc + code * weight`; the wrap, were there one, would be that of the true sum.
pub(super) fn multiply_add(acc: i32, code: i16, weight: i8) -> i32 {
    acc.wrapping_add(i32::from(code).wrapping_mul(i32::from(weight)))
}
