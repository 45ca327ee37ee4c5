//! What Arm's MPS2 boards with the images AN385, AN386 and AN500 have alike: the first timer and the first serial port.
//!
//! Addresses and clock: Application Notes AN385, AN386 and AN500, memory map.

use crate::{apb_timer::ApbTimer, apb_uart::ApbUart};

/// The first APB timer: 25 MHz.
pub type Timer = ApbTimer<0x4000_0000>;

/// The first serial port, UART 0.
pub type Serial = ApbUart<0x4000_4000>;

/// Ticks of 25 MHz for each of the 115200 bits of a second.
const DIVIDER: u32 = 25_000_000 / 115_200;

/// The first APB timer, running. To be called once.
pub fn timer() -> Option<Timer> {
    // SAFETY: it is there on every board of the MPS2, and every image asks for it once.
    Some(unsafe { Timer::new() })
}

/// The first serial port. To be called once.
pub fn serial() -> Serial {
    // SAFETY: it is there on every board of the MPS2, and every image asks for it once.
    unsafe { Serial::new(DIVIDER) }
}
