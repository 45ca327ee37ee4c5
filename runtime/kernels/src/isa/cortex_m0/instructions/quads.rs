//! Four filters that are packed together times the codes of one position: 13 instructions for a code and its four products, 14 for one
//! that may be negative.

use core::arch::naked_asm;

use super::Bytes;
use super::high::{code, codes, signed, unsigned};
use crate::high_form::HighForm;
use crate::isa::portable;

/// As [`Isa::dot_quads`](crate::Isa::dot_quads).
#[inline(always)]
pub(in super::super) fn dot_quads(codes: &[[i16; 4]], rows: &[[u8; 16]], starts: [i32; 4]) -> [i32; 4] {
    if codes.is_empty() || rows.len() < codes.len() {
        return portable::dot_quads(codes, rows, starts);
    }
    let mut sums = starts;
    // SAFETY: there are codes, as many rows or more, and four sums.
    unsafe { add_quads(codes.as_ptr(), rows.as_ptr(), codes.len(), &mut sums) };
    sums
}

/// The products of a code, `$code` bytes behind `r0`, with the four elements behind `r1`.
macro_rules! turn {
    ($extend:literal, $code:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "ldrh r2, [r0, #",
            $code,
            "]\n",
            $extend,
            "ldrb r3, [r1, #",
            $a,
            "]\n muls r3, r2, r3\n adds r4, r4, r3\n",
            "ldrb r3, [r1, #",
            $b,
            "]\n muls r3, r2, r3\n adds r5, r5, r3\n",
            "ldrb r3, [r1, #",
            $c,
            "]\n muls r3, r2, r3\n adds r6, r6, r3\n",
            "ldrb r3, [r1, #",
            $d,
            "]\n muls r3, r2, r3\n adds r7, r7, r3\n",
        )
    };
}

/// The products of the codes from `r0` to `$end` with the rows at `r1`, which is moved behind them, two blocks a turn. Where their number
/// is odd, the loop is entered at `3`, with both addresses a block before the first: nothing is read from there.
macro_rules! turns {
    ($extend:literal, $end:literal) => {
        concat!(
            "2:\n",
            turn!($extend, "0", "0", "1", "2", "3"),
            turn!($extend, "2", "4", "5", "6", "7"),
            turn!($extend, "4", "8", "9", "10", "11"),
            turn!($extend, "6", "12", "13", "14", "15"),
            "3:\n",
            turn!($extend, "8", "16", "17", "18", "19"),
            turn!($extend, "10", "20", "21", "22", "23"),
            turn!($extend, "12", "24", "25", "26", "27"),
            turn!($extend, "14", "28", "29", "30", "31"),
            "adds r0, #16\n adds r1, #32\n cmp r0, ",
            $end,
            "\n bne 2b\n",
        )
    };
}

/// Adds to `sums` the products of `fours` times four codes.
///
/// # Safety
/// `fours` is not 0; that many blocks can be read from `codes` and from `rows`.
#[unsafe(naked)]
unsafe extern "C" fn add_quads(
    codes: *const [i16; 4],
    rows: *const [u8; 16],
    fours: usize,
    sums: *mut [i32; 4],
) {
    naked_asm!(
        "push {{r3, r4, r5, r6, r7, lr}}",
        "ldmia r3!, {{r4, r5, r6, r7}}",
        "lsls r3, r2, #3",
        "adds r3, r3, r0",
        "mov r12, r3",
        "lsrs r2, r2, #1",
        "bcc 2f",
        "subs r0, #8",
        "subs r1, #16",
        "b 3f",
        turns!("sxth r2, r2\n", "r12"),
        "pop {{r3}}",
        "stmia r3!, {{r4, r5, r6, r7}}",
        "pop {{r4, r5, r6, r7, pc}}",
    )
}

