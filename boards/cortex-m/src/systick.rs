//! The system timer of a Cortex-M as a [`Counter`]: 24 bits, counting down with the processor. For boards without a better one:
//! it wraps after 16.7 million ticks.
//!
//! Registers: Armv7-M Architecture Reference Manual, "The system timer, SysTick".

use cortex_m::peripheral::{Peripherals, SYST, syst::SystClkSource};
use exactum_board_common::counter::Counter;

/// The largest value: 24 bits.
const MOST: u32 = (1 << 24) - 1;

/// The system timer.
#[allow(missing_debug_implementations, reason = "the registers have none")]
pub struct SysTick {
    timer: SYST,
    wrapped: core::cell::Cell<bool>,
}

impl SysTick {
    /// The timer, running, when the peripherals are asked for first; `None` afterwards.
    pub fn take() -> Option<Self> {
        let mut counter = Self { timer: Peripherals::take()?.SYST, wrapped: core::cell::Cell::new(false) };
        counter.timer.set_clock_source(SystClkSource::Core);
        counter.timer.set_reload(MOST);
        counter.restart();
        counter.timer.enable_counter();
        Some(counter)
    }
}

impl Counter for SysTick {
    fn restart(&mut self) {
        // Whatever is written gives zero, and clears the flag; the next tick reloads.
        self.timer.clear_current();
        self.wrapped.set(false);
    }

    fn ticks(&self) -> u32 {
        // From zero, which follows a restart, the count goes to the largest value.
        SYST::get_current().wrapping_neg() & MOST
    }

    fn wrapped(&self) -> bool {
        // The flag is cleared by reading. The first reload after a restart does not set it.
        let flag = (self.timer.csr.read() >> 16) & 1 == 1;
        self.wrapped.set(self.wrapped.get() | flag);
        self.wrapped.get()
    }
}
