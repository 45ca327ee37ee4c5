//! What dense layers of all packings are told.

use exactum_format::Bias;

/// A dense layer: geometry, and what starts its sums.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// Codes of one row of the input.
    pub in_features: usize,
    /// The first code of each row of the output to compute, and the one behind the last; all of them, with filters in pairs.
    pub out_features: [usize; 2],
    /// Code of the real value 0 in the input.
    pub input_zero_point: i32,
    /// Starts the accumulators.
    pub bias: Bias<'a>,
}
