//! Sums of bytes whose codes instruction sets make in registers. Read by `isa` and `add`.

use exactum_format::op::Multipliers;
use exactum_num::Requant;
use exactum_num::codes::Element;
use exactum_num::requant::{Form, at};

/// A sum of two bytes by the form `multiply-high` or `multiply32`, of one line for all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSum {
    /// Factors of both operands.
    pub factors: [i32; 2],
    /// Which of them have a sign.
    pub signed: [bool; 2],
    /// What sums start with.
    pub offset: i32,
    /// Multiplier and addend, of whose product the high word is kept; `None` keeps sums.
    pub line: Option<[i32; 2]>,
    /// What is shifted out then.
    pub shift: u8,
}

impl ByteSum {
    /// The sum of `elements`, of both operands and of the output, if it is one.
    pub fn of(
        multipliers: Multipliers<'_>,
        requant: Option<&Requant<'_>>,
        elements: [Element; 3],
    ) -> Option<Self> {
        let (Multipliers::I32([factors]), Some(requant)) = (multipliers, requant) else { return None };
        let (line, offsets, shifts, factor) = match requant.form {
            Form::MultiplyHigh { lines: [line], offsets, shifts } => (Some(*line), offsets, shifts, 1),
            // Its multiplier is one of both operands.
            Form::Multiply32 { multipliers: [multiplier], offsets, shifts } => {
                (None, offsets, shifts, *multiplier)
            }
            _ => return None,
        };
        let [first, second, output] = elements;
        let bytes = elements.iter().all(|element| matches!(element, Element::U8 | Element::I8));
        let range = output.range();
        let whole = range.lo == i64::from(requant.lo) && range.hi == i64::from(requant.hi);
        let shared = offsets.len() <= 1 && shifts.len() <= 1;
        (bytes && whole && shared).then(|| Self {
            factors: factors.map(|own| own.wrapping_mul(factor)),
            signed: [first, second].map(|element| element == Element::I8),
            offset: at(offsets, 0),
            line,
            shift: at(shifts, 0),
        })
    }
}
