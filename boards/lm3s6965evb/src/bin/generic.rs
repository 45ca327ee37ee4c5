//! Runs any program that fits on files of the host; `exactum_board_common::generic` has the command line.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::stack::Painted;

#[entry]
fn main() -> ! {
    exactum_board_common::generic! {
        program: 24_576,
        arena: 16_384,
        sample: 4_096,
        ops: 256,
        counter: lm3s6965evb::timer(),
        stack: Painted::<{ 4 << 10 }>::default(),
    }
}
