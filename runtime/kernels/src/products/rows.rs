//! 8-bit weights, an element each, in 32-bit sums.

use exactum_format::Bias;
use exactum_num::codes::Code;

use super::{Filters, Products};
use crate::isa::Isa;
use crate::store::start;

/// 8-bit weights, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'p, K> {
    weights: &'p [i8],
    isa: K,
}

impl<'p, K: Copy> Rows<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [i8]) -> Self {
        Self { weights, isa }
    }
}

impl<K: Isa> Products for Rows<'_, K> {
    type Isa = K;
    type Acc = i32;

    fn isa(self) -> K {
        self.isa
    }

    fn skip(self, elems: usize) -> Self {
        Self { weights: self.weights.get(elems..).unwrap_or_default(), ..self }
    }

    fn skip_filters(self, filters: usize, filter_elems: usize) -> Self {
        self.skip(filters.wrapping_mul(filter_elems))
    }

    fn start(bias: Bias<'_>, first: usize, accs: &mut [i32]) {
        start(bias, first, accs);
    }

    // Not inlined: all kernels share this one copy of the inner loop.
    #[inline(never)]
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>) {
        filters.rest.isa.dot_rows(codes, filters.rest.weights, filters.filter_elems, filters.accs);
        filters.rest = filters.rest.skip(codes.len());
    }

    #[inline(never)]
    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [i32]) {
        self.isa.dot_each(codes, zero_point, self.weights, accs);
    }
}
