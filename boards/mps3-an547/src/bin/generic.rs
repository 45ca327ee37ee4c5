//! Runs any program that fits on files of the host; `exactum_board_common::generic` has the command line.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::stack::Painted;

#[entry]
fn main() -> ! {
    exactum_board_common::generic! {
        program: 524_288,
        arena: 1_048_576,
        sample: 262_144,
        ops: 512,
        counter: exactum_board_cortex_m::systick::SysTick::take(),
        stack: Painted::<{ 16 << 10 }>::default(),
    }
}
