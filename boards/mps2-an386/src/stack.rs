//! The stack of this board as a [`Stack`]: what lies below the stack pointer, in the RAM that no static takes.

use core::arch::asm;

use exactum_board_common::stack::Stack;

/// Bytes that are painted: more than any kernel takes, far less than the board has.
const PAINTED_BYTES: usize = 16 << 10;
const PAINT: u32 = 0x5aa5_c33c;

/// The painted part of the stack.
#[derive(Debug, Default)]
pub struct Painted {
    /// The stack pointer when it was painted; 0 before.
    top: usize,
}

impl Stack for Painted {
    // In the caller's frame, whose stack pointer is read.
    #[inline(always)]
    fn paint(&mut self) {
        let top: usize;
        // SAFETY: copies the stack pointer; neither memory nor flags change.
        unsafe { asm!("mov {}, sp", out(reg) top, options(nomem, nostack, preserves_flags)) };
        self.top = top & !3;
        for address in (self.top - PAINTED_BYTES..self.top).step_by(4) {
            // SAFETY: an aligned word of RAM below the stack pointer, in which nothing lives: no interrupt is enabled, the
            // statics of every image leave more than 16 KiB above them, and this loop, inlined, calls nothing.
            unsafe { core::ptr::write_volatile(address as *mut u32, PAINT) };
        }
    }

    fn used_bytes(&self) -> u32 {
        let lowest = self.top - PAINTED_BYTES;
        // SAFETY: aligned words of RAM; what lies there, paint or frames that have ended, is any number.
        let is_painted =
            |address: &usize| unsafe { core::ptr::read_volatile(*address as *const u32) } == PAINT;
        let left = (lowest..self.top).step_by(4).take_while(is_painted).count() * 4;
        (PAINTED_BYTES - left) as u32
    }
}
