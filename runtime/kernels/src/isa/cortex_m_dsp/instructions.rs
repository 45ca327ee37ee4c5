//! The instructions themselves.
#![allow(unsafe_code, reason = "instructions that the language has no other name for")]

use core::arch::asm;

use super::Instructions;

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
}
