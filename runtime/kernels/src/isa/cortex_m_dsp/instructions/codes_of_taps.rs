//! Taps of blocks of four channels from codes to codes.
//!
//! The frame of a function, from the stack pointer on: codes and output of the first position, positions, offsets, lines,
//! blocks left, rows of taps, the shift, bytes from one position to the next of codes and of the output, bytes of the rows
//! of weights and of a block; then codes and output of the position at hand, and positions left.

use core::arch::global_asm;

use exactum_num::codes::Element;

use super::begin::begin;
use crate::high_form::HighForm;
use crate::isa::{TapRun, Taps};

/// What the functions are told; they change it.
#[repr(C)]
struct Frame {
    weights: *const [i16; 4],
    right: usize,
    down: usize,
    /// Bytes of weights from one row to the next.
    after: usize,
    codes: *const u8,
    output: *mut u8,
    positions: usize,
    offsets: *const i32,
    lines: *const [i32; 2],
    blocks: usize,
    rows: usize,
    shift: u32,
    /// Bytes from one position to the next.
    step: usize,
    channels: usize,
    /// Bytes of weights from the first row to behind the last.
    rows_of_weights: usize,
    /// Bytes of weights from one block to the next.
    block: usize,
}

/// One tap of four channels: the codes at `$address`, taken apart by `$extend`.
macro_rules! tap {
    ($extend:literal, $address:literal) => {
        concat!(
            "ldr r0, ",
            $address,
            "\n",
            "ldrd r6, r7, [r3], #8\n",
            $extend,
            " r1, r0\n",
            $extend,
            " r0, r0, ror #8\n",
            "smlabb r8, r1, r6, r8\n",
            "smlabt r9, r0, r6, r9\n",
            "smlatb r10, r1, r7, r10\n",
            "smlatt r11, r0, r7, r11\n",
        )
    };
}

/// From sums to codes, which are stored; then the next position, and the next block.
macro_rules! leave {
    ($saturate:literal, $label:literal) => {
        concat!(
            "ldr r12, [sp, #16]\n",
            "ldmia r12!, {{r0, r1, r6, r7}}\n",
            "smmlar r8, r8, r0, r1\n",
            "smmlar r9, r9, r6, r7\n",
            "ldmia r12, {{r0, r1, r6, r7}}\n",
            "smmlar r10, r10, r0, r1\n",
            "smmlar r11, r11, r6, r7\n",
            "ldr r7, [sp, #28]\n",
            "asr r8, r8, r7\n",
            "asr r9, r9, r7\n",
            "asr r10, r10, r7\n",
            "asr r11, r11, r7\n",
            $saturate,
            " r8, #8, r8\n",
            $saturate,
            " r9, #8, r9\n",
            $saturate,
            " r10, #8, r10\n",
            $saturate,
            " r11, #8, r11\n",
            "bfi r8, r9, #8, #8\n",
            "bfi r8, r10, #16, #8\n",
            "bfi r8, r11, #24, #8\n",
            // Places of this position, and how far it is to the next.
            "ldrd r2, r0, [sp, #48]\n",
            "ldrd r6, r7, [sp, #32]\n",
            "str r8, [r0]\n",
            "add r2, r2, r6\n",
            "add r0, r0, r7\n",
            "strd r2, r0, [sp, #48]\n",
            "ldr r1, [sp, #40]\n",
            "sub r3, r3, r1\n",
            "ldr r0, [sp, #56]\n",
            "subs r0, r0, #1\n",
            "str r0, [sp, #56]\n",
            "bne 5b\n",
            // Of the first position, the next block.
            "ldrd r0, r1, [sp, #12]\n",
            "add r0, r0, #16\n",
            "add r1, r1, #32\n",
            "strd r0, r1, [sp, #12]\n",
            "ldrd r0, r1, [sp]\n",
            "add r0, r0, #4\n",
            "add r1, r1, #4\n",
            "strd r0, r1, [sp]\n",
            "ldr r0, [sp, #44]\n",
            "add r3, r3, r0\n",
            "ldr r0, [sp, #20]\n",
            "subs r0, r0, #1\n",
            "str r0, [sp, #20]\n",
            "bne 4b\n",
            "add sp, sp, #60\n",
            "pop {{r4-r11, pc}}\n",
            ".size ",
            $label,
            ", . - ",
            $label,
            "\n",
        )
    };
}

