//! Runs any program that comes over the serial port; `exactum_board_common::serve` has the protocol.
#![no_std]
#![no_main]

use cortex_m_rt::entry;

#[entry]
fn main() -> ! {
    exactum_board_common::serve! {
        program: 1 << 20,
        arena: 2 << 20,
        sample: 512 << 10,
        serial: mps2_an386::serial(),
    }
}
