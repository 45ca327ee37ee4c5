//! How much stack a run takes: the memory below the caller is painted before, and what is left of the paint is counted after.
//! `generic` reports it beside the counts.

use core::arch::asm;

/// A stack that can be painted.
pub trait Stack {
    /// Paints what lies below the caller's frame. Everything called later lies there.
    fn paint(&mut self);

    /// Bytes below the frame that called [`paint`](Self::paint) which have been used since, at most all that was painted.
    fn used_bytes(&self) -> u32;
}

const PAINT: u32 = 0x5aa5_c33c;

/// The painted part of the stack: `BYTES`, more than any kernel takes and less than the statics of the board's images leave.
#[derive(Debug, Default)]
pub struct Painted<const BYTES: usize> {
    /// The stack pointer when it was painted; 0 before.
    top: usize,
}

impl<const BYTES: usize> Stack for Painted<BYTES> {
    // In the caller's frame, whose stack pointer is read.
    #[inline(always)]
    fn paint(&mut self) {
        self.top = pointer() & !3;
        for address in (self.top - BYTES..self.top).step_by(4) {
            // SAFETY: an aligned word of RAM below the stack pointer, in which nothing lives: no interrupt is enabled, the
            // statics of the board's images leave more than BYTES above them, and this loop, inlined, calls nothing.
            unsafe { core::ptr::write_volatile(address as *mut u32, PAINT) };
        }
    }

    fn used_bytes(&self) -> u32 {
        let lowest = self.top - BYTES;
        // SAFETY: aligned words of RAM; what lies there, paint or frames that have ended, is any number.
        let is_painted =
            |address: &usize| unsafe { core::ptr::read_volatile(*address as *const u32) } == PAINT;
        let left = (lowest..self.top).step_by(4).take_while(is_painted).count() * 4;
        (BYTES - left) as u32
    }
}

/// The stack pointer, where this is inlined.
#[inline(always)]
fn pointer() -> usize {
    let pointer: usize;
    // SAFETY: copies the stack pointer; neither memory nor flags change.
    #[cfg(target_arch = "arm")]
    unsafe {
        asm!("mov {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv32")]
    unsafe {
        asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    pointer
}
