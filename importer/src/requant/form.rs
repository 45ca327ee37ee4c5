//! The forms by name.
//!
//! The parameters of a form are `FormParams` on the host and `Form` in a program; this is the form alone, for
//! options, choices and reports.

use exactum_runtime::num::requant::Form;
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
    /// Shift with rounding half to even in 64 bits.
    ShiftHalfEven64,
    /// Multiply, add, shift in 128 bits.
    Multiply128,
}

impl FormKind {
    /// All forms, in the order of [`Form::NAMES`].
    pub const ALL: [Self; 9] = [
        Self::Offset,
        Self::ShiftHalfEven,
        Self::Multiply32,
        Self::Multiply64,
        Self::EvenOdd,
        Self::Thresholds,
        Self::Table,
        Self::ShiftHalfEven64,
        Self::Multiply128,
    ];

    /// The name in listings, certificates and options.
    pub const fn name(self) -> &'static str {
        Form::NAMES[self as usize]
    }
}

impl fmt::Display for FormKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no form, needed one of {}", Form::NAMES.join(", "))]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        assert_eq!(FormKind::ALL.map(FormKind::name), Form::NAMES);
        for form in FormKind::ALL {
            assert_eq!(form.name().parse(), Ok(form));
        }
        let error = "shift".parse::<FormKind>().unwrap_err().to_string();
        assert!(error.contains("`shift`") && error.contains("even-odd, thresholds, table"), "{error}");
    }

    /// Rows of the table of forms in the normative text: `| `name` | formula | condition |`.
    #[test]
    fn the_normative_table_lists_exactly_the_forms_of_the_runtime() {
        let text = include_str!("../../../docs/arithmetic.md");
        let (_, section) = text.split_once("\n## Forms\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        assert_eq!(rows.collect::<Vec<_>>(), Form::NAMES);
    }
}
