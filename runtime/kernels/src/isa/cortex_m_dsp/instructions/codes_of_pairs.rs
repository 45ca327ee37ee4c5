//! Filters in pairs from codes to codes, in registers from the first product to the last byte.
//!
//! The frame of a function, from the stack pointer on: end of the codes, their start, the turn to begin with, offsets,
//! lines, both places of codes, blocks left, the steps of the weights to the next block, and the shift.

use core::arch::global_asm;

use exactum_num::codes::Element;

use super::begin::begin;
use super::turns::{turns_of_one, turns_of_two};
use crate::high_form::HighForm;

/// What the functions are told; they change it.
#[repr(C)]
struct Frame {
    /// The first weight of the first block.
    weights: *const i16,
    end: *const [i16; 4],
    codes: *const [i16; 4],
    /// Bytes of turns that are too many in the first round of the loop.
    behind: usize,
    offsets: *const i32,
    lines: *const [i32; 2],
    outputs: [*mut u8; 2],
    blocks: usize,
    steps: [isize; 2],
    shift: u32,
}

unsafe extern "C" {
    fn exactum_two_u8(frame: *const Frame);
    fn exactum_two_i8(frame: *const Frame);
    fn exactum_one_u8(frame: *const Frame);
    fn exactum_one_i8(frame: *const Frame);
}

/// The start of a function: registers are saved, the frame is copied behind them, `behind` becomes an address.
macro_rules! enter {
    ($name:literal) => {
        concat!(
            begin!($name),
            "push {{r4-r11, lr}}\n",
            "sub sp, sp, #44\n",
            "ldr r2, [r0], #4\n",
            "ldmia r0, {{r1, r3-r12}}\n",
            "adr.w r0, 2f\n",
            "add r4, r4, r0\n",
            "orr r4, r4, #1\n",
            "stmia sp, {{r1, r3-r12}}\n",
        )
    };
}

/// Two lines, and the high words that they make of sums.
macro_rules! lines {
    ($($even:literal $odd:literal)+) => {
        concat!(
            "ldmia r0!, {{r1, r3, r6, r7}}\n",
            $(
                "smmlar ", $even, ", ", $even, ", r1, r3\n",
                "smmlar ", $odd, ", ", $odd, ", r6, r7\n",
            )+
        )
    };
}

/// Codes of eight high words, which are in r4, r5, r8 to r12 and lr. Takes r0.
macro_rules! codes {
    ($saturate:literal) => {
        concat!(
            "ldr r0, [sp, #40]\n",
            "asr r4, r4, r0\n",
            "asr r5, r5, r0\n",
            "asr r8, r8, r0\n",
            "asr r9, r9, r0\n",
            "asr r10, r10, r0\n",
            "asr r11, r11, r0\n",
            "asr r12, r12, r0\n",
            "asr lr, lr, r0\n",
            $saturate,
            " r4, #8, r4\n",
            $saturate,
            " r5, #8, r5\n",
            $saturate,
            " r8, #8, r8\n",
            $saturate,
            " r9, #8, r9\n",
            $saturate,
            " r10, #8, r10\n",
            $saturate,
            " r11, #8, r11\n",
            $saturate,
            " r12, #8, r12\n",
            $saturate,
            " lr, #8, lr\n",
            "bfi r4, r5, #8, #8\n",
            "bfi r4, r8, #16, #8\n",
            "bfi r4, r9, #24, #8\n",
            "bfi r10, r11, #8, #8\n",
            "bfi r10, r12, #16, #8\n",
            "bfi r10, lr, #24, #8\n",
        )
    };
}

/// The sums of odd filters, of which the even ones' are taken off.
macro_rules! odd_sums {
    () => {
        concat!(
            "sub r5, r5, r4\n",
            "asr r5, r5, #8\n",
            "sub r9, r9, r8\n",
            "asr r9, r9, #8\n",
            "sub r11, r11, r10\n",
            "asr r11, r11, #8\n",
            "sub lr, lr, r12\n",
            "asr lr, lr, #8\n",
        )
    };
}

