//! Runs any program on files of the host; `exactum_board_common::generic` has the command line.
//!
//! The conformance suite starts this image for every case.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::stack::Painted;

// Of 4 MiB of memory; the stack has what remains.
#[entry]
fn main() -> ! {
    exactum_board_common::generic! {
        program: 1 << 20,
        arena: 2 << 20,
        sample: 512 << 10,
        ops: 512,
        counter: mps2_an386::timer(),
        stack: Painted::<{ 16 << 10 }>::default(),
    }
}
