//! Sums of bytes by the form `multiply-high` or `multiply32`, of one line for all channels: each code is made in registers. Called by
//! `add`, and by code that is written for one model.

use exactum_num::codes::Code;

use crate::byte_sum::ByteSum;
use crate::elementwise::{Buffers, Operands};
use crate::isa::Isa;

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
