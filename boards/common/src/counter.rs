//! The counter that a board offers, and the observer that measures each op of a program with it.
//!
//! In QEMU the ticks derive from executed instructions (docs/boards.md), on a chip from clock cycles. Only
//! the host knows which, so the firmware reports ticks and converts nothing.

use exactum_runtime::{Codes, Observer};

/// A free-running counter of the board.
pub trait Counter {
    /// Starts counting from zero.
    fn restart(&mut self);

    /// Ticks since [`restart`](Self::restart), modulo 2^32.
    fn ticks(&self) -> u32;

    /// True when more than 2^32 - 1 ticks have passed since [`restart`](Self::restart): no difference of
    /// ticks is to be trusted then.
    fn wrapped(&self) -> bool;
}

/// Measures each op of a run, of programs with up to `OPS` ops.
#[derive(Debug)]
pub struct OpTicks<'c, C, const OPS: usize> {
    counter: &'c C,
    started: u32,
    ops: [u32; OPS],
}

impl<'c, C: Counter, const OPS: usize> OpTicks<'c, C, OPS> {
    /// An observer that has seen nothing.
    pub const fn new(counter: &'c C) -> Self {
        Self { counter, started: 0, ops: [0; OPS] }
    }

    /// The ticks of op `op`, from the last call of `before` to the last of `after`; 0 past the last.
    pub fn ticks(&self, op: usize) -> u32 {
        self.ops.get(op).copied().unwrap_or(0)
    }

    /// The ticks of a pair of calls around nothing: what measuring adds to every op.
    pub fn empty_pair(&mut self) -> u32 {
        self.before(0);
        self.after(0, Codes::U8(&[]));
        self.ticks(0)
    }
}

/// Never inlined: every pair then executes the same instructions, and [`OpTicks::empty_pair`] holds for all.
impl<C: Counter, const OPS: usize> Observer for OpTicks<'_, C, OPS> {
    #[inline(never)]
    fn before(&mut self, _op: usize) {
        self.started = self.counter.ticks();
    }

    #[inline(never)]
    fn after(&mut self, op: usize, _output: Codes<'_>) {
        let ticks = self.counter.ticks().wrapping_sub(self.started);
        if let Some(slot) = self.ops.get_mut(op) {
            *slot = ticks;
        }
    }
}