/// The end of the loop over codes.
macro_rules! next_codes {
    () => {
        "ldr r0, [sp]\ncmp r3, r0\nbne 2b\n"
    };
}

/// The end of the loop over blocks, and of the function.
macro_rules! leave {
    ($name:literal) => {
        concat!(
            "ldr r0, [sp, #28]\n",
            "subs r0, r0, #1\n",
            "str r0, [sp, #28]\n",
            "bne 4b\n",
            "add sp, sp, #44\n",
            "pop {{r4-r11, pc}}\n",
            ".size ",
            $name,
            ", . - ",
            $name,
            "\n",
        )
    };
}

/// Blocks of four filters at two positions. The loop over codes has sixteen turns in a row, of 48 bytes each.
macro_rules! two {
    ($name:literal, $saturate:literal) => {
        global_asm!(
            enter!($name),
            "4:",
            "ldr r0, [sp, #12]",
            "ldmia r0!, {{r4, r5, r8, r9}}",
            "str r0, [sp, #12]",
            "add r5, r4, r5, lsl #8",
            "add r9, r8, r9, lsl #8",
            "mov r10, r4",
            "mov r11, r5",
            "mov r12, r8",
            "mov lr, r9",
            "ldrd r3, r6, [sp, #4]",
            "bx r6",
            ".p2align 2",
            "2:",
            turns_of_two!(),
            next_codes!(),
            odd_sums!(),
            "ldr r0, [sp, #16]",
            lines!("r4" "r5" "r10" "r11"),
            lines!("r8" "r9" "r12" "lr"),
            "str r0, [sp, #16]",
            codes!($saturate),
            "ldrd r0, r1, [sp, #20]",
            "str r4, [r0], #4",
            "str r10, [r1], #4",
            "strd r0, r1, [sp, #20]",
            "ldrd r6, r7, [sp, #32]",
            "add r2, r2, r6",
            "strd r7, r6, [sp, #32]",
            leave!($name),
        );
    };
}

two!("exactum_two_u8", "usat");
two!("exactum_two_i8", "ssat");

/// Blocks of eight filters at one position. The loop over codes has eight turns in a row, of 116 bytes each.
macro_rules! one {
    ($name:literal, $saturate:literal) => {
        global_asm!(
            enter!($name),
            "4:",
            "ldr r0, [sp, #12]",
            "ldmia r0!, {{r4, r5, r8-r12, lr}}",
            "str r0, [sp, #12]",
            "add r5, r4, r5, lsl #8",
            "add r9, r8, r9, lsl #8",
            "add r11, r10, r11, lsl #8",
            "add lr, r12, lr, lsl #8",
            "ldrd r3, r6, [sp, #4]",
            "bx r6",
            ".p2align 2",
            "2:",
            turns_of_one!(),
            next_codes!(),
            odd_sums!(),
            "ldr r0, [sp, #16]",
            lines!("r4" "r5"),
            lines!("r8" "r9"),
            lines!("r10" "r11"),
            lines!("r12" "lr"),
            "str r0, [sp, #16]",
            codes!($saturate),
            "ldr r0, [sp, #20]",
            "str r4, [r0], #4",
            "str r10, [r0], #4",
            "str r0, [sp, #20]",
            leave!($name),
        );
    };
}

one!("exactum_one_u8", "usat");
one!("exactum_one_i8", "ssat");

