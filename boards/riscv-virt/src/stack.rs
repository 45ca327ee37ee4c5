//! The stack of the hart as a [`Stack`]: what lies below the stack pointer, in the RAM that no static takes.

use core::arch::asm;

use exactum_board_common::stack::Stack;

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
        let top: usize;
        // SAFETY: copies the stack pointer; neither memory nor flags change.
        unsafe { asm!("mv {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
        self.top = top & !3;
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
