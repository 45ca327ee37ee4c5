//! Runs any program that fits on files of the host; `exactum_board_common::generic` has the command line.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::stack::Painted;

#[entry]
fn main() -> ! {
    exactum_board_common::generic! {
        program: 9_216,
        arena: 1_024,
        sample: 512,
        ops: 16,
        counter: microbit::timer::Timer::take(),
        stack: Painted::<{ 2 << 10 }>::default(),
    }
}