/// As [`Isa::codes_of_two`](crate::Isa::codes_of_two), of outputs of 8 bits of type `element`.
#[inline(never)]
pub(in super::super) fn codes_of_two(
    codes: &[[i16; 4]],
    weights: &[[i16; 8]],
    form: &HighForm<'_>,
    element: Element,
    [first, second]: [&mut [u8]; 2],
) -> usize {
    let quads =
        [first.len(), second.len(), form.offsets.len(), form.lines.len()].map(|channels| channels >> 2);
    let blocks = quads.into_iter().min().unwrap_or_default();
    let rows = blocks.div_ceil(2).checked_mul(codes.len());
    let row_bytes = codes.len().wrapping_mul(16) as isize;
    let mut frame = Frame {
        behind: (codes.len().wrapping_neg() & 15).wrapping_mul(48),
        outputs: [first.as_mut_ptr(), second.as_mut_ptr()],
        blocks,
        // From the first half of the rows of a block to the last, and from there to those of the next block.
        steps: [8isize.wrapping_sub(row_bytes), -8],
        ..Frame::new(codes, weights, form)
    };
    if !frame.is_aligned() || blocks == 0 || codes.is_empty() || rows.is_none_or(|rows| rows > weights.len())
    {
        return 0;
    }
    // SAFETY: the functions read `codes` from start to end, which are not empty, and as many halves of rows of `weights` for
    // each of `blocks` blocks, two of which share their rows; as many fours of offsets and lines; and they write as many
    // fours of bytes of both outputs. All that was checked to be there. Pairs of words lie at multiples of four. All
    // instructions from label 2 to the end of the last turn take 4 bytes, so that the jump meets the start of a turn.
    unsafe {
        match element {
            Element::U8 => exactum_two_u8(&raw mut frame),
            Element::I8 => exactum_two_i8(&raw mut frame),
            _ => return 0,
        }
    }
    blocks
}

/// As [`Isa::codes_of_one`](crate::Isa::codes_of_one), of outputs of 8 bits of type `element`.
#[inline(never)]
pub(in super::super) fn codes_of_one(
    codes: &[[i16; 4]],
    weights: &[[i16; 8]],
    form: &HighForm<'_>,
    element: Element,
    output: &mut [u8],
) -> usize {
    let octets = [output.len(), form.offsets.len(), form.lines.len()].map(|channels| channels >> 3);
    let blocks = octets.into_iter().min().unwrap_or_default();
    let rows = blocks.checked_mul(codes.len()).and_then(|rows| rows.checked_mul(2));
    let mut frame = Frame {
        behind: (codes.len().wrapping_neg() & 7).wrapping_mul(116),
        outputs: [output.as_mut_ptr(); 2],
        blocks,
        ..Frame::new(codes, weights, form)
    };
    if !frame.is_aligned() || blocks == 0 || codes.is_empty() || rows.is_none_or(|rows| rows > weights.len())
    {
        return 0;
    }
    // SAFETY: the functions read `codes` from start to end, which are not empty, and two rows of `weights` for each of their
    // fours and each of `blocks` blocks; as many eights of offsets and lines; and they write as many eights of bytes of
    // the output. All that was checked to be there. Pairs of words lie at multiples of four. All instructions from label 2 to
    // the end of the last turn take 4 bytes, so that the jump meets the start of a turn.
    unsafe {
        match element {
            Element::U8 => exactum_one_u8(&raw mut frame),
            Element::I8 => exactum_one_i8(&raw mut frame),
            _ => return 0,
        }
    }
    blocks
}

impl Frame {
    fn new(codes: &[[i16; 4]], weights: &[[i16; 8]], form: &HighForm<'_>) -> Self {
        let range = codes.as_ptr_range();
        Self {
            weights: weights.as_ptr().cast(),
            end: range.end,
            codes: range.start,
            behind: 0,
            offsets: form.offsets.as_ptr(),
            lines: form.lines.as_ptr(),
            outputs: [core::ptr::null_mut(); 2],
            blocks: 0,
            steps: [0; 2],
            shift: (form.shift & 31).into(),
        }
    }

    /// Whether codes and weights lie at multiples of four, from which pairs of words are loaded.
    fn is_aligned(&self) -> bool {
        (self.codes.addr() | self.weights.addr()) & 3 == 0
    }
}
