//! How a program stores the codes of a type: in which element, and moved by how much.
//!
//! The one statement of it. Graphs hold the file's codes until the pass `store-codes` moves them; `interface` and
//! `trace` go the way back.

use exactum_runtime::codes::Element;
use exactum_runtime::num::{IntRange, IntType};

/// What a program makes of the codes of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Storage {
    /// Type of the elements in memory.
    pub element: Element,
    /// Subtracted from a code before it is stored.
    pub less: i64,
}

impl Storage {
    /// How codes of `int` are stored: in the smallest element that holds them. Unsigned codes of 16 bits fit elements
    /// of 16 bits less 2^15.
    pub fn of(int: IntType) -> Self {
        let range = int.range();
        let stored = |less: i64| {
            let moved = IntRange { lo: range.lo - less, hi: range.hi - less };
            Element::smallest_for(moved).map(|element| Self { element, less })
        };
        match stored(0) {
            Some(storage) if storage.element != Element::I32 => storage,
            _ => stored(1 << 15)
                .filter(|storage| storage.element == Element::I16)
                .unwrap_or(Self { element: Element::I32, less: 0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unsigned_codes_of_16_bits_are_moved() {
        for bits in 1..=32 {
            for (signed, narrow) in [(true, true), (true, false), (false, true), (false, false)] {
                let int = IntType::new(bits, signed, narrow).unwrap();
                let Storage { element, less } = Storage::of(int);
                assert_eq!(less, if bits == 16 && !signed { 1 << 15 } else { 0 }, "{int}");
                let range = int.range();
                let held = IntRange { lo: range.lo - less, hi: range.hi - less };
                assert!(bits == 32 && !signed || element.range().contains_range(held), "{int}");
            }
        }
    }
}
