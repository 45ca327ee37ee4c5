//! An APB timer of Arm's Cortex-M System Design Kit as a [`Counter`]: 32 bits, counting down. Boards of the MPS2 have it.
//!
//! Registers: Cortex-M System Design Kit, Technical Reference Manual, "APB timer".

use exactum_board_common::counter::Counter;

const ENABLE: u32 = 1 << 0;
/// Lets reaching zero set the status bit. The interrupt itself stays disabled in the NVIC.
const INTERRUPT_ENABLE: u32 = 1 << 3;

/// The timer whose registers begin at `BASE`: control, value, reload and interrupt status, a word each.
#[derive(Debug)]
pub struct ApbTimer<const BASE: usize> {
    _private: (),
}

impl<const BASE: usize> ApbTimer<BASE> {
    /// Address of the register that counts down, for code that must choose each of its instructions.
    pub const VALUE_ADDRESS: usize = BASE + 0x4;

    const CONTROL: *mut u32 = BASE as *mut u32;
    const VALUE: *mut u32 = Self::VALUE_ADDRESS as *mut u32;
    const RELOAD: *mut u32 = (BASE + 0x8) as *mut u32;
    const INTERRUPT_STATUS: *mut u32 = (BASE + 0xc) as *mut u32;

    /// The timer, running.
    ///
    /// # Safety
    /// An APB timer is at `BASE`, and nobody else uses it.
    pub unsafe fn new() -> Self {
        let mut timer = Self { _private: () };
        timer.restart();
        timer
    }
}

impl<const BASE: usize> Counter for ApbTimer<BASE> {
    fn restart(&mut self) {
        // SAFETY: by `new` the four registers exist at these addresses, aligned words that nobody else writes, and no memory of
        // the program is affected.
        unsafe {
            Self::CONTROL.write_volatile(0);
            Self::RELOAD.write_volatile(u32::MAX);
            Self::VALUE.write_volatile(u32::MAX);
            Self::INTERRUPT_STATUS.write_volatile(1);
            Self::CONTROL.write_volatile(ENABLE | INTERRUPT_ENABLE);
        }
    }

    fn ticks(&self) -> u32 {
        // SAFETY: an aligned register of the board whose reading changes nothing.
        u32::MAX - unsafe { Self::VALUE.read_volatile() }
    }

    fn wrapped(&self) -> bool {
        // SAFETY: as in `ticks`.
        unsafe { Self::INTERRUPT_STATUS.read_volatile() & 1 == 1 }
    }
}
