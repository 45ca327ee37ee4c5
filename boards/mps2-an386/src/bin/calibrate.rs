//! Runs regions whose executed instructions are known from their text, and reports the ticks of each.
//!
//! The test `calibration` of `boards/runner` demands that each count is exact and that runs repeat to the
//! tick.
//!
//! Usage: `calibrate COUNTS`; writes one little-endian u32 of ticks for each region, the ticks of two pairs of
//! observer calls, then three bytes and a zero: whether the timer says that it wrapped, before it did, after
//! it did, and after a restart.
#![no_std]
#![no_main]

use core::arch::asm;

use cortex_m_rt::entry;
use exactum_board_common::{
    counter::{Counter as _, OpTicks},
    failure::{Failure, exit},
    files::{Path, write},
};
use exactum_runtime::{Codes, Observer as _};
use mps2_an386::{Timer, timer};

/// Ticks between two reads of the timer with `$body` between them. The second read is itself an instruction,
/// so a region counts one more than its body has.
macro_rules! region {
    ($($body:literal),* $(, in $register:ident = $value:expr)?) => {{
        let (before, after): (u32, u32);
        // SAFETY: two loads from a register of the board whose reading changes nothing; the bodies below
        // touch no memory, and registers only that are declared here.
        unsafe {
            asm!(
                "ldr {before}, [{timer}]",
                $($body,)*
                "ldr {after}, [{timer}]",
                timer = in(reg) Timer::VALUE_ADDRESS,
                before = out(reg) before,
                after = lateout(reg) after,
                $($register = inout(reg) $value => _,)?
                options(nostack),
            );
        }
        // It counts down.
        before.wrapping_sub(after)
    }};
}

fn regions() -> [u32; 8] {
    [
        region!(),
        region!("nop"),
        region!(".rept 1000", "nop", ".endr"),
        // Two instructions a turn.
        region!("2:", "subs {n}, #1", "bne 2b", in n = 1u32),
        region!("2:", "subs {n}, #1", "bne 2b", in n = 1_000u32),
        region!("2:", "subs {n}, #1", "bne 2b", in n = 10_000_000u32),
        // Skipped instructions count: 3 a turn and the turn's 2, of which one in the block is never done.
        region!("2:", "cmp {n}, #0", "it eq", "addeq {n}, #1", "subs {n}, #1", "bne 2b", in n = 1_000u32),
        region!("smlad {n}, {n}, {n}, {n}", "udiv {n}, {n}, {n}", "clz {n}, {n}", in n = 7u32),
    ]
}

/// Ticks of an empty pair of observer calls, and of a pair around 1000 instructions.
fn observed(timer: &Timer) -> [u32; 2] {
    let mut ops = OpTicks::<_, 1>::new(timer);
    let empty = ops.empty_pair();
    ops.before(0);
    // SAFETY: does nothing.
    unsafe { asm!(".rept 1000", "nop", ".endr", options(nomem, nostack)) };
    ops.after(0, Codes::U8(&[]));
    [empty, ops.ticks(0)]
}

fn run() -> Result<(), Failure> {
    let path = Path::from_command_line(1)?.ok_or(Failure::CommandLine)?;
    let mut timer = timer().ok_or(Failure::Capacity)?;
    let mut file = path.create()?;
    for ticks in regions() {
        write(&mut file, &ticks.to_le_bytes())?;
    }
    for ticks in observed(&timer) {
        write(&mut file, &ticks.to_le_bytes())?;
    }
    let early = timer.wrapped();
    // 1.4 billion instructions, 4.48 billion ticks.
    let _ = region!("2:", "subs {n}, #1", "bne 2b", in n = 700_000_000u32);
    let late = timer.wrapped();
    timer.restart();
    write(&mut file, &[early, late, timer.wrapped(), false].map(u8::from))
}

#[entry]
fn main() -> ! {
    exit(run())
}
