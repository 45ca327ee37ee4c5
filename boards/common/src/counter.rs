//! The counter that a board offers, and the observer that measures each op of a program with it.
//!
//! In QEMU the ticks derive from executed instructions (docs/boards.md), on a chip from clock cycles. Only the host
//! knows which, so the firmware reports ticks and converts nothing.

/// A free-running counter of the board.
pub trait Counter {
    /// Starts counting from zero.
    fn restart(&mut self);

    /// Ticks since [`restart`](Self::restart), modulo 2^32.
    fn ticks(&self) -> u32;

    /// True when more than 2^32 - 1 ticks have passed since [`restart`](Self::restart): no difference of ticks is
    /// to be trusted then.
    fn wrapped(&self) -> bool;
}
