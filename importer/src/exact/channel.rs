//! One output channel to requantize: its exact function and the accumulators that can reach it.

use super::Function;
use exactum_runtime::num::IntRange;

/// The exact function of one output channel on the accumulators that can occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// What a code must be.
    pub function: Function,
    /// Every accumulator that can occur, from [`accumulator`](super::accumulator); up to 64 bits.
    pub range: IntRange,
}

impl Channel {
    /// The same channel for an accumulator that starts at `bias` instead of 0, or `None` past 64 bits.
    ///
    /// The new function at `acc + bias` is this one at `acc`.
    pub fn with_bias(&self, bias: i64) -> Option<Self> {
        let range = self.range.checked_add(IntRange::point(bias))?;
        Some(Self { function: self.function.shifted(bias), range })
    }

    /// The codes at both ends of the range.
    pub fn end_codes(&self) -> (i64, i64) {
        (self.function.eval(self.range.lo), self.function.eval(self.range.hi))
    }
}
