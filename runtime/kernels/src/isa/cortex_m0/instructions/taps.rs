//! Taps of four channels with weights of their own: six instructions for a product, seven where codes have a sign.

use core::arch::naked_asm;

use super::Bytes;
use super::high::{code, codes, signed, unsigned};
use crate::high_form::HighForm;
use crate::isa::{TapRun, Taps};

/// What the functions below read, in the order of its offsets.
#[repr(C)]
struct Run {
    /// Moved on.
    codes: *const u8,
    /// Moved on.
    weights: *const [i16; 4],
    /// Bytes from a column of codes to the next.
    right: usize,
    /// Bytes of the weights of a row of taps.
    row: usize,
    /// Bytes from behind a row of codes to the next.
    down: usize,
    /// Bytes from behind a row of weights to the next.
    skipped: usize,
    /// Bytes from a row of weights to the next.
    row_weights: usize,
    /// Rows, not 0.
    rows: usize,
    /// What is added to codes.
    centered: i32,
    /// Bytes of the weights of four channels.
    block: usize,
    /// Moved on.
    lines: *const [i32; 2],
    /// Moved on.
    offsets: *const i32,
    /// Moved on.
    output: *mut u8,
    /// Blocks of four channels, not 0; counted down.
    quads: usize,
    shift: u32,
    /// Rows that are left of a block.
    rows_left: usize,
}

/// As [`Isa::codes_of_taps`](crate::Isa::codes_of_taps), of codes with a sign if `signed`.
#[allow(clippy::too_many_arguments, reason = "what a row of taps is made of")]
pub(in super::super) fn codes_of_taps(
    taps: &Taps,
    run: &TapRun,
    codes: &[u8],
    signed: bool,
    zero_point: i32,
    weights: &[[i16; 4]],
    form: &HighForm<'_>,
    bytes: Bytes,
    output: &mut [u8],
) -> usize {
    let quads = form.lines.len().min(form.offsets.len()).min(run.channels) >> 2;
    let (Some(others), Some(more)) = (quads.checked_sub(1), run.positions.checked_sub(1)) else { return 0 };
    // The last block of the last position is the one that reaches farthest.
    let last = |steps: usize| more.checked_mul(steps)?.checked_add(others.checked_mul(4)?);
    let behind = |all: usize, first: Option<usize>| all.checked_sub(first?);
    let left = behind(codes.len(), last(run.step)).zip(behind(weights.len(), others.checked_mul(run.block)));
    let stored = last(run.channels).and_then(|first| first.checked_add(4));
    let fits = left.is_some_and(|(codes, weights)| taps.fit(codes, weights))
        && stored.is_some_and(|end| end <= output.len());
    if !fits {
        return 0;
    }
    let ([rows, columns], [down, right]) = (taps.size, taps.codes);
    let fours = |weights: usize| weights.wrapping_mul(8);
    let (mut from, mut to) = (codes.as_ptr(), output.as_mut_ptr());
    for _ in 0..run.positions {
        let mut of_position = Run {
            codes: from,
            weights: weights.as_ptr(),
            right,
            row: fours(columns),
            down: down.wrapping_sub(columns.wrapping_mul(right)),
            skipped: fours(taps.row_weights.wrapping_sub(columns)),
            row_weights: fours(taps.row_weights),
            rows,
            centered: zero_point.wrapping_neg(),
            block: fours(run.block),
            lines: form.lines.as_ptr(),
            offsets: form.offsets.as_ptr(),
            output: to,
            quads,
            shift: bytes.shift,
            rows_left: 0,
        };
        // SAFETY: there are taps and blocks; the codes and weights of the last block of the last position can be read, its
        // bytes can be written, and there are parameters for all blocks.
        unsafe {
            match (signed, bytes.signed) {
                (false, false) => unsigned_unsigned(&mut of_position),
                (false, true) => unsigned_signed(&mut of_position),
                (true, false) => signed_unsigned(&mut of_position),
                (true, true) => signed_signed(&mut of_position),
            }
        }
        from = from.wrapping_add(run.step);
        to = to.wrapping_add(run.channels);
    }
    quads
}

