//! The form that keeps the high word of one product, where instruction sets have codes of it. Read by `isa` and `high`.

use exactum_format::Bias;
use exactum_num::Requant;
use exactum_num::codes::Element;
use exactum_num::requant::{Form, at};

/// Parameters of a tail that makes codes of high words.
#[derive(Clone, Copy, Debug)]
pub struct HighForm<'a> {
    /// Multiplier and addend, a pair for each channel.
    pub lines: &'a [[i32; 2]],
    /// One for each channel.
    pub offsets: &'a [i32],
    /// Of all channels.
    pub shift: u8,
}

impl<'a> HighForm<'a> {
    /// The form of a layer of `channels` channels that starts with `bias` and writes codes of type `element`; `None` if it
    /// has no such tail.
    pub fn of(
        requant: Option<&Requant<'a>>,
        bias: Bias<'_>,
        channels: usize,
        element: Element,
    ) -> Option<Self> {
        let Some(Requant { form: Form::MultiplyHigh { lines, offsets, shifts }, lo, hi }) = requant else {
            return None;
        };
        let whole = matches!(element, Element::I8 | Element::U8) && {
            let range = element.range();
            range.lo == i64::from(*lo) && range.hi == i64::from(*hi)
        };
        let each = lines.len() == channels && offsets.len() == channels && shifts.len() <= 1;
        let suits = whole && each && matches!(bias, Bias::None);
        suits.then(|| Self { lines, offsets, shift: at(shifts, 0) })
    }
}
