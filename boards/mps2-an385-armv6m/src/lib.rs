//! The instructions of a Cortex-M0, Armv6-M, on Arm's MPS2 board with the AN385 image, whose Cortex-M3 has them too: for networks that
//! no emulated Cortex-M0 has memory for.
#![no_std]

use exactum_board_cortex_m::apb_timer::ApbTimer;

/// The first APB timer: 25 MHz. Application Note AN385, memory map.
pub type Timer = ApbTimer<0x4000_0000>;

/// The first APB timer, running. To be called once.
pub fn timer() -> Option<Timer> {
    // SAFETY: it is there on every AN385, and the images of this board ask for it once.
    Some(unsafe { Timer::new() })
}
