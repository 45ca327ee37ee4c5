//! The hart's cycle counter as a [`Counter`]. QEMU counts nanoseconds of virtual time in it where instructions take a fixed one.
//!
//! Register: The RISC-V Instruction Set Manual, Volume II, "Hardware performance monitor".

use exactum_board_common::counter::Counter;
use riscv::register::{mcycle, mcycleh};

/// Sixteen nanoseconds a tick: eight ticks an instruction, and half a billion instructions in 32 bits.
const SHIFT: u32 = 4;

/// The counter.
#[derive(Debug)]
pub struct Cycles {
    start: u64,
}

impl Cycles {
    /// The counter, which always runs.
    pub fn take() -> Option<Self> {
        Some(Self { start: cycles() })
    }
}

/// Both halves, of one moment.
fn cycles() -> u64 {
    loop {
        let (high, low) = (mcycleh::read(), mcycle::read());
        if mcycleh::read() == high {
            return (high as u64) << 32 | low as u64;
        }
    }
}

impl Counter for Cycles {
    fn restart(&mut self) {
        self.start = cycles();
    }

    fn ticks(&self) -> u32 {
        ((cycles() - self.start) >> SHIFT) as u32
    }

    fn wrapped(&self) -> bool {
        (cycles() - self.start) >> (32 + SHIFT) > 0
    }
}
