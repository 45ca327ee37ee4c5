//! Four filters in pairs times the codes of two positions: twelve instructions for sixteen products.

use core::arch::asm;

use super::super::{Halves, pairs};
use super::Dsp;
use super::turns::turns_of_two;

/// As [`Isa::dot_two`](crate::Isa::dot_two).
#[inline(always)]
pub(super) fn dot_two(
    codes: &[[i16; 4]],
    weights: &[[i16; 8]],
    last: bool,
    starts: [i32; 4],
) -> [[i32; 4]; 2] {
    let (from, rows) = (codes.as_ptr(), weights.as_ptr());
    // Two words at once are loaded from multiples of four only; arenas and constants lie at multiples of eight.
    let aligned = (from.addr() | rows.addr()) & 3 == 0;
    if codes.is_empty() || weights.len() < codes.len() || !aligned {
        return pairs::dot_two::<Halves<Dsp>>(codes, weights, last, starts);
    }
    let [a, ab, c, cd] = pairs::started(starts);
    let (mut p, mut pq, mut r, mut rs) = (a, ab, c, cd);
    let (mut t, mut tu, mut v, mut vw) = (a, ab, c, cd);
    // The loop has sixteen turns in a row, of 48 bytes each; it starts behind those that are too many.
    let behind = (codes.len().wrapping_neg() & 15).wrapping_mul(48);
    let first = rows.cast::<i16>().wrapping_add(if last { 4 } else { 0 });
    // SAFETY: the loop reads `codes` from start to end, a multiple of 8 bytes and not empty, and for each 8 bytes of them 8
    // of the 16 bytes of a row of `weights`, which has as many rows. All instructions from label 2 to the end of the
    // sixteenth turn take 4 bytes, so that the jump meets the start of a turn. It writes what it pushes, and pops that; other
    // registers it changes are outputs.
    unsafe {
        asm!(
            "push {{r6, r7}}",
            "push {{r1}}",
            "adr.w r6, 2f",
            "add r6, r6, r0",
            "orr r6, r6, #1",
            "bx r6",
            ".p2align 2",
            "2:",
            turns_of_two!(),
            "ldr r0, [sp]",
            "cmp r3, r0",
            "bne 2b",
            "add sp, sp, #4",
            "pop {{r6, r7}}",
            inout("r0") behind => _,
            inout("r1") codes.as_ptr_range().end => _,
            inout("r2") first => _,
            inout("r3") from => _,
            inout("r4") p,
            inout("r5") pq,
            inout("r8") r,
            inout("r9") rs,
            inout("r10") t,
            inout("r11") tu,
            inout("r12") v,
            inout("lr") vw,
        );
    }
    [pairs::finished([p, pq, r, rs]), pairs::finished([t, tu, v, vw])]
}
