//! QEMU's machine `virt` with a 32-bit RISC-V hart: RV32IMAC.
#![no_std]

pub mod counter;

use core::panic::PanicInfo;

// Linked for what they provide: the critical section, and the log.
use defmt_semihosting as _;
use exactum_board_common::failure::PANIC_EXIT_CODE;
use riscv as _;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    semihosting::process::exit(PANIC_EXIT_CODE)
}
