//! Sums of bytes by the form `multiply-high` or `multiply32`, of one line for all channels: each code is made in registers. Called by
//! `add`, and by code that is written for one model.

use exactum_format::op::Multipliers;
use exactum_num::Requant;
use exactum_num::codes::{Code, Element};
use exactum_num::requant::{Form, at};

use crate::elementwise::{Buffers, Operands};
use crate::isa::Isa;

/// What such a sum is.
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

/// Computes `sum` of operands that have as many elements as the output, of type `T`.
pub fn bytes<K: Isa, T: Code, A, B, O>(
    isa: K,
    operands: &Operands<A, B, O>,
    sum: &ByteSum,
    buffers: Buffers<'_>,
) {
    let [start, end] = operands.elems;
    let ByteSum { factors: [a, b], signed, offset, line, shift } = *sum;
    // A byte with a sign, less its sign bit and plus 128, is one without: what that adds is part of the offset.
    let [(x, above), (y, more)] = signed.map(|signed| if signed { (0x80, 128) } else { (0, 0) });
    let offset = offset.wrapping_sub(a.wrapping_mul(above)).wrapping_sub(b.wrapping_mul(more));
    let code = |first: u8, second: u8| {
        let (first, second) = (i32::from(first ^ x), i32::from(second ^ y));
        let acc = a.wrapping_mul(first).wrapping_add(b.wrapping_mul(second)).wrapping_add(offset);
        let acc = line.map_or(acc, |line| isa.multiply_high(acc, line));
        isa.saturate::<T>(acc.wrapping_shr(shift.into())) as u8
    };
    let Buffers { first, second, output } = buffers;
    let Some(output) = output.get_mut(start..end) else { return };
    let [first, second] =
        [first, second].map(|bytes| bytes.map(|bytes| bytes.get(start..end).unwrap_or_default()));
    let done = isa.sums_of_bytes::<T>(sum, [first, second], output);
    let Some(output) = output.get_mut(done..).filter(|rest| !rest.is_empty()) else { return };
    let [first, second] =
        [first, second].map(|bytes| bytes.map(|bytes| bytes.get(done..).unwrap_or_default()));
    match (first, second) {
        (Some(first), Some(second)) => {
            let ((fours, last), (firsts, last_first), (seconds, last_second)) =
                (output.as_chunks_mut::<4>(), first.as_chunks::<4>(), second.as_chunks::<4>());
            for ((to, [p, q, r, s]), [t, u, v, w]) in fours.iter_mut().zip(firsts).zip(seconds) {
                *to = [code(*p, *t), code(*q, *u), code(*r, *v), code(*s, *w)];
            }
            for ((to, first), second) in last.iter_mut().zip(last_first).zip(last_second) {
                *to = code(*first, *second);
            }
        }
        (None, Some(second)) => in_place(output, second, code),
        (Some(first), None) => in_place(output, first, |own, other| code(other, own)),
        (None, None) => output.iter_mut().for_each(|to| *to = code(*to, *to)),
    }
}

/// Replaces the bytes of one operand by codes.
#[inline(always)]
fn in_place(output: &mut [u8], other: &[u8], code: impl Fn(u8, u8) -> u8) {
    let ((fours, last), (others, last_other)) = (output.as_chunks_mut::<4>(), other.as_chunks::<4>());
    for (to, [t, u, v, w]) in fours.iter_mut().zip(others) {
        let [p, q, r, s] = *to;
        *to = [code(p, *t), code(q, *u), code(r, *v), code(s, *w)];
    }
    for (to, other) in last.iter_mut().zip(last_other) {
        *to = code(*to, *other);
    }
}
