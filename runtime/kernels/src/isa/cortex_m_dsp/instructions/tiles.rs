//! Tiles of 3 by 3 convolutions: codes of pixels, and products that stay in registers for a place of the tiles.
//!
//! The frame of the products' function, from the stack pointer on: where products go, the end of the codes of the place, the end of
//! the products, the bytes from that end to the codes of the next place, and the turn to begin with.

use core::arch::{asm, global_asm};

use super::begin::begin;
use crate::isa::{Pixels, TileCodes, TileProducts, Tiles};

/// What the function is told.
#[repr(C)]
struct Frame {
    weights: *const [i16; 8],
    tiles: *const Tiles,
    products: *mut [i32; 8],
    end: *const Tiles,
    products_end: *const [i32; 8],
    back: usize,
    /// Bytes of turns that are too many in the first round of the loop.
    behind: usize,
}

unsafe extern "C" {
    fn exactum_tile_products(frame: *const Frame);
}

/// A turn of 88 bytes: four channels of both tiles times four filters, by `$first` the first two channels.
macro_rules! turn {
    (@pair $next:literal) => {
        concat!(
            "ldrd r0, r1, [lr], #", $next, "\n",
            "ldrd r2, r3, [r12], #8\n",
            "smlad r4, r2, r0, r4\n", "smlad r5, r2, r1, r5\n", "smlad r6, r3, r0, r6\n", "smlad r7, r3, r1, r7\n",
            "ldrd r2, r3, [r12], #8\n",
            "smlad r8, r2, r0, r8\n", "smlad r9, r2, r1, r9\n", "smlad r10, r3, r0, r10\n", "smlad r11, r3, r1, r11\n",
        )
    };
    (first) => {
        concat!(
            "ldrd r0, r1, [lr], #8\n",
            "ldrd r2, r3, [r12], #8\n",
            "smuad r4, r2, r0\n", "smuad r5, r2, r1\n", "smuad r6, r3, r0\n", "smuad r7, r3, r1\n",
            "ldrd r2, r3, [r12], #8\n",
            "smuad r8, r2, r0\n", "smuad r9, r2, r1\n", "smuad r10, r3, r0\n", "smuad r11, r3, r1\n",
            turn!(@pair "248"),
        )
    };
    (next) => {
        concat!(turn!(@pair "8"), turn!(@pair "248"))
    };
}

global_asm!(
    begin!("exactum_tile_products"),
    "push {{r4-r11, lr}}",
    "sub sp, sp, #20",
    "ldrd r12, lr, [r0], #8",
    "ldmia r0, {{r1-r5}}",
    "adr.w r6, 2f",
    "add r5, r5, r6",
    "orr r5, r5, #1",
    "stmia sp, {{r1-r5}}",
    "4:",
    turn!(first),
    "ldr r0, [sp, #16]",
    "bx r0",
    ".p2align 2",
    "2:",
    ".rept 8",
    turn!(next),
    ".endr",
    "ldr r0, [sp, #4]",
    "cmp lr, r0",
    "bne 2b",
    "ldrd r2, r3, [sp]",
    "ldrd r0, r1, [sp, #8]",
    "stmia r2!, {{r4-r11}}",
    "add r3, r3, #16",
    "strd r2, r3, [sp]",
    "sub lr, lr, r1",
    "cmp r2, r0",
    "bne 4b",
    "add sp, sp, #20",
    "pop {{r4-r11, pc}}",
    ".size exactum_tile_products, . - exactum_tile_products",
);

/// As [`Isa::tile_products`](crate::Isa::tile_products); whether the weights are all there, at a multiple of four as the codes are.
#[inline(always)]
pub(in super::super) fn tile_products(
    weights: &[[i16; 8]],
    tiles: &[Tiles],
    products: &mut TileProducts,
) -> bool {
    let Some(later) = tiles.len().checked_sub(1) else { return false };
    let aligned = (weights.as_ptr().addr() | tiles.as_ptr().addr()) & 3 == 0;
    if !aligned || tiles.len().checked_mul(32).is_none_or(|rows| rows > weights.len()) {
        return false;
    }
    let turns = if later == 0 { 8 } else { later.wrapping_neg() & 7 };
    let products = products.as_mut_ptr_range();
    let frame = Frame {
        weights: weights.as_ptr(),
        tiles: tiles.as_ptr(),
        products: products.start,
        end: tiles.as_ptr_range().end,
        products_end: products.end,
        back: tiles.len().wrapping_mul(256).wrapping_sub(16),
        behind: turns.wrapping_mul(88),
    };
    // SAFETY: for each of 16 places the function reads two rows of `weights` for each of `tiles`, which were checked to be there,
    // and 16 bytes of each of `tiles`, the place's, of which there is at least one; the last step to the next block of codes is
    // taken back before anything is read. It writes eight words of each of 16 products. Pairs of words lie at multiples of four.
    // All instructions from label 2 to the end of the last turn take 4 bytes, so that the jump meets the start of a turn, or the
    // end of all.
    unsafe { exactum_tile_products(&raw const frame) };
    true
}

