//! Runs any program that fits on files of the host; `exactum_board_common::generic` has the command line.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::stack::Painted;

#[entry]
fn main() -> ! {
    exactum_board_common::generic! {
        program: 1_048_576,
        arena: 2_097_152,
        sample: 524_288,
        ops: 512,
        counter: mps2_an505::timer(),
        stack: Painted::<{ 16 << 10 }>::default(),
    }
}