/// The start of a function, of a block and of a position.
macro_rules! enter {
    ($label:literal) => {
        concat!(
            begin!($label),
            "push {{r4-r11, lr}}\n",
            "sub sp, sp, #60\n",
            "ldr r3, [r0], #4\n",
            "ldr r4, [r0], #4\n",
            "ldr r5, [r0], #4\n",
            "ldr lr, [r0], #4\n",
            "ldmia r0!, {{r1, r2, r6, r7}}\n",
            "stmia sp, {{r1, r2, r6, r7}}\n",
            "ldmia r0, {{r1, r2, r6-r11}}\n",
            "add r0, sp, #16\n",
            "stmia r0, {{r1, r2, r6-r11}}\n",
            "4:\n",
            "ldrd r1, r2, [sp]\n",
            "ldr r0, [sp, #8]\n",
            "strd r1, r2, [sp, #48]\n",
            "str r0, [sp, #56]\n",
            "mov r2, r1\n",
            "5:\n",
            "ldr r0, [sp, #12]\n",
            "ldmia r0, {{r8-r11}}\n",
        )
    };
}

/// Rows of taps, each of those at `$address`.
macro_rules! function {
    ($name:ident, $label:literal, $extend:literal, $saturate:literal, $($address:literal)*) => {
        unsafe extern "C" {
            fn $name(frame: *const Frame);
        }
        global_asm!(
            enter!($label),
            "ldr r12, [sp, #24]",
            "2:",
            $(tap!($extend, $address),)*
            "add r2, r2, r5",
            "add r3, r3, lr",
            "subs r12, r12, #1",
            "bne 2b",
            leave!($saturate, $label),
        );
    };
}

/// Three whole rows of three taps.
macro_rules! nine {
    ($name:ident, $label:literal, $extend:literal, $saturate:literal) => {
        unsafe extern "C" {
            fn $name(frame: *const Frame);
        }
        global_asm!(
            enter!($label),
            nine!(@row $extend),
            "add r2, r2, r5",
            nine!(@row $extend),
            "add r2, r2, r5",
            nine!(@row $extend),
            leave!($saturate, $label),
        );
    };
    (@row $extend:literal) => {
        concat!(tap!($extend, "[r2]"), tap!($extend, "[r2, r4]"), tap!($extend, "[r2, r4, lsl #1]"))
    };
}

nine!(exactum_taps9_u8_u8, "exactum_taps9_u8_u8", "uxtb16", "usat");
nine!(exactum_taps9_u8_i8, "exactum_taps9_u8_i8", "uxtb16", "ssat");
nine!(exactum_taps9_i8_u8, "exactum_taps9_i8_u8", "sxtb16", "usat");
nine!(exactum_taps9_i8_i8, "exactum_taps9_i8_i8", "sxtb16", "ssat");
function!(exactum_taps2_u8_u8, "exactum_taps2_u8_u8", "uxtb16", "usat", "[r2]" "[r2, r4]");
function!(exactum_taps3_u8_u8, "exactum_taps3_u8_u8", "uxtb16", "usat", "[r2]" "[r2, r4]" "[r2, r4, lsl #1]");
function!(exactum_taps2_u8_i8, "exactum_taps2_u8_i8", "uxtb16", "ssat", "[r2]" "[r2, r4]");
function!(exactum_taps3_u8_i8, "exactum_taps3_u8_i8", "uxtb16", "ssat", "[r2]" "[r2, r4]" "[r2, r4, lsl #1]");
function!(exactum_taps2_i8_u8, "exactum_taps2_i8_u8", "sxtb16", "usat", "[r2]" "[r2, r4]");
function!(exactum_taps3_i8_u8, "exactum_taps3_i8_u8", "sxtb16", "usat", "[r2]" "[r2, r4]" "[r2, r4, lsl #1]");
function!(exactum_taps2_i8_i8, "exactum_taps2_i8_i8", "sxtb16", "ssat", "[r2]" "[r2, r4]");
function!(exactum_taps3_i8_i8, "exactum_taps3_i8_i8", "sxtb16", "ssat", "[r2]" "[r2, r4]" "[r2, r4, lsl #1]");

