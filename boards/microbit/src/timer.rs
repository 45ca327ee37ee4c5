//! The first timer of the nRF51 as a [`Counter`]: 16 MHz, 32 bits, counting up.
//!
//! Registers: nRF51 Series Reference Manual, "Timer/counter".

use exactum_board_common::counter::Counter;

const BASE: usize = 0x4000_8000;
const START: *mut u32 = BASE as *mut u32;
const CLEAR: *mut u32 = (BASE + 0x00c) as *mut u32;
const CAPTURE_0: *mut u32 = (BASE + 0x040) as *mut u32;
const COMPARED_1: *mut u32 = (BASE + 0x144) as *mut u32;
const BIT_MODE: *mut u32 = (BASE + 0x508) as *mut u32;
const PRESCALER: *mut u32 = (BASE + 0x510) as *mut u32;
const VALUE_0: *mut u32 = (BASE + 0x540) as *mut u32;
const VALUE_1: *mut u32 = (BASE + 0x544) as *mut u32;

/// Of [`BIT_MODE`].
const BITS_32: u32 = 3;

/// The timer.
#[derive(Debug)]
pub struct Timer {
    _private: (),
}

impl Timer {
    /// The timer, running. To be called once.
    pub fn take() -> Option<Self> {
        // SAFETY: aligned registers of the chip that change its timer alone, which the images of this board take once.
        unsafe {
            BIT_MODE.write_volatile(BITS_32);
            PRESCALER.write_volatile(0);
            START.write_volatile(1);
        }
        let mut timer = Self { _private: () };
        timer.restart();
        Some(timer)
    }
}

impl Counter for Timer {
    fn restart(&mut self) {
        // SAFETY: as in `take`.
        unsafe {
            VALUE_1.write_volatile(u32::MAX);
            CLEAR.write_volatile(1);
            COMPARED_1.write_volatile(0);
        }
    }

    fn ticks(&self) -> u32 {
        // SAFETY: as in `take`; capturing copies the count to a register that nobody else reads.
        unsafe {
            CAPTURE_0.write_volatile(1);
            VALUE_0.read_volatile()
        }
    }

    fn wrapped(&self) -> bool {
        // SAFETY: an aligned register whose reading changes nothing.
        unsafe { COMPARED_1.read_volatile() & 1 == 1 }
    }
}
