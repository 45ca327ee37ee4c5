//! Weighted sums of bytes from codes to codes: 39 instructions for four.

use core::arch::asm;

use exactum_num::codes::Element;

use crate::add::HighSum;

/// One of four sums: bytes are taken apart by `$extend`, which turns them by `$turn`; `$keep` puts the code into `r6`.
macro_rules! one {
    ($extend:literal, $saturate:literal, $turn:literal, $keep:literal) => {
        concat!(
            $extend,
            " {x}, {p}",
            $turn,
            "\n",
            "mla {x}, {x}, {a}, {offset}\n",
            $extend,
            " r7, {q}",
            $turn,
            "\n",
            "mla {x}, r7, {b}, {x}\n",
            "smmlar {x}, {x}, {multiplier}, {addend}\n",
            "asr {x}, {x}, {shift}\n",
            $saturate,
            " {x}, #8, {x}\n",
            $keep,
            "\n",
        )
    };
}

/// A function of `bytes` bytes, a multiple of four and not 0.
macro_rules! function {
    ($name:ident, $extend:literal, $saturate:literal) => {
        /// # Safety
        /// `bytes` bytes can be read at `first` and at `second`, and written at `to`.
        #[inline(always)]
        unsafe fn $name(sum: &HighSum, first: *const u8, second: *const u8, to: *mut u8, bytes: usize) {
            let HighSum { factors: [a, b], offset, line: [multiplier, addend], shift, .. } = *sum;
            // SAFETY: the loop reads both operands from start to end and writes as many bytes; a word is read before the one at the
            // same place is written. Words lie at any address. It pushes what it changes besides its outputs, and pops that.
            unsafe {
                asm!(
                    "push {{r6, r7}}",
                    "push {{{x}}}",
                    "2:",
                    "ldr {p}, [{first}], #4",
                    "ldr {q}, [{second}], #4",
                    one!($extend, $saturate, "", "uxtb r6, {x}"),
                    one!($extend, $saturate, ", ror #8", "bfi r6, {x}, #8, #8"),
                    one!($extend, $saturate, ", ror #16", "bfi r6, {x}, #16, #8"),
                    one!($extend, $saturate, ", ror #24", "bfi r6, {x}, #24, #8"),
                    "str r6, [{to}], #4",
                    "ldr r7, [sp]",
                    "subs r7, r7, #4",
                    "str r7, [sp]",
                    "bne 2b",
                    "add sp, sp, #4",
                    "pop {{r6, r7}}",
                    first = inout(reg) first => _,
                    second = inout(reg) second => _,
                    to = inout(reg) to => _,
                    // The bytes that are left, which lie on the stack from the first instruction on.
                    x = inout(reg) bytes => _,
                    a = in(reg) a,
                    b = in(reg) b,
                    offset = in(reg) offset,
                    multiplier = in(reg) multiplier,
                    addend = in(reg) addend,
                    shift = in(reg) u32::from(shift & 31),
                    p = out(reg) _,
                    q = out(reg) _,
                );
            }
        }
    };
}

function!(unsigned_to_unsigned, "uxtb", "usat");
function!(unsigned_to_signed, "uxtb", "ssat");
function!(signed_to_unsigned, "sxtb", "usat");
function!(signed_to_signed, "sxtb", "ssat");

/// As [`Isa::sums_of_bytes`](crate::Isa::sums_of_bytes).
#[inline(never)]
pub(in super::super) fn sums_of_bytes(
    sum: &HighSum,
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
        match (a, element) {
            (false, Element::U8) => unsigned_to_unsigned(sum, first, second, to, bytes),
            (false, _) => unsigned_to_signed(sum, first, second, to, bytes),
            (true, Element::U8) => signed_to_unsigned(sum, first, second, to, bytes),
            (true, _) => signed_to_signed(sum, first, second, to, bytes),
        }
    }
    bytes
}
