//! Bytes to pairs of 16 bits: nine instructions for four codes.

use core::arch::asm;

use crate::isa::Spread;

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