/// What the functions below read, in the order of its offsets.
#[repr(C)]
struct Run {
    codes: *const [i16; 4],
    codes_end: *const [i16; 4],
    rows: *const [u8; 16],
    /// Moved on.
    lines: *const [i32; 2],
    /// Moved on.
    offsets: *const i32,
    /// Moved on.
    output: *mut u8,
    /// Blocks of four filters, not 0; counted down.
    quads: usize,
    /// Taken off every sum.
    surplus: i32,
    shift: u32,
}

/// As [`Isa::codes_of_quads`](crate::Isa::codes_of_quads).
pub(in super::super) fn codes_of_quads(
    codes: &[[i16; 4]],
    rows: &[[u8; 16]],
    [surplus, negative]: [i32; 2],
    form: &HighForm<'_>,
    bytes: Bytes,
    output: &mut [u8],
) -> usize {
    let parameters = form.lines.len().min(form.offsets.len()).min(output.len()) >> 2;
    let quads = rows.len().checked_div(codes.len()).unwrap_or_default().min(parameters);
    if quads == 0 {
        return 0;
    }
    let ends = codes.as_ptr_range();
    let mut run = Run {
        codes: ends.start,
        codes_end: ends.end,
        rows: rows.as_ptr(),
        lines: form.lines.as_ptr(),
        offsets: form.offsets.as_ptr(),
        output: output.as_mut_ptr(),
        quads,
        surplus,
        shift: bytes.shift,
    };
    // SAFETY: there are codes, and `quads` times as many rows, four times as many lines, offsets and bytes.
    unsafe {
        match (negative < 0, bytes.signed) {
            (false, false) => natural_unsigned(&mut run),
            (false, true) => natural_signed(&mut run),
            (true, false) => any_unsigned(&mut run),
            (true, true) => any_signed(&mut run),
        }
    }
    quads
}

/// A function that stores the codes of all blocks of a run.
macro_rules! codes_of_quads {
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
                "push {{r0, r4, r5, r6}}",
                // r8: rows; r9, r10: first code and end of codes; lr: the shift.
                "ldr r2, [r0, #0]",
                "mov r9, r2",
                "ldr r2, [r0, #4]",
                "mov r10, r2",
                "ldr r2, [r0, #32]",
                "mov lr, r2",
                "ldr r1, [r0, #8]",
                "4:",
                "ldr r3, [sp]",
                "ldr r2, [r3, #16]",
                "ldmia r2!, {{r4, r5, r6, r7}}",
                "str r2, [r3, #16]",
                "ldr r2, [r3, #28]",
                "subs r4, r4, r2",
                "subs r5, r5, r2",
                "subs r6, r6, r2",
                "subs r7, r7, r2",
                "mov r0, r9",
                "mov r2, r10",
                "subs r2, r2, r0",
                "lsrs r2, r2, #4",
                "bcc 2f",
                "subs r0, #8",
                "subs r1, #16",
                "b 3f",
                turns!($extend, "r10"),
                "mov r8, r1",
                "ldr r3, [sp]",
                "ldr r0, [r3, #20]",
                "ldr r1, [r3, #12]",
                codes!($saturate),
                "ldr r3, [sp]",
                "str r0, [r3, #20]",
                "str r1, [r3, #12]",
                "mov r1, r8",
                "ldr r2, [r3, #24]",
                "subs r2, #1",
                "str r2, [r3, #24]",
                "beq 5f",
                "b 4b",
                "5:",
                "pop {{r0, r4, r5, r6}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "pop {{r4, r5, r6, r7, pc}}",
            )
        }
    };
}

codes_of_quads! {
    /// Bytes without a sign, of codes that are at least 0.
    natural_unsigned, "", unsigned!()
}

codes_of_quads! {
    /// Bytes with a sign, of codes that are at least 0.
    natural_signed, "", signed!()
}

codes_of_quads! {
    /// Bytes without a sign.
    any_unsigned, "sxth r2, r2\n", unsigned!()
}

codes_of_quads! {
    /// Bytes with a sign.
    any_signed, "sxth r2, r2\n", signed!()
}
