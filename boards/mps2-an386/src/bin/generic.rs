//! Runs any program on files of the host; `exactum_board_common::generic` has the command line.
//!
//! The conformance suite starts this image for every case.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::{
    failure::{Failure, exit},
    generic::{Memory, run},
};
use exactum_runtime::Arena;
use mps2_an386::{counter::ApbTimer, stack::Painted};
use static_cell::ConstStaticCell;

// Of 4 MiB of memory; the stack has what remains.
static PROGRAM: ConstStaticCell<Arena<{ 1 << 20 }>> = ConstStaticCell::new(Arena::new());
static ARENA: ConstStaticCell<Arena<{ 2 << 20 }>> = ConstStaticCell::new(Arena::new());
static SAMPLE: ConstStaticCell<Arena<{ 512 << 10 }>> = ConstStaticCell::new(Arena::new());

fn generic() -> Result<(), Failure> {
    let mut counter = ApbTimer::take().ok_or(Failure::Capacity)?;
    let memory = Memory {
        program: PROGRAM.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
        arena: ARENA.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
        sample: SAMPLE.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
    };
    run(&mut counter, &mut Painted::default(), memory)
}

#[entry]
fn main() -> ! {
    exit(generic())
}
