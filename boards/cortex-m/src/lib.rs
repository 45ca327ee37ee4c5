//! What boards with a Cortex-M share: the timers and serial ports that several of them have, and the panic handler that reports to the host.
#![no_std]

pub mod apb_timer;
pub mod apb_uart;
pub mod mps2;
pub mod systick;

use core::panic::PanicInfo;

// Linked for what they provide: the critical section, cells on Armv6-M, and the log.
use cortex_m as _;
use defmt_semihosting as _;
use exactum_board_common::failure::PANIC_EXIT_CODE;
use portable_atomic as _;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    semihosting::process::exit(PANIC_EXIT_CODE)
}
