//! Stellaris LM3S6965 evaluation board: a Cortex-M3 with 256 KiB of flash and 64 KiB of RAM.
#![no_std]

use exactum_board_cortex_m::systick::SysTick;

/// Run-mode clock configuration; LM3S6965 data sheet, "System control".
const RCC: *mut u32 = 0x400f_e060 as *mut u32;
/// Where the divider of the system clock is, less 1, of a PLL of 200 MHz.
const SYSDIV_SHIFT: u32 = 23;
const SYSDIV_MASK: u32 = 0xf << SYSDIV_SHIFT;

/// The system timer at 50 MHz, the fastest that the chip runs, when it is asked for first.
pub fn timer() -> Option<SysTick> {
    // SAFETY: an aligned register that exists on this chip and changes its clock, no memory; nothing else is running.
    unsafe { RCC.write_volatile(RCC.read_volatile() & !SYSDIV_MASK | 3 << SYSDIV_SHIFT) };
    SysTick::take()
}
