//! 4-bit weights, two a byte, in 32-bit sums.

use exactum_format::Bias;
use exactum_num::codes::Code;

use super::{Filters, Products};
use crate::isa::Isa;
use crate::store::start;

/// 4-bit weights from half of a byte on, multiplied by the instructions `K`.
#[derive(Clone, Copy, Debug)]
pub struct Nibbles<'p, K> {
    weights: &'p [u8],
    odd: bool,
    isa: K,
}

impl<'p, K: Copy> Nibbles<'p, K> {
    /// The weights of a layer.
    pub const fn new(isa: K, weights: &'p [u8]) -> Self {
        Self { weights, odd: false, isa }
    }
}

impl<K: Isa> Products for Nibbles<'_, K> {
    type Isa = K;
    type Acc = i32;

    fn isa(self) -> K {
        self.isa
    }

    fn skip(self, elems: usize) -> Self {
        let halves = elems.wrapping_add(self.odd.into());
        let weights = self.weights.get(halves >> 1..).unwrap_or_default();
        Self { weights, odd: halves & 1 != 0, ..self }
    }

    fn skip_filters(self, filters: usize, filter_elems: usize) -> Self {
        let bytes = filters.wrapping_mul(filter_elems.div_ceil(2));
        Self { weights: self.weights.get(bytes..).unwrap_or_default(), ..self }
    }

    fn start(bias: Bias<'_>, first: usize, accs: &mut [i32]) {
        start(bias, first, accs);
    }

    #[inline(never)]
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>) {
        let Self { weights, odd, isa } = filters.rest;
        isa.dot_nibbles(codes, weights, odd, filters.filter_elems.div_ceil(2), filters.accs);
        filters.rest = filters.rest.skip(codes.len());
    }

    // No depthwise convolution has this packing.
    fn multiply_each<T: Code>(self, _: &[T], _: i32, _: &mut [i32]) {}
}
