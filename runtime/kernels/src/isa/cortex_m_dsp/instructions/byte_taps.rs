//! Taps of four channels in bytes: eight instructions for four products.

use core::arch::asm;

use crate::isa::Taps;

/// The loop over rows of taps, columns by `$column`s, each with the address of its codes, that take bytes apart by `$extend`.
macro_rules! rows {
    ($extend:literal, [$($address:literal)*], $taps:ident, $codes:ident, $weights:ident, $sums:ident) => {{
        let Taps { size: [rows, columns], codes: [down, right], row_weights } = *$taps;
        let after = row_weights.wrapping_sub(columns).wrapping_mul(size_of::<[i16; 4]>());
        let [mut a, mut b, mut c, mut d] = $sums;
        // SAFETY: the loop reads, `rows` times, which is not 0, as many words of `codes` and pairs of words of `weights` as
        // there are columns, at the places that were checked to lie inside. Armv7E-M loads words from any address; pairs of
        // them lie at a multiple of four, which was checked. It writes what it pushes, and pops that; other registers it
        // changes are outputs.
        unsafe {
            asm!(
                "push {{r6, r7}}",
                "2:",
                $(
                concat!("ldr r0, ", $address),
                "ldrd r6, r7, [r3], #8",
                concat!($extend, " r1, r0"),
                concat!($extend, " r0, r0, ror #8"),
                "smlabb r8, r1, r6, r8",
                "smlabt r9, r0, r6, r9",
                "smlatb r10, r1, r7, r10",
                "smlatt r11, r0, r7, r11",
                )*
                "add r2, r2, r5",
                "add r3, r3, lr",
                "subs r12, r12, #1",
                "bne 2b",
                "pop {{r6, r7}}",
                out("r0") _,
                out("r1") _,
                inout("r2") $codes.as_ptr() => _,
                inout("r3") $weights.as_ptr() => _,
                in("r4") right,
                in("r5") down,
                inout("r8") a,
                inout("r9") b,
                inout("r10") c,
                inout("r11") d,
                inout("r12") rows => _,
                in("lr") after,
            );
        }
        Some([a, b, c, d])
    }};
}

/// As [`Isa::dot_taps`](crate::Isa::dot_taps), of two or three columns with zero point 0; `None` where there are other taps.
#[inline(always)]
pub(super) fn dot_byte_taps(
    taps: &Taps,
    codes: &[u8],
    signed: bool,
    weights: &[[i16; 4]],
    sums: [i32; 4],
) -> Option<[i32; 4]> {
    if !taps.fit(codes.len(), weights.len()) || weights.as_ptr().addr() & 3 != 0 {
        return None;
    }
    match (taps.size[1], signed) {
        (3, false) => rows!("uxtb16", ["[r2]" "[r2, r4]" "[r2, r4, lsl #1]"], taps, codes, weights, sums),
        (2, false) => rows!("uxtb16", ["[r2]" "[r2, r4]"], taps, codes, weights, sums),
        (3, true) => rows!("sxtb16", ["[r2]" "[r2, r4]" "[r2, r4, lsl #1]"], taps, codes, weights, sums),
        (2, true) => rows!("sxtb16", ["[r2]" "[r2, r4]"], taps, codes, weights, sums),
        _ => None,
    }
}
