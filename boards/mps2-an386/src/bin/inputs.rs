//! Counts what quantizing an input takes.
//!
//! Usage: `inputs PROGRAM COUNTS`; writes little-endian words: the elements of the program's first input, and the ticks
//! of two reads of the timer with nothing between them, with floats quantized, with bytes, with samples.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_board_common::{
    counter::Counter as _,
    failure::{Failure, exit},
    files::{Path, read_up_to, write},
};
use exactum_runtime::{Arena, Engine, Program};
use mps2_an386::timer;
use static_cell::ConstStaticCell;

/// Most elements of the input.
const ELEMS: usize = 1 << 10;

static PROGRAM: ConstStaticCell<Arena<{ 8 << 10 }>> = ConstStaticCell::new(Arena::new());
static ARENA: ConstStaticCell<Arena<{ 8 << 10 }>> = ConstStaticCell::new(Arena::new());

fn run() -> Result<(), Failure> {
    let path = |index| Path::from_command_line(index)?.ok_or(Failure::CommandLine);
    let memory = PROGRAM.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let length_bytes = read_up_to(&mut path(1)?.open()?, memory)?;
    let program =
        Program::load(memory.get(..length_bytes).ok_or(Failure::Capacity)?).map_err(|_| Failure::Load)?;
    let arena = ARENA.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let mut engine = Engine::new(&program, arena).map_err(|_| Failure::Capacity)?;
    let elems = program.input_tensor(0).ok_or(Failure::Load)?.shape.elems() as usize;
    let (mut floats, mut bytes, mut samples) = ([0.0f32; ELEMS], [0u8; ELEMS], [0i16; ELEMS]);
    // Values over the whole range, and beyond it at both ends.
    for (index, ((float, byte), sample)) in (0i16..).zip(floats.iter_mut().zip(&mut bytes).zip(&mut samples))
    {
        *float = f32::from(index.wrapping_sub(512)) * 0.008;
        *byte = (index as u8).wrapping_mul(37);
        *sample = index.wrapping_mul(167);
    }
    let floats = floats.get(..elems).ok_or(Failure::Capacity)?;
    let bytes = bytes.get(..elems).ok_or(Failure::Capacity)?;
    let samples = samples.get(..elems).ok_or(Failure::Capacity)?;
    let timer = timer().ok_or(Failure::Capacity)?;
    let start = timer.ticks();
    let nothing = timer.ticks();
    engine.quantize_input(0, floats).map_err(|_| Failure::InputLength)?;
    let of_floats = timer.ticks();
    engine.quantize_bytes(0, bytes, 255).map_err(|_| Failure::InputLength)?;
    let of_bytes = timer.ticks();
    engine.quantize_samples(0, samples, 15).map_err(|_| Failure::InputLength)?;
    let of_samples = timer.ticks();
    let mut file = path(2)?.create()?;
    let ticks = [
        elems as u32,
        nothing.wrapping_sub(start),
        of_floats.wrapping_sub(nothing),
        of_bytes.wrapping_sub(of_floats),
        of_samples.wrapping_sub(of_bytes),
    ];
    ticks.iter().try_for_each(|ticks| write(&mut file, &ticks.to_le_bytes()))
}

#[entry]
fn main() -> ! {
    exit(run())
}