/// The product of a code and a weight of one channel, where `$extend` makes 32 bits of the byte in `r2`.
macro_rules! tap {
    ($extend:literal, $code:literal, $weight:literal, $sum:literal) => {
        concat!(
            "ldrb r2, [r0, #",
            $code,
            "]\n",
            $extend,
            "add r2, r12\n",
            "ldrh r3, [r1, #",
            $weight,
            "]\n sxth r3, r3\n",
            "muls r3, r2, r3\n adds ",
            $sum,
            ", ",
            $sum,
            ", r3\n",
        )
    };
}

/// A function that stores the codes of all blocks of a position.
macro_rules! codes_of_taps {
    ($(#[$about:meta])* $name:ident, $extend:literal, $saturate:expr) => {
        $(#[$about])*
        ///
        /// # Safety
        /// Whatever `run` says can be read and written.
        #[unsafe(naked)]
        unsafe extern "C" fn $name(run: &mut Run) {
            naked_asm!(
                "push {{r4, r5, r6, r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r0, r4, r5, r6, r7}}",
                // r8, r10, r11: steps of codes, of rows of them, of rows of weights; r9: where a row of weights ends; r12: what is
                // added to codes; lr: the shift.
                "ldr r2, [r0, #8]",
                "mov r8, r2",
                "ldr r2, [r0, #16]",
                "mov r10, r2",
                "ldr r2, [r0, #20]",
                "mov r11, r2",
                "ldr r2, [r0, #32]",
                "mov r12, r2",
                "ldr r2, [r0, #56]",
                "mov lr, r2",
                "4:",
                "ldr r3, [sp]",
                "ldr r2, [r3, #44]",
                "ldmia r2!, {{r4, r5, r6, r7}}",
                "str r2, [r3, #44]",
                "ldr r1, [r3, #4]",
                "ldr r2, [r3, #12]",
                "adds r2, r2, r1",
                "mov r9, r2",
                "ldr r2, [r3, #28]",
                "str r2, [r3, #60]",
                "ldr r0, [r3, #0]",
                "2:",
                tap!($extend, "0", "0", "r4"),
                tap!($extend, "1", "2", "r5"),
                tap!($extend, "2", "4", "r6"),
                tap!($extend, "3", "6", "r7"),
                "add r0, r8",
                "adds r1, #8",
                "cmp r1, r9",
                "bne 2b",
                "add r0, r10",
                "add r1, r11",
                "ldr r3, [sp]",
                "ldr r2, [r3, #24]",
                "add r9, r2",
                "ldr r2, [r3, #60]",
                "subs r2, #1",
                "str r2, [r3, #60]",
                "bne 2b",
                "ldr r0, [r3, #48]",
                "ldr r1, [r3, #40]",
                codes!($saturate),
                "ldr r3, [sp]",
                "str r0, [r3, #48]",
                "str r1, [r3, #40]",
                "ldr r0, [r3, #0]",
                "adds r0, #4",
                "str r0, [r3, #0]",
                "ldr r1, [r3, #4]",
                "ldr r2, [r3, #36]",
                "adds r1, r1, r2",
                "str r1, [r3, #4]",
                "ldr r2, [r3, #52]",
                "subs r2, #1",
                "str r2, [r3, #52]",
                "beq 5f",
                "b 4b",
                "5:",
                "pop {{r0, r4, r5, r6, r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4, r5, r6, r7, pc}}",
            )
        }
    };
}

codes_of_taps! {
    /// Of bytes without a sign, to such.
    unsigned_unsigned, "", unsigned!()
}

codes_of_taps! {
    /// Of bytes without a sign, to bytes with it.
    unsigned_signed, "", signed!()
}

codes_of_taps! {
    /// Of bytes with a sign, to bytes without it.
    signed_unsigned, "sxtb r2, r2\n", unsigned!()
}

codes_of_taps! {
    /// Of bytes with a sign, to such.
    signed_signed, "sxtb r2, r2\n", signed!()
}