/// The loop over pixels and their words, which `$extend` takes apart and `$subtract` subtracts from, `$times` words a turn.
macro_rules! pixels {
    ($extend:literal, [$($subtract:literal)*], $times:literal, $from:ident, $to:ident, $turns:expr, $columns:expr, $zero:ident) => {
        // SAFETY: the loop reads so many words of so many pixels, none of both 0, from `from` on, and writes two words for each, 192
        // bytes from one to the next and 8 from one pixel to the next: all of that was checked to lie inside. Armv7E-M loads words
        // at any address, and pairs are stored at multiples of four.
        unsafe {
            asm!(
                "2:",
                "mov {at}, {to}",
                "mov {left}, {turns}",
                "3:",
                concat!(".rept ", $times),
                "ldr {word}, [{from}], #4",
                concat!($extend, " {even}, {word}"),
                concat!($extend, " {word}, {word}, ror #8"),
                $($subtract,)*
                "strd {even}, {word}, [{at}], #192",
                ".endr",
                "subs {left}, {left}, #1",
                "bne 3b",
                "add {to}, {to}, #8",
                "subs {columns}, {columns}, #1",
                "bne 2b",
                from = inout(reg) $from => _,
                to = inout(reg) $to => _,
                turns = in(reg) $turns,
                columns = inout(reg) $columns => _,
                zero = in(reg) $zero,
                at = out(reg) _,
                left = out(reg) _,
                word = out(reg) _,
                even = out(reg) _,
                options(nostack),
            );
        }
    };
}

/// As [`Isa::gather_tiles`](crate::Isa::gather_tiles), of bytes with a sign if `signed`; whether they are whole words that are all
/// there.
#[inline(always)]
pub(in super::super) fn gather_tiles(
    bytes: &[u8],
    signed: bool,
    zero_point: i32,
    pixels: &Pixels,
    to: &mut [TileCodes],
) -> bool {
    let Pixels { first, pitch, channels, size: [rows, columns], place } = *pixels;
    if rows == 0 || columns == 0 {
        return true;
    }
    let last = rows.wrapping_sub(1);
    let end = columns.checked_mul(channels).zip(last.checked_mul(pitch));
    let end = end.and_then(|(row, before)| before.checked_add(first)?.checked_add(row));
    let words = channels >> 2;
    let is_inside = end.is_some_and(|end| end <= bytes.len()) && words <= to.len();
    let fits = rows <= 4
        && columns <= 6
        && place <= 24
        && place.wrapping_add(last.wrapping_mul(6)).wrapping_add(columns) <= 24;
    if !is_inside || !fits || channels & 3 != 0 || words == 0 || to.as_ptr().addr() & 3 != 0 {
        return false;
    }
    let zero = u32::from(zero_point as u16).wrapping_mul(0x0001_0001);
    let mut from = bytes.as_ptr().wrapping_add(first);
    let mut to = to.as_mut_ptr().cast::<u64>().wrapping_add(place);
    for _ in 0..rows {
        let (row, places) = (from, to);
        match (signed, zero, words & 3) {
            (false, 0, 0) => pixels!("uxtb16", ["// {zero}"], "4", row, places, words >> 2, columns, zero),
            (true, 0, 0) => pixels!("sxtb16", ["// {zero}"], "4", row, places, words >> 2, columns, zero),
            (false, ..) => {
                pixels!("uxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], "1", row, places, words, columns, zero);
            }
            (true, ..) => {
                pixels!("sxtb16", ["ssub16 {even}, {even}, {zero}" "ssub16 {word}, {word}, {zero}"], "1", row, places, words, columns, zero);
            }
        }
        from = from.wrapping_add(pitch);
        to = to.wrapping_add(6);
    }
    true
}
