//! Bytes to pairs of 16 bits: nine instructions for four codes.

use core::arch::asm;

use crate::isa::{Rows, Spread};

/// The loop over words of bytes, which `$extend` takes apart and `$subtract` subtracts from, to pairs `$step` bytes apart.
macro_rules! words {
    ($extend:literal, [$($subtract:literal)*], $step:literal, $from:ident, $words:ident, $to:ident, $zero:ident) => {
        // SAFETY: the loop reads `words` words, which are not 0, from `from` on, and writes twice as many pairs from `to` on, as far
        // apart as they were checked to fit. Armv7E-M loads and stores words at any address.
        unsafe {
            asm!(
                "2:",
                "ldr {word}, [{from}], #4",
                concat!($extend, " {even}, {word}"),
                concat!($extend, " {word}, {word}, ror #8"),
                $($subtract,)*
                "pkhbt {pair}, {even}, {word}, lsl #16",
                "pkhtb {word}, {word}, {even}, asr #16",
                concat!("str {pair}, [{to}], #", $step),
                concat!("str {word}, [{to}], #", $step),
                "subs {words}, {words}, #1",
                "bne 2b",
                from = inout(reg) $from => _,
                to = inout(reg) $to => _,
                words = inout(reg) $words => _,
                zero = in(reg) $zero,
                word = out(reg) _,
                even = out(reg) _,
                pair = out(reg) _,
                options(nostack),
            );
        }
    };
}

