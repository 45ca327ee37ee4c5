//! The forms by name, in the order of their cost.
//!
//! The parameters of a form are `FormParams` on the host and `Form` in a program; this is the form alone, for
//! options, choices and reports.

use std::fmt;
use std::str::FromStr;

/// A form of the runtime. `docs/arithmetic.md` has the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormKind {
    /// Add and clamp.
    Offset,
    /// Shift with rounding half to even.
    ShiftHalfEven,
    /// Multiply, add, shift in 32 bits.
    Multiply32,
    /// Multiply, add, shift in 64 bits.
    Multiply64,
    /// Two 64-bit lines.
    EvenOdd,
    /// Count thresholds.
    Thresholds,
    /// Look up.
    Table,
}

impl FormKind {
    /// All forms, cheapest first.
    pub const ALL: [Self; 7] = [
        Self::Offset,
        Self::ShiftHalfEven,
        Self::Multiply32,
        Self::Multiply64,
        Self::EvenOdd,
        Self::Thresholds,
        Self::Table,
    ];

    /// The name in listings, certificates and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offset => "offset",
            Self::ShiftHalfEven => "shift-half-even",
            Self::Multiply32 => "multiply32",
            Self::Multiply64 => "multiply64",
            Self::EvenOdd => "even-odd",
            Self::Thresholds => "thresholds",
            Self::Table => "table",
        }
    }
}

impl fmt::Display for FormKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is no form, needed one of offset, shift-half-even, multiply32, multiply64, even-odd, thresholds, table"
)]
pub struct ParseFormKindError {
    found: String,
}

impl FromStr for FormKind {
    type Err = ParseFormKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = Self::ALL.into_iter().find(|form| form.name() == text);
        form.ok_or_else(|| ParseFormKindError { found: text.to_owned() })
    }
}
