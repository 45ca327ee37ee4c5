//! Weighted sums of bytes from codes to codes: 39 instructions for four, 35 where sums are kept.

use core::arch::asm;

use exactum_num::codes::Element;

use crate::byte_sum::ByteSum;

/// One of four sums: bytes are taken apart by `$extend`, which turns them by `$turn`; `$keep` puts the code into `r6`.
macro_rules! one {
    ($extend:literal, $high:literal, $saturate:literal, $turn:literal, $keep:literal) => {
        concat!(
            $extend,
            " r3, r12",
            $turn,
            "\n",
            "mla r3, r3, r4, r8\n",
            $extend,
            " r7, lr",
            $turn,
            "\n",
            "mla r3, r7, r5, r3\n",
            $high,
            "asr r3, r3, r11\n",
            $saturate,
            " r3, #8, r3\n",
            $keep,
            "\n",
        )
    };
}

/// A function of `bytes` bytes, a multiple of four and not 0.
macro_rules! function {
    ($name:ident, $extend:literal, $high:literal, $saturate:literal) => {
        /// # Safety
        /// `bytes` bytes can be read at `first` and at `second`, and written at `to`.
        #[inline(always)]
        unsafe fn $name(sum: &ByteSum, first: *const u8, second: *const u8, to: *mut u8, bytes: usize) {
            let ByteSum { factors: [a, b], offset, line, shift, .. } = *sum;
            let [multiplier, addend] = line.unwrap_or_default();
            // SAFETY: the loop reads both operands from start to end and writes as many bytes; a word is read before the one at the
            // same place is written. Words lie at any address. It pushes what it changes besides its outputs, and pops that.
            unsafe {
                asm!(
                    "push {{r6, r7}}",
                    "push {{r3}}",
                    "2:",
                    "ldr r12, [r0], #4",
                    "ldr lr, [r1], #4",
                    one!($extend, $high, $saturate, "", "uxtb r6, r3"),
                    one!($extend, $high, $saturate, ", ror #8", "bfi r6, r3, #8, #8"),
                    one!($extend, $high, $saturate, ", ror #16", "bfi r6, r3, #16, #8"),
                    one!($extend, $high, $saturate, ", ror #24", "bfi r6, r3, #24, #8"),
                    "str r6, [r2], #4",
                    "ldr r7, [sp]",
                    "subs r7, r7, #4",
                    "str r7, [sp]",
                    "bne 2b",
                    "add sp, sp, #4",
                    "pop {{r6, r7}}",
                    inout("r0") first => _,
                    inout("r1") second => _,
                    inout("r2") to => _,
                    // The bytes that are left, which lie on the stack from the first instruction on.
                    inout("r3") bytes => _,
                    in("r4") a,
                    in("r5") b,
                    in("r8") offset,
                    in("r9") multiplier,
                    in("r10") addend,
                    in("r11") u32::from(shift & 31),
                    out("r12") _,
                    out("lr") _,
                );
            }
        }
    };
}

/// Both functions of two signs: of high words, and of sums as they are.
macro_rules! functions {
    ($high:ident, $kept:ident, $extend:literal, $saturate:literal) => {
        function!($high, $extend, "smmlar r3, r3, r9, r10\n", $saturate);
        function!($kept, $extend, "", $saturate);
    };
}

functions!(high_unsigned_to_unsigned, unsigned_to_unsigned, "uxtb", "usat");
functions!(high_unsigned_to_signed, unsigned_to_signed, "uxtb", "ssat");
functions!(high_signed_to_unsigned, signed_to_unsigned, "sxtb", "usat");
functions!(high_signed_to_signed, signed_to_signed, "sxtb", "ssat");

/// As [`Isa::sums_of_bytes`](crate::Isa::sums_of_bytes).
#[inline(never)]
pub(in super::super) fn sums_of_bytes(
    sum: &ByteSum,
    element: Element,
    [first, second]: [Option<&[u8]>; 2],
    output: &mut [u8],
) -> usize {
    let lens = [first, second].map(|bytes| bytes.map_or(output.len(), <[u8]>::len));
    let bytes = lens[0].min(lens[1]).min(output.len()) & !3;
    let [a, b] = sum.signed;
    if bytes == 0 || a != b {
        return 0;
    }
    let to = output.as_mut_ptr();
    let [first, second] = [first, second].map(|bytes| bytes.map_or(to.cast_const(), <[u8]>::as_ptr));
    // SAFETY: all three slices have as many bytes or more; an operand that is none lies at the output.
    unsafe {
        match (sum.line.is_some(), a, element) {
            (true, false, Element::U8) => high_unsigned_to_unsigned(sum, first, second, to, bytes),
            (true, false, _) => high_unsigned_to_signed(sum, first, second, to, bytes),
            (true, true, Element::U8) => high_signed_to_unsigned(sum, first, second, to, bytes),
            (true, true, _) => high_signed_to_signed(sum, first, second, to, bytes),
            (false, false, Element::U8) => unsigned_to_unsigned(sum, first, second, to, bytes),
            (false, false, _) => unsigned_to_signed(sum, first, second, to, bytes),
            (false, true, Element::U8) => signed_to_unsigned(sum, first, second, to, bytes),
            (false, true, _) => signed_to_signed(sum, first, second, to, bytes),
        }
    }
    bytes
}