/// As [`spread_bytes`](super::super::bytes::spread_bytes).
#[inline(always)]
pub(super) fn spread_bytes(bytes: &[u8], signed: bool, zero_point: i32, at: Spread, to: &mut [i16]) {
    let Some(to) = to.get_mut(at.first()..) else { return };
    let words = bytes.len() >> 2;
    // The last pair is the last to end.
    let end = at.places(words.wrapping_mul(4)).wrapping_sub(at.places(2)).wrapping_add(2);
    if words == 0 || end > to.len() {
        return;
    }
    let zero = u32::from(zero_point as u16).wrapping_mul(0x0001_0001);
    let (from, to) = (bytes.as_ptr(), to.as_mut_ptr());
    match (at, signed, zero) {
        (Spread::Only, false, 0) => words!("uxtb16", ["// {zero}"], 4, from, words, to, zero),
        (Spread::Only, true, 0) => words!("sxtb16", ["// {zero}"], 4, from, words, to, zero),
        (Spread::Only, false, _) => {
            words!("uxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], 4, from, words, to, zero);
        }
        (Spread::Only, true, _) => {
            words!("sxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], 4, from, words, to, zero);
        }
        (_, false, 0) => words!("uxtb16", ["// {zero}"], 8, from, words, to, zero),
        (_, true, 0) => words!("sxtb16", ["// {zero}"], 8, from, words, to, zero),
        (_, false, _) => {
            words!("uxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], 8, from, words, to, zero);
        }
        (_, true, _) => {
            words!("sxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], 8, from, words, to, zero);
        }
    }
}

/// The loop over rows and their words of two positions, which `$extend` takes apart.
macro_rules! two {
    ($extend:literal, $from:ident, $to:ident, $words:ident, $rows:ident, $after:ident) => {{
        let [first, second] = $from;
        // SAFETY: the loop reads `words` words, which are not 0, of each of `rows` rows, which are not 0, from both places on,
        // `after` bytes from the end of one row to the next, and writes four words for each two of them from `to` on: all of that
        // was checked to lie inside. Armv7E-M loads and stores words at any address.
        unsafe {
            asm!(
                "2:",
                "mov {left}, {words}",
                "3:",
                "ldr {a}, [{first}], #4",
                "ldr {b}, [{second}], #4",
                concat!($extend, " {even}, {a}"),
                concat!($extend, " {a}, {a}, ror #8"),
                "pkhbt {pair}, {even}, {a}, lsl #16",
                "pkhtb {a}, {a}, {even}, asr #16",
                "str {pair}, [{to}], #4",
                concat!($extend, " {even}, {b}"),
                concat!($extend, " {b}, {b}, ror #8"),
                "pkhbt {pair}, {even}, {b}, lsl #16",
                "pkhtb {b}, {b}, {even}, asr #16",
                "str {pair}, [{to}], #4",
                "str {a}, [{to}], #4",
                "str {b}, [{to}], #4",
                "subs {left}, {left}, #1",
                "bne 3b",
                "add {first}, {first}, {after}",
                "add {second}, {second}, {after}",
                "subs {rows}, {rows}, #1",
                "bne 2b",
                first = inout(reg) first => _,
                second = inout(reg) second => _,
                to = inout(reg) $to => _,
                words = in(reg) $words,
                rows = inout(reg) $rows => _,
                after = in(reg) $after,
                left = out(reg) _,
                a = out(reg) _,
                b = out(reg) _,
                even = out(reg) _,
                pair = out(reg) _,
                options(nostack),
            );
        }
    }};
}

/// The loop over rows and their bytes of two positions, which `$load` loads: eight instructions for two codes.
macro_rules! two_bytes {
    ($load:literal, $from:ident, $to:ident, $elems:ident, $rows:ident, $after:ident) => {{
        let [first, second] = $from;
        // SAFETY: the loop reads `elems` bytes, which are not 0, of each of `rows` rows, which are not 0, from both places on, `after`
        // bytes from the end of one row to the next, and writes two halves of words for each two of them from `to` on, by turns 2 and 6
        // bytes apart: all of that was checked to lie inside.
        unsafe {
            asm!(
                "2:",
                "mov {left}, {elems}",
                "3:",
                concat!($load, " {a}, [{first}], #1"),
                concat!($load, " {b}, [{second}], #1"),
                "strh {a}, [{to}]",
                "strh {b}, [{to}, #4]",
                "add {to}, {to}, {step}",
                "rsb {step}, {step}, #8",
                "subs {left}, {left}, #1",
                "bne 3b",
                "add {first}, {first}, {after}",
                "add {second}, {second}, {after}",
                "subs {rows}, {rows}, #1",
                "bne 2b",
                first = inout(reg) first => _,
                second = inout(reg) second => _,
                to = inout(reg) $to => _,
                elems = in(reg) $elems,
                rows = inout(reg) $rows => _,
                after = in(reg) $after,
                step = inout(reg) 2 => _,
                left = out(reg) _,
                a = out(reg) _,
                b = out(reg) _,
                options(nostack),
            );
        }
    }};
}

/// As [`Isa::spread_two`](crate::Isa::spread_two), of bytes with a sign if `signed`.
#[inline(always)]
pub(in super::super) fn spread_two(bytes: &[u8], signed: bool, rows: &Rows, to: &mut [i16]) -> bool {
    let Rows { first, rows, elems: [elems, apart] } = *rows;
    let Some(before) = rows.checked_sub(1) else { return false };
    let most = if first[0] > first[1] { first[0] } else { first[1] };
    let end = before.checked_mul(apart).and_then(|last| last.checked_add(most)?.checked_add(elems));
    let codes = rows.checked_mul(elems).and_then(|codes| codes.checked_next_multiple_of(4));
    let places = codes.and_then(|codes| codes.checked_mul(2));
    let inside = end.is_some_and(|end| end <= bytes.len()) && places.is_some_and(|places| places <= to.len());
    if !inside || elems == 0 {
        return false;
    }
    let from = first.map(|first| bytes.as_ptr().wrapping_add(first));
    let (places, words, after) = (to.as_mut_ptr(), elems >> 2, apart.wrapping_sub(elems));
    if elems & 3 != 0 {
        let codes = rows.wrapping_mul(elems);
        if signed {
            two_bytes!("ldrsb", from, places, elems, rows, after);
        } else {
            two_bytes!("ldrb", from, places, elems, rows, after);
        }
        // Zeros to a multiple of four.
        for code in codes..codes.next_multiple_of(4) {
            let pair = to.get_mut((code >> 1).wrapping_mul(4)..).and_then(<[i16]>::first_chunk_mut::<4>);
            if let Some([a, b, c, d]) = pair {
                let [first, second] = if code & 1 == 0 { [a, c] } else { [b, d] };
                (*first, *second) = (0, 0);
            }
        }
    } else if signed {
        two!("sxtb16", from, places, words, rows, after);
    } else {
        two!("uxtb16", from, places, words, rows, after);
    }
    true
}