/// As [`Isa::codes_of_taps`](crate::Isa::codes_of_taps), of codes minus 0, of the types `elements` of input and output.
#[inline(never)]
pub(in super::super) fn codes_of_taps(
    taps: &Taps,
    run: &TapRun,
    codes: &[u8],
    weights: &[[i16; 4]],
    form: &HighForm<'_>,
    elements: [Element; 2],
    output: &mut [u8],
) -> usize {
    let Taps { size: [rows, columns], codes: [down, right], row_weights } = *taps;
    let TapRun { positions, step, channels, block } = *run;
    // The last block of the last position is the last to end.
    let Some((last, before)) = positions.checked_sub(1).zip((channels >> 2).checked_sub(1)) else { return 0 };
    let blocks = before.wrapping_add(1);
    let skipped = |fours: usize, step: usize, block: usize| {
        last.checked_mul(step)?.checked_add(fours.checked_mul(block)?)
    };
    let last_codes = skipped(before, step, 4).and_then(|at| codes.get(at..)).unwrap_or_default();
    let last_weights = before.checked_mul(block).and_then(|at| weights.get(at..)).unwrap_or_default();
    let outputs = skipped(blocks, channels, 4).is_some_and(|end| end <= output.len());
    let parameters = form.offsets.len().min(form.lines.len()) >> 2;
    let fits = taps.fit(last_codes.len(), last_weights.len()) && outputs && blocks <= parameters;
    if !fits || weights.as_ptr().addr() & 3 != 0 {
        return 0;
    }
    let bytes = |fours: usize| fours.wrapping_mul(size_of::<[i16; 4]>());
    let nine = rows == 3 && columns == 3 && row_weights == 3;
    let mut frame = Frame {
        weights: weights.as_ptr(),
        right,
        down,
        after: bytes(row_weights.wrapping_sub(columns)),
        codes: codes.as_ptr(),
        output: output.as_mut_ptr(),
        positions,
        offsets: form.offsets.as_ptr(),
        lines: form.lines.as_ptr(),
        blocks,
        rows,
        shift: (form.shift & 31).into(),
        step,
        channels,
        rows_of_weights: bytes(rows.wrapping_mul(row_weights)),
        block: bytes(block),
    };
    let frame = &raw mut frame;
    // SAFETY: the functions read, for each of `positions` and of `blocks`, none of which is 0, `rows` rows, which are not 0, of
    // two or of three words of `codes` and pairs of words of `weights`, as many as there are columns, at the places that were
    // checked to lie inside for the last of them and lie before for others; as many fours of offsets and lines as there
    // are blocks; and they write as many fours of bytes of `output` at each position, `channels` from one to the next. Words
    // are loaded from any address; pairs of them lie at multiples of four.
    unsafe {
        match (columns, elements) {
            (_, [Element::U8, Element::U8]) if nine => exactum_taps9_u8_u8(frame),
            (_, [Element::U8, Element::I8]) if nine => exactum_taps9_u8_i8(frame),
            (_, [Element::I8, Element::U8]) if nine => exactum_taps9_i8_u8(frame),
            (_, [Element::I8, Element::I8]) if nine => exactum_taps9_i8_i8(frame),
            (2, [Element::U8, Element::U8]) => exactum_taps2_u8_u8(frame),
            (3, [Element::U8, Element::U8]) => exactum_taps3_u8_u8(frame),
            (2, [Element::U8, Element::I8]) => exactum_taps2_u8_i8(frame),
            (3, [Element::U8, Element::I8]) => exactum_taps3_u8_i8(frame),
            (2, [Element::I8, Element::U8]) => exactum_taps2_i8_u8(frame),
            (3, [Element::I8, Element::U8]) => exactum_taps3_i8_u8(frame),
            (2, [Element::I8, Element::I8]) => exactum_taps2_i8_i8(frame),
            (3, [Element::I8, Element::I8]) => exactum_taps3_i8_i8(frame),
            _ => return 0,
        }
    }
    blocks
}
