//! Products of two tiles with four filters from products to codes: 117 instructions for the eight codes of a filter.
//!
//! The frame of a function, from the stack pointer on: codes of eight positions, offsets, lines, the shift, where codes go, bytes
//! from one position to the next, and from behind a row of positions to the next row.

use core::arch::global_asm;

use exactum_num::codes::Element;

use super::begin::begin;
use crate::isa::TileProducts;

/// What the functions are told.
#[repr(C)]
struct Frame {
    products: *const TileProducts,
    offsets: *const [i32; 4],
    lines: *const [[i32; 2]; 4],
    shift: u32,
    output: *mut u8,
    filters: usize,
    after: usize,
}

unsafe extern "C" {
    fn exactum_tiles_u8(frame: *const Frame);
    fn exactum_tiles_i8(frame: *const Frame);
}

/// Loads the products of place `$place` and filter `$filter`: of both tiles, or of one.
macro_rules! load {
    ($first:literal $second:literal, $place:literal, $filter:literal) => {
        concat!("ldrd ", $first, ", ", $second, ", [r12, #(32 * ", $place, " + 8 * ", $filter, ")]\n")
    };
    ($tile:literal, $place:literal, $filter:literal) => {
        concat!("ldr lr, [r12, #(32 * ", $place, " + 8 * ", $filter, " + 4 * ", $tile, ")]\n")
    };
}

/// Of two values the sum, in the place of the second, and the difference, in that of the first; of both tiles.
macro_rules! butterfly {
    () => {
        "add r2, r0, r2\n rsb r0, r2, r0, lsl #1\n add r3, r1, r3\n rsb r1, r3, r1, lsl #1\n"
    };
}

/// The code of `$sum`, at position `$position`.
macro_rules! code {
    ($saturate:literal, $sum:literal, $position:literal, $filter:literal) => {
        concat!(
            "asr ",
            $sum,
            ", ",
            $sum,
            ", #2\n",
            "smmlar ",
            $sum,
            ", ",
            $sum,
            ", r0, r1\n",
            "asr ",
            $sum,
            ", ",
            $sum,
            ", r2\n",
            $saturate,
            " ",
            $sum,
            ", #8, ",
            $sum,
            "\n",
            "strb ",
            $sum,
            ", [sp, #(4 * ",
            $position,
            " + ",
            $filter,
            ")]\n",
        )
    };
}

/// A filter: four times the sums of its outputs, upper left ones in r4 and r5, upper right in r6 and r7, lower left in r8 and r9, lower
/// right in r10 and r11; then their codes.
macro_rules! filter {
    ($saturate:literal, $filter:literal) => {
        concat!(
            // Of each column the first three products, and the second less the last two.
            load!("r0" "r1", "4", $filter), load!("r2" "r3", "8", $filter), butterfly!(),
            load!("r4" "r5", "0", $filter), "add r4, r4, r2\n add r5, r5, r3\n",
            load!("r8" "r9", "12", $filter), "rsb r8, r8, r0\n rsb r9, r9, r1\n",
            // The product in the middle is part of all sums, with the sign of none changed: they start with it.
            "ldr lr, [sp, #32]\n ldr lr, [lr, #(4 * ", $filter, ")]\n",
            load!("r0" "r1", "5", $filter), "add r0, r0, lr, lsl #2\n add r1, r1, lr, lsl #2\n",
            load!("r2" "r3", "9", $filter), butterfly!(),
            load!("r6" "r7", "1", $filter), "add r6, r6, r2\n add r7, r7, r3\n add r4, r4, r6\n add r5, r5, r7\n",
            load!("r10" "r11", "13", $filter),
            "rsb r10, r10, r0\n rsb r11, r11, r1\n add r8, r8, r10\n add r9, r9, r11\n",
            load!("r0" "r1", "6", $filter), load!("r2" "r3", "10", $filter), butterfly!(),
            load!("0", "2", $filter), "add r2, r2, lr\n add r4, r4, r2\n sub r6, r6, r2\n",
            load!("1", "2", $filter), "add r3, r3, lr\n add r5, r5, r3\n sub r7, r7, r3\n",
            load!("0", "14", $filter), "sub r0, r0, lr\n add r8, r8, r0\n sub r10, r10, r0\n",
            load!("1", "14", $filter), "sub r1, r1, lr\n add r9, r9, r1\n sub r11, r11, r1\n",
            load!("r0" "r1", "7", $filter), load!("r2" "r3", "11", $filter), butterfly!(),
            load!("0", "3", $filter), "add r2, r2, lr\n sub r6, r6, r2\n",
            load!("1", "3", $filter), "add r3, r3, lr\n sub r7, r7, r3\n",
            load!("0", "15", $filter), "sub r0, r0, lr\n sub r10, r10, r0\n",
            load!("1", "15", $filter), "sub r1, r1, lr\n sub r11, r11, r1\n",
            "ldr lr, [sp, #36]\n ldrd r0, r1, [lr, #(8 * ", $filter, ")]\n ldr r2, [sp, #40]\n",
            code!($saturate, "r4", "0", $filter), code!($saturate, "r6", "1", $filter),
            code!($saturate, "r5", "2", $filter), code!($saturate, "r7", "3", $filter),
            code!($saturate, "r8", "4", $filter), code!($saturate, "r10", "5", $filter),
            code!($saturate, "r9", "6", $filter), code!($saturate, "r11", "7", $filter),
        )
    };
}

