//! Arm's MPS2 board with the AN385 image: a Cortex-M3 with 4 MiB of code and 4 MiB of data memory.
#![no_std]

use exactum_board_cortex_m::apb_timer::ApbTimer;
use exactum_board_cortex_m::cmsdk_serial::CmsdkSerial;

/// The first APB timer: 25 MHz. Application Note AN385, memory map.
pub type Timer = ApbTimer<0x4000_0000>;

/// The first APB timer, running. To be called once.
pub fn timer() -> Option<Timer> {
    // SAFETY: it is there on every AN385, and the images of this board ask for it once.
    Some(unsafe { Timer::new() })
}

/// The first UART: 25 MHz, 115200 bits a second. To be called once.
pub fn serial() -> CmsdkSerial<0x4000_4000> {
    // SAFETY: it is there on every board of the MPS2, and the image that serves asks for it once.
    unsafe { CmsdkSerial::new(25_000_000 / 115_200) }
}
