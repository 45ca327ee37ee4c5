//! How much stack a run takes: the memory below the caller is painted before, and what is left of the paint is counted after.
//! `generic` reports it beside the counts.

/// A stack that can be painted.
pub trait Stack {
    /// Paints what lies below the caller's frame. Everything called later lies there.
    fn paint(&mut self);

    /// Bytes below the frame that called [`paint`](Self::paint) which have been used since, at most all that was painted.
    fn used_bytes(&self) -> u32;
}
