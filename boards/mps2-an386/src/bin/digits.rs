//! Demonstration: a program in flash classifies images and logs what it sees.
//!
//! Built with feature `digits` and two variables: EXACTUM_PROGRAM, a program file, and EXACTUM_IMAGES, lines
//! of comma-separated real values that end with the label.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::{
    classify::{Image, classify},
    failure::{Failure, exit},
};
use exactum_runtime::{Arena, include_program};
use mps2_an386::{led::Led, timer};
use static_cell::ConstStaticCell;

static ARENA: ConstStaticCell<Arena<{ 64 << 10 }>> = ConstStaticCell::new(Arena::new());
/// Written by the build script.
const IMAGES: &[Image] = include!(concat!(env!("OUT_DIR"), "/images.rs"));

fn digits() -> Result<(), Failure> {
    let program = include_program!(env!("EXACTUM_PROGRAM"));
    let mut counter = timer().ok_or(Failure::Capacity)?;
    let arena = ARENA.try_take().ok_or(Failure::Capacity)?;
    classify(program, arena.as_mut_slice(), IMAGES, &mut counter, &mut Led)
}

#[entry]
fn main() -> ! {
    exit(digits())
}