/// Stores the codes of a position.
macro_rules! store {
    ($position:literal) => {
        concat!("ldr r3, [sp, #(4 * ", $position, ")]\n str r3, [r0]\n add r0, r0, r1\n")
    };
}

macro_rules! function {
    ($name:literal, $saturate:literal) => {
        global_asm!(
            begin!($name),
            "push {{r4-r11, lr}}",
            "sub sp, sp, #56",
            "ldr r12, [r0], #4",
            "ldmia r0, {{r1-r6}}",
            "add r0, sp, #32",
            "stmia r0, {{r1-r6}}",
            filter!($saturate, "0"),
            filter!($saturate, "1"),
            filter!($saturate, "2"),
            filter!($saturate, "3"),
            "ldrd r0, r1, [sp, #44]",
            "ldr r2, [sp, #52]",
            store!("0"),
            store!("1"),
            store!("2"),
            store!("3"),
            "add r0, r0, r2",
            store!("4"),
            store!("5"),
            store!("6"),
            store!("7"),
            "add sp, sp, #56",
            "pop {{r4-r11, pc}}",
            concat!(".size ", $name, ", . - ", $name),
        );
    };
}

function!("exactum_tiles_u8", "usat");
function!("exactum_tiles_i8", "ssat");

/// As [`Isa::codes_of_tiles`](crate::Isa::codes_of_tiles), of outputs of type `element`.
#[inline(never)]
pub(in super::super) fn codes_of_tiles(
    products: &TileProducts,
    (offsets, lines): (&[i32; 4], &[[i32; 2]; 4]),
    shift: u8,
    [filters, pitch]: [usize; 2],
    element: Element,
    output: &mut [u8],
) -> bool {
    // The last position of the second row is the last to end.
    let end = filters.checked_mul(3).and_then(|last| last.checked_add(pitch)?.checked_add(4));
    let row = filters.checked_mul(4);
    if end.is_none_or(|end| end > output.len()) || row.is_none_or(|row| row > pitch) {
        return false;
    }
    let frame = Frame {
        products,
        offsets,
        lines,
        shift: (shift & 31).into(),
        output: output.as_mut_ptr(),
        filters,
        after: pitch.wrapping_sub(filters.wrapping_mul(4)),
    };
    // SAFETY: the functions read what the frame points to, and write four bytes at four positions `filters` bytes apart, of two rows
    // `pitch` bytes apart, the last of which was checked to lie inside. Words are stored at any address; pairs are loaded from
    // multiples of four, where integers lie.
    unsafe {
        match element {
            Element::U8 => exactum_tiles_u8(&raw const frame),
            Element::I8 => exactum_tiles_i8(&raw const frame),
            _ => return false,
        }
    }
    true
}
