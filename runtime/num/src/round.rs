//! Rounding of exact quotients to integers.
//!
//! Names and meaning are those of the QONNX `Quant` operator; the default everywhere is half to even.

/// How a real value becomes an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rounding {
    /// To the nearest integer, ties to the even one (`ROUND`, `HALF_EVEN`).
    #[default]
    HalfEven,
    /// To the nearest integer, ties away from zero (`HALF_UP`).
    HalfAway,
    /// To the nearest integer, ties toward zero (`HALF_DOWN`).
    HalfToward,
    /// Toward negative infinity (`FLOOR`).
    Floor,
    /// Toward positive infinity (`CEIL`).
    Ceil,
    /// Away from zero (`UP`).
    Away,
    /// Toward zero (`DOWN`, `ROUND_TO_ZERO`).
    Toward,
}

impl Rounding {
    /// Every mode, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::HalfEven, Self::Ceil, Self::Floor, Self::Away, Self::Toward, Self::HalfAway, Self::HalfToward];

    /// The name QONNX files use.
    pub const fn qonnx_name(self) -> &'static str {
        match self {
            Self::HalfEven => "ROUND",
            Self::HalfAway => "HALF_UP",
            Self::HalfToward => "HALF_DOWN",
            Self::Floor => "FLOOR",
            Self::Ceil => "CEIL",
            Self::Away => "UP",
            Self::Toward => "DOWN",
        }
    }

    /// The mode a QONNX file names, in any case, or `None` if the name is unknown.
    pub fn from_qonnx_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("HALF_EVEN") {
            return Some(Self::HalfEven);
        }
        if name.eq_ignore_ascii_case("ROUND_TO_ZERO") {
            return Some(Self::Toward);
        }
        Self::ALL.into_iter().find(|mode| name.eq_ignore_ascii_case(mode.qonnx_name()))
    }

    /// The integer that the value `floor + remainder / divisor` rounds to, for `0 <= remainder < divisor`.
    ///
    /// `None` if the result leaves 64 bits.
    pub const fn round(self, floor: i64, remainder: u64, divisor: u64) -> Option<i64> {
        if remainder == 0 {
            return Some(floor);
        }
        let negative = floor < 0;
        let below_half = remainder < divisor - remainder;
        let tie = remainder == divisor - remainder;
        let up = match self {
            Self::Floor => false,
            Self::Ceil => true,
            Self::Away => !negative,
            Self::Toward => negative,
            Self::HalfEven => !below_half && (!tie || floor & 1 != 0),
            Self::HalfAway => !below_half && (!tie || !negative),
            Self::HalfToward => !below_half && (!tie || negative),
        };
        if up { floor.checked_add(1) } else { Some(floor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the QONNX specification: ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN.
    #[test]
    fn matches_the_published_table() {
        let rounded = |floor, remainder| Rounding::ALL.map(|mode| mode.round(floor, remainder, 2).unwrap());
        assert_eq!(rounded(2, 1), [2, 3, 2, 3, 2, 3, 2]);
        assert_eq!(rounded(-3, 1), [-2, -2, -3, -3, -2, -3, -2]);
        assert_eq!(rounded(-6, 1), [-6, -5, -6, -6, -5, -6, -5]);
        assert_eq!(rounded(5, 0), [5; 7]);
    }

    #[test]
    fn names_round_trip() {
        for mode in Rounding::ALL {
            assert_eq!(Rounding::from_qonnx_name(mode.qonnx_name()), Some(mode));
        }
        assert_eq!(Rounding::from_qonnx_name("round"), Some(Rounding::HalfEven));
        assert_eq!(Rounding::from_qonnx_name("Round_To_Zero"), Some(Rounding::Toward));
        assert_eq!(Rounding::from_qonnx_name("DPU"), None);
    }
}
