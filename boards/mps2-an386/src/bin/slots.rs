//! Programs in two slots: runs the one that `slots` chooses, or updates the one that stands by.
//!
//! `slots FLASH run INPUT OUTPUT`: FLASH holds both slots, INPUT the codes of a sample after the other. OUTPUT receives a byte, the
//! slot, the model's version in eight, and the codes of the outputs.
//!
//! `slots FLASH update UPDATE STEPS`: writes UPDATE, a header and an image, to the other slot, of which STEPS, a file of a number of 32
//! bits, words and parts get done; FLASH becomes what the flash is then.
//!
//! The test `slots` flips bits of both and cuts updates off.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use exactum_application::slots::{Chosen, HEADER_BYTES, Header, Update, choose};
use exactum_board_common::failure::{Failure, exit};
use exactum_board_common::files::{Path, read_up_to, write};
use exactum_board_common::ram_flash::RamFlash;
use exactum_runtime::program::Limits;
use exactum_runtime::{Arena, Engine};
// Linked for its panic handler.
use mps2_an386 as _;
use static_cell::ConstStaticCell;

const SLOT_BYTES: usize = 16 << 10;
const LIMITS: Limits = Limits { image_bytes: SLOT_BYTES as u32, arena_bytes: 8 << 10 };
/// Pieces that an update comes in.
const PIECE_BYTES: usize = 64;

static FLASH: ConstStaticCell<Arena<{ 2 * SLOT_BYTES }>> = ConstStaticCell::new(Arena::new());
static UPDATE: ConstStaticCell<Arena<SLOT_BYTES>> = ConstStaticCell::new(Arena::new());
static ARENA: ConstStaticCell<Arena<{ 8 << 10 }>> = ConstStaticCell::new(Arena::new());

fn path(index: usize) -> Result<Path, Failure> {
    Path::from_command_line(index)?.ok_or(Failure::CommandLine)
}

fn slots() -> Result<(), Failure> {
    let flash = FLASH.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    read_up_to(&mut path(1)?.open()?, flash)?;
    if path(2)?.is("update") { update(flash) } else { run(flash) }
}

fn choice(flash: &[u8]) -> Result<Chosen<'_>, Failure> {
    let (a, b) = flash.split_at(SLOT_BYTES);
    choose([a, b], &LIMITS).map_err(|errors| {
        defmt::error!("{}", errors);
        Failure::Load
    })
}

fn run(flash: &[u8]) -> Result<(), Failure> {
    let chosen = choice(flash)?;
    let arena = ARENA.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let mut engine = Engine::new(&chosen.program, arena).map_err(|_| Failure::Capacity)?;
    let (mut input, mut output) = (path(3)?.open()?, path(4)?.create()?);
    write(&mut output, &[chosen.slot as u8])?;
    write(&mut output, &chosen.program.model_version().to_le_bytes())?;
    loop {
        let mut codes = engine.input_mut(0).ok_or(Failure::Load)?;
        let codes = codes.as_bytes_mut();
        match read_up_to(&mut input, codes)? {
            0 => return Ok(()),
            bytes if bytes == codes.len() => {}
            _ => return Err(Failure::InputLength),
        }
        engine.run();
        write(&mut output, engine.output(0).ok_or(Failure::Load)?.as_bytes())?;
    }
}

fn update(flash: &mut [u8]) -> Result<(), Failure> {
    let other = choice(flash).map_or(0, |chosen| 1 - chosen.slot);
    let update = UPDATE.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let bytes = read_up_to(&mut path(3)?.open()?, update)?;
    let (update, _) = update.split_at(bytes);
    let mut steps = [0; 4];
    read_up_to(&mut path(4)?.open()?, &mut steps)?;
    // What is left when the power fails is what the file holds, whatever was said before.
    let _ = write_update(RamFlash::new(flash, u32::from_le_bytes(steps)), other * SLOT_BYTES, update);
    write(&mut path(1)?.create()?, flash)
}

fn write_update(flash: RamFlash<'_>, start: usize, update: &[u8]) -> Option<()> {
    let header = Header::read(update).ok()?;
    let mut writer = Update::begin(flash, start as u32, SLOT_BYTES as u32, header).ok()?;
    for piece in update.get(HEADER_BYTES..)?.chunks(PIECE_BYTES) {
        writer.write(piece).ok()?;
    }
    writer.commit().ok().map(drop)
}

#[entry]
fn main() -> ! {
    exit(slots())
}
