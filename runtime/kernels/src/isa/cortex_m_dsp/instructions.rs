//! The instructions themselves.
#![allow(unsafe_code, reason = "instructions that the language has no other name for")]

use core::arch::asm;

use super::{Block, Instructions};
use crate::isa::{Spread, Taps};

mod begin;
mod byte_taps;
mod codes_of_pairs;
mod codes_of_taps;
mod codes_of_tiles;
mod one;
mod spread;
mod sum;
mod tiles;
mod turns;
mod two;

pub(super) use codes_of_pairs::{codes_of_one, codes_of_two};
pub(super) use codes_of_taps::codes_of_taps;
pub(super) use codes_of_tiles::codes_of_tiles;
pub(super) use spread::spread_two;
pub(super) use sum::sums_of_bytes;
pub(super) use tiles::{gather_tiles, tile_products};

/// Executes them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dsp;

impl Instructions for Dsp {
    #[inline(always)]
    fn smlad(a: u32, b: u32, acc: i32) -> i32 {
        let sum;
        // SAFETY: registers in, a register out. This file is built for Armv7E-M only, which has the instruction. It
        // may set the sticky overflow flag, so flags are not said to be preserved.
        unsafe {
            asm!("smlad {sum}, {a}, {b}, {acc}", sum = lateout(reg) sum, a = in(reg) a, b = in(reg) b,
                acc = in(reg) acc, options(pure, nomem, nostack));
        }
        sum
    }

    #[inline(always)]
    fn sxtb16(bytes: u32) -> u32 {
        let halves;
        // SAFETY: a register in, a register out, no flags. Armv7E-M has the instruction.
        unsafe {
            asm!("sxtb16 {halves}, {bytes}", halves = lateout(reg) halves, bytes = in(reg) bytes,
                options(pure, nomem, nostack, preserves_flags));
        }
        halves
    }

    #[inline(always)]
    fn sxtb16_ror8(bytes: u32) -> u32 {
        let halves;
        // SAFETY: a register in, a register out, no flags. Armv7E-M has the instruction.
        unsafe {
            asm!("sxtb16 {halves}, {bytes}, ror #8", halves = lateout(reg) halves, bytes = in(reg) bytes,
                options(pure, nomem, nostack, preserves_flags));
        }
        halves
    }

    #[inline(always)]
    fn uxtb16(bytes: u32) -> u32 {
        let halves;
        // SAFETY: a register in, a register out, no flags. Armv7E-M has the instruction.
        unsafe {
            asm!("uxtb16 {halves}, {bytes}", halves = lateout(reg) halves, bytes = in(reg) bytes,
                options(pure, nomem, nostack, preserves_flags));
        }
        halves
    }

    #[inline(always)]
    fn uxtb16_ror8(bytes: u32) -> u32 {
        let halves;
        // SAFETY: a register in, a register out, no flags. Armv7E-M has the instruction.
        unsafe {
            asm!("uxtb16 {halves}, {bytes}, ror #8", halves = lateout(reg) halves, bytes = in(reg) bytes,
                options(pure, nomem, nostack, preserves_flags));
        }
        halves
    }

    #[inline(always)]
    fn ssub16(a: u32, b: u32) -> u32 {
        let halves;
        // SAFETY: registers in, a register out; it sets flags that no code of the compiler reads, which are not said to be
        // preserved. Armv7E-M has the instruction.
        unsafe {
            asm!("ssub16 {halves}, {a}, {b}", halves = lateout(reg) halves, a = in(reg) a, b = in(reg) b,
                options(pure, nomem, nostack));
        }
        halves
    }

    #[inline(always)]
    fn sadd16(a: u32, b: u32) -> u32 {
        let halves;
        // SAFETY: registers in, a register out; it sets flags that no code of the compiler reads, which are not said to be
        // preserved. Armv7E-M has the instruction.
        unsafe {
            asm!("sadd16 {halves}, {a}, {b}", halves = lateout(reg) halves, a = in(reg) a, b = in(reg) b,
                options(pure, nomem, nostack));
        }
        halves
    }

    #[inline(always)]
    fn smmlar(a: i32, b: i32, acc: i32) -> i32 {
        let high;
        // SAFETY: registers in, a register out, no flags. Armv7E-M has the instruction.
        unsafe {
            asm!("smmlar {high}, {a}, {b}, {acc}", high = lateout(reg) high, a = in(reg) a, b = in(reg) b,
                acc = in(reg) acc, options(pure, nomem, nostack, preserves_flags));
        }
        high
    }

