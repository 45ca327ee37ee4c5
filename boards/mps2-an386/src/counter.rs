//! The first APB timer of the board as a [`Counter`]: 25 MHz, 32 bits, counting down.
//!
//! Registers: Arm Cortex-M System Design Kit, Technical Reference Manual, "APB timer"; base address:
//! Application Note AN386, memory map.

use exactum_board_common::counter::Counter;

/// Control, value, reload and interrupt status: four words from here.
const BASE: usize = 0x4000_0000;
const CONTROL: *mut u32 = BASE as *mut u32;
const VALUE: *mut u32 = ApbTimer::VALUE_ADDRESS as *mut u32;
const RELOAD: *mut u32 = (BASE + 0x8) as *mut u32;
const INTERRUPT_STATUS: *mut u32 = (BASE + 0xc) as *mut u32;

const ENABLE: u32 = 1 << 0;
/// Lets reaching zero set the status bit. The interrupt itself stays disabled in the NVIC.
const INTERRUPT_ENABLE: u32 = 1 << 3;

/// The timer. It is exclusive: [`ApbTimer::take`] gives it once.
#[derive(Debug)]
pub struct ApbTimer {
    _private: (),
}

impl ApbTimer {
    /// Address of the register that counts down, for code that must choose each of its instructions.
    pub const VALUE_ADDRESS: usize = BASE + 0x4;

    /// The timer, running, when it is asked for first; `None` afterwards.
    pub fn take() -> Option<Self> {
        use core::sync::atomic::{AtomicBool, Ordering};
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        let mut timer = Self { _private: () };
        timer.restart();
        Some(timer)
    }
}

impl Counter for ApbTimer {
    fn restart(&mut self) {
        // SAFETY: the four registers exist at these addresses on every AN386 and are aligned words; `take`
        // hands out one timer, so nobody else writes them, and no memory of the program is affected.
        unsafe {
            CONTROL.write_volatile(0);
            RELOAD.write_volatile(u32::MAX);
            VALUE.write_volatile(u32::MAX);
            INTERRUPT_STATUS.write_volatile(1);
            CONTROL.write_volatile(ENABLE | INTERRUPT_ENABLE);
        }
    }

    fn ticks(&self) -> u32 {
        // SAFETY: an aligned register of the board whose reading changes nothing.
        u32::MAX - unsafe { VALUE.read_volatile() }
    }

    fn wrapped(&self) -> bool {
        // SAFETY: as in `ticks`.
        unsafe { INTERRUPT_STATUS.read_volatile() & 1 == 1 }
    }
}
