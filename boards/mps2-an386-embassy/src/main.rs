//! An engine as a task of Embassy: it lets the other tasks run between its steps, so a long inference delays none of them for longer than
//! a step lasts.
//!
//! `mps2-an386-embassy PROGRAM INPUT OUTPUT`: INPUT holds the codes of a sample after the other; OUTPUT receives for each sample a number
//! of 32 bits, how often the other task ran meanwhile, and the codes of the first output. The test `tasks` compares both with the host.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m_rt::entry;
use embassy_executor::{Executor, Spawner};
use embassy_futures::yield_now;
use exactum_board_common::failure::{Failure, exit};
use exactum_board_common::files::{Path, read_up_to, write};
use exactum_runtime::{Arena, Engine, Program};
// Linked for its panic handler.
use mps2_an386 as _;
use static_cell::{ConstStaticCell, StaticCell};

/// Multiply-accumulates of a step.
const STEP: u32 = 200;

static EXECUTOR: StaticCell<Executor> = StaticCell::new();
static PROGRAM: ConstStaticCell<Arena<{ 64 << 10 }>> = ConstStaticCell::new(Arena::new());
static ARENA: ConstStaticCell<Arena<{ 16 << 10 }>> = ConstStaticCell::new(Arena::new());
/// How often the other task ran.
static BEATS: AtomicU32 = AtomicU32::new(0);

/// Whatever else the firmware has to do: here it counts how often it can.
#[embassy_executor::task]
async fn beat() {
    loop {
        BEATS.fetch_add(1, Ordering::Relaxed);
        yield_now().await;
    }
}

/// Runs the program on all samples, then ends.
#[embassy_executor::task]
async fn infer() {
    exit(run().await)
}

async fn run() -> Result<(), Failure> {
    let path = |index| Path::from_command_line(index)?.ok_or(Failure::CommandLine);
    let memory = PROGRAM.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let length_bytes = read_up_to(&mut path(1)?.open()?, memory)?;
    let image = memory.get(..length_bytes).ok_or(Failure::Capacity)?;
    let program = Program::load(image).map_err(|_| Failure::Load)?;
    let arena = ARENA.try_take().ok_or(Failure::Capacity)?.as_mut_slice();
    let mut engine = Engine::new(&program, arena).map_err(|_| Failure::Capacity)?;
    let (mut input, mut output) = (path(2)?.open()?, path(3)?.create()?);
    loop {
        let mut codes = engine.input_mut(0).ok_or(Failure::Load)?;
        let codes = codes.as_bytes_mut();
        match read_up_to(&mut input, codes)? {
            0 => return Ok(()),
            bytes if bytes == codes.len() => {}
            _ => return Err(Failure::InputLength),
        }
        let before = BEATS.load(Ordering::Relaxed);
        for _ in engine.steps().within(STEP) {
            yield_now().await;
        }
        let beats = BEATS.load(Ordering::Relaxed).wrapping_sub(before);
        write(&mut output, &beats.to_le_bytes())?;
        write(&mut output, engine.output(0).ok_or(Failure::Load)?.as_bytes())?;
    }
}

#[entry]
fn main() -> ! {
    let executor = EXECUTOR.init(Executor::new());
    executor.run(|spawner: Spawner| match (infer(), beat()) {
        (Ok(infer), Ok(beat)) => {
            spawner.spawn(infer);
            spawner.spawn(beat);
        }
        _ => exit(Err(Failure::Capacity)),
    })
}