    #[inline(always)]
    fn usat8(value: i32) -> i32 {
        let code;
        // SAFETY: a register in, a register out. It may set the sticky overflow flag. Armv7E-M has the instruction.
        unsafe {
            asm!("usat {code}, #8, {value}", code = lateout(reg) code, value = in(reg) value,
                options(pure, nomem, nostack));
        }
        code
    }

    #[inline(always)]
    fn ssat8(value: i32) -> i32 {
        let code;
        // SAFETY: a register in, a register out. It may set the sticky overflow flag. Armv7E-M has the instruction.
        unsafe {
            asm!("ssat {code}, #8, {value}", code = lateout(reg) code, value = in(reg) value,
                options(pure, nomem, nostack));
        }
        code
    }

    #[inline(always)]
    fn spread_bytes(bytes: &[u8], signed: bool, zero_point: i32, at: Spread, to: &mut [i16]) {
        spread::spread_bytes(bytes, signed, zero_point, at, to);
    }

    #[inline(always)]
    fn dot_two(codes: &[[i16; 4]], weights: &[[i16; 8]], last: bool, starts: [i32; 4]) -> [[i32; 4]; 2] {
        two::dot_two(codes, weights, last, starts)
    }

    #[inline(always)]
    fn dot_one(codes: &[[i16; 4]], weights: &[[i16; 8]], starts: [[i32; 4]; 2]) -> [[i32; 4]; 2] {
        one::dot_one(codes, weights, starts)
    }

    #[inline(always)]
    fn dot_byte_taps(
        taps: &Taps,
        codes: &[u8],
        signed: bool,
        weights: &[[i16; 4]],
        sums: [i32; 4],
    ) -> Option<[i32; 4]> {
        byte_taps::dot_byte_taps(taps, codes, signed, weights, sums)
    }

    #[inline(always)]
    fn dot4(codes: &[Block], weights: &[i8], filter_elems: usize, accs: [i32; 4]) -> [i32; 4] {
        let row_bytes = codes.len().wrapping_mul(4);
        let rows_bytes = filter_elems.checked_mul(3).and_then(|bytes| bytes.checked_add(row_bytes));
        if codes.is_empty() || rows_bytes.is_none_or(|bytes| bytes > weights.len()) {
            return accs;
        }
        let [mut a, mut b, mut c, mut d] = accs;
        let (first, end) = (weights.as_ptr(), codes.as_ptr_range().end);
        let last = first.wrapping_add(filter_elems.wrapping_mul(3));
        // SAFETY: the loop reads `codes` from start to end, at least one block, and as many bytes as `row_bytes` from
        // `first` plus 0, 1, 2 and 3 times `filter_elems`, which was checked to lie inside `weights`. Armv7E-M loads
        // words from any address. It writes what it pushes, and pops that; other registers it changes are outputs.
        unsafe {
            asm!(
                "push {{{end}}}",
                "2:",
                "ldr {odd}, [{codes}], #4",
                "ldr {word}, [{codes}], #4",
                "pkhbt {even}, {odd}, {word}, lsl #16",
                "pkhtb {odd}, {word}, {odd}, asr #16",
                "ldr {word}, [{first}, {stride}]",
                "sxtb16 {end}, {word}",
                "sxtb16 {word}, {word}, ror #8",
                "smlad {b}, {even}, {end}, {b}",
                "smlad {b}, {odd}, {word}, {b}",
                "ldr {word}, [{first}, {stride}, lsl #1]",
                "sxtb16 {end}, {word}",
                "sxtb16 {word}, {word}, ror #8",
                "smlad {c}, {even}, {end}, {c}",
                "smlad {c}, {odd}, {word}, {c}",
                "ldr {word}, [{first}], #4",
                "sxtb16 {end}, {word}",
                "sxtb16 {word}, {word}, ror #8",
                "smlad {a}, {even}, {end}, {a}",
                "smlad {a}, {odd}, {word}, {a}",
                "ldr {word}, [{last}], #4",
                "sxtb16 {end}, {word}",
                "sxtb16 {word}, {word}, ror #8",
                "smlad {d}, {even}, {end}, {d}",
                "smlad {d}, {odd}, {word}, {d}",
                "ldr {word}, [sp]",
                "cmp {codes}, {word}",
                "bne 2b",
                "add sp, sp, #4",
                codes = inout(reg) codes.as_ptr() => _,
                end = inout(reg) end => _,
                first = inout(reg) first => _,
                last = inout(reg) last => _,
                stride = in(reg) filter_elems,
                a = inout(reg) a,
                b = inout(reg) b,
                c = inout(reg) c,
                d = inout(reg) d,
                even = out(reg) _,
                odd = out(reg) _,
                word = out(reg) _,
            );
        }
        [a, b, c, d]
    }
}
