//! Arm's MPS2 board with the AN386 image: a Cortex-M4 with 4 MiB of code and 4 MiB of data memory.
//!
//! Holds what the binaries of this board share: its counter, its stack, its light, and the panic handler that reports to
//! the host.
#![no_std]

pub mod counter;
pub mod led;
pub mod stack;

use core::panic::PanicInfo;

// Linked for what they provide: the critical section and the log.
use cortex_m as _;
use defmt_semihosting as _;
use exactum_board_common::failure::PANIC_EXIT_CODE;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    semihosting::process::exit(PANIC_EXIT_CODE)
}
