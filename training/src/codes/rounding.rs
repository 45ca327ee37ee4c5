//! Ways to round to codes.

use exactum_runtime::num::Rounding;

/// How evaluation rounds exact values to codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRounding {
    /// A mode of the numeric contract.
    Mode(Rounding),
    /// To the nearest integer; ties to even above zero, up below it: the rounding of a DPU. No exchange format names it.
    Dpu,
}

impl CodeRounding {
    /// The integer that `floor + remainder / divisor` rounds to, with `0 <= remainder < divisor`.
    pub(crate) fn round(self, floor: i64, remainder: u64, divisor: u64) -> Option<i64> {
        let mode = match self {
            Self::Mode(mode) => mode,
            Self::Dpu if floor < 0 => Rounding::HalfToward,
            Self::Dpu => Rounding::HalfEven,
        };
        mode.round(floor, remainder, divisor)
    }

    /// Whether ties are the values next to which rounding jumps; otherwise it jumps at integers.
    pub(crate) fn is_nearest(self) -> bool {
        match self {
            Self::Mode(mode) => {
                matches!(mode, Rounding::HalfEven | Rounding::HalfAway | Rounding::HalfToward)
            }
            Self::Dpu => true,
        }
    }
}
