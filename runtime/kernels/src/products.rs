//! Products with weights: one file for each way in which layers multiply.
//!
//! The usual layers, with 8-bit weights and 32-bit sums, are fast; all others share one general way.

mod general;
mod nibbles;
mod rows;

pub use general::General;
pub use nibbles::Nibbles;
pub use rows::Rows;

use exactum_format::Bias;
use exactum_num::codes::Code;
use exactum_num::requant::forms::Accumulator;

use crate::isa::Isa;

/// Weights of a layer, from one of them on.
pub trait Products: Copy {
    /// The instructions that multiply.
    type Isa: Isa;

    /// What sums of products are kept in.
    type Acc: Accumulator + Default;

    /// The instructions that multiply.
    fn isa(self) -> Self::Isa;

    /// The weights of the same filter from `elems` further on.
    fn skip(self, elems: usize) -> Self;

    /// The weights of later filters, of `filter_elems` each, from the first of `filters` further on.
    fn skip_filters(self, filters: usize, filter_elems: usize) -> Self;

    /// Sets accumulators to the biases of the channels from `first` on.
    fn start(bias: Bias<'_>, first: usize, accs: &mut [Self::Acc]);

    /// Adds to the accumulators the products of `codes` and the filters' next elements, and moves past those.
    fn multiply(codes: &[i16], filters: &mut Filters<'_, Self>);

    /// Adds to each accumulator the product of its code minus `zero_point` and its weight, of neighbouring weights.
    fn multiply_each<T: Code>(self, codes: &[T], zero_point: i32, accs: &mut [Self::Acc]);
}

/// The filters of a block of output channels, one after the other, and the accumulators of the block.
#[derive(Debug)]
pub struct Filters<'a, W: Products> {
    /// The filters from the next element on: the first filter's, then a filter further the second's.
    pub rest: W,
    /// Elements of one filter.
    pub filter_elems: usize,
    /// One for each filter.
    pub accs: &'a mut [W::Acc],
}
