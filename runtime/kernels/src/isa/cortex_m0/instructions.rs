//! Loops that keep their sums in registers: compilers keep them in memory, since two addresses, a code, a weight and four sums are all
//! registers that there are.
#![allow(unsafe_code, reason = "instructions that the language has no other name for")]

mod high;
mod quads;
mod taps;

pub(super) use quads::{codes_of_quads, dot_quads};
pub(super) use taps::codes_of_taps;

/// What [`high`] stores: bytes.
#[derive(Clone, Copy)]
pub(super) struct Bytes {
    /// Whether they have a sign.
    pub(super) signed: bool,
    /// What products are shifted by.
    pub(super) shift: u32,
}
