//! Eight filters in pairs times the codes of one position: 29 instructions for 32 products.

use core::arch::asm;

use super::super::{Halves, pairs};
use super::Dsp;
use super::turns::turns_of_one;

/// As [`Isa::dot_one`](crate::Isa::dot_one).
#[inline(always)]
pub(super) fn dot_one(codes: &[[i16; 4]], weights: &[[i16; 8]], starts: [[i32; 4]; 2]) -> [[i32; 4]; 2] {
    let (from, rows) = (codes.as_ptr(), weights.as_ptr());
    // Two words at once are loaded from multiples of four only; arenas and constants lie at multiples of eight.
    let aligned = (from.addr() | rows.addr()) & 3 == 0;
    if codes.is_empty() || weights.len() >> 1 < codes.len() || !aligned {
        return pairs::dot_one::<Halves<Dsp>>(codes, weights, starts);
    }
    let [[mut p, mut pq, mut r, mut rs], [mut t, mut tu, mut v, mut vw]] = starts.map(pairs::started);
    // The loop has eight turns in a row, of 116 bytes each; it starts behind those that are too many.
    let behind = (codes.len().wrapping_neg() & 7).wrapping_mul(116);
    // SAFETY: the loop reads `codes` from start to end, a multiple of 8 bytes and not empty, and for each 8 bytes of them two
    // rows of 16 bytes of `weights`, which has as many. All instructions from label 2 to the end of the eighth turn take 4
    // bytes, so that the jump meets the start of a turn. It writes what it pushes, and pops that; other registers it changes
    // are outputs.
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
            turns_of_one!(),
            "ldr r0, [sp]",
            "cmp r3, r0",
            "bne 2b",
            "add sp, sp, #4",
            "pop {{r6, r7}}",
            inout("r0") behind => _,
            inout("r1") codes.as_ptr_range().end => _,
            inout("r2") rows => _,
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
