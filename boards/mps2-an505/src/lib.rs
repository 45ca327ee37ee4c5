//! Arm's MPS2+ board with the AN505 image: a Cortex-M33 with 4 MiB of code and 4 MiB of data memory. All of it is secure.
#![no_std]

use exactum_board_cortex_m::apb_timer::ApbTimer;

/// The first APB timer, its secure alias: 20 MHz. Application Note AN505, memory map.
pub type Timer = ApbTimer<0x5000_0000>;

/// The first APB timer, running. To be called once.
pub fn timer() -> Option<Timer> {
    // SAFETY: it is there on every AN505, and the images of this board ask for it once.
    Some(unsafe { Timer::new() })
}
