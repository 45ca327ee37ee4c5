//! What the firmware of every board shares, so that a board is a memory map, a counter and a few short
//! binaries.
//!
//! [`generic`] runs any program on files of the host, [`classify`] is the demonstration application;
//! [`counter`] and [`stack`] measure, and [`files`] reaches the host. Boards call these; nothing here knows a chip.
#![no_std]

pub mod classify;
pub mod counter;
pub mod failure;
pub mod files;
pub mod generic;
pub mod ram_flash;
pub mod serve;
pub mod stack;

pub use exactum_runtime::Arena;
pub use static_cell::ConstStaticCell;
