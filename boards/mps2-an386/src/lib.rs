//! Arm's MPS2 board with the AN386 image: a Cortex-M4 with 4 MiB of code and 4 MiB of data memory.
//!
//! Holds what the binaries of this board share: its timer, its light and its serial port.
#![no_std]

pub mod led;

// Linked for its panic handler.
use exactum_board_cortex_m as _;
use exactum_board_cortex_m::{apb_timer::ApbTimer, apb_uart::ApbUart};

/// The first APB timer: 25 MHz. Application Note AN386, memory map.
pub type Timer = ApbTimer<0x4000_0000>;

/// The first serial port, UART 0. Application Note AN386, memory map.
pub type Serial = ApbUart<0x4000_4000>;

/// Ticks of 25 MHz for each of the 115200 bits of a second.
const DIVIDER: u32 = 217;

/// The first APB timer, running. To be called once.
pub fn timer() -> Option<Timer> {
    // SAFETY: it is there on every AN386, and every image of this board asks for it once.
    Some(unsafe { Timer::new() })
}

/// The first serial port, to read from and to write to. To be called once.
pub fn serial() -> (Serial, Serial) {
    // SAFETY: it is there on every AN386; one half reads and the other one writes, which share no register but the state that
    // both only look at.
    unsafe { (Serial::new(DIVIDER), Serial::new(DIVIDER)) }
}
