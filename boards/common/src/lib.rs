//! What the firmware of every board shares, so that a board is a memory map, a counter and a few short binaries.
//!
//! [`counter`] measures, [`files`] reaches the files of the host. Boards call these; nothing here knows a chip.
#![no_std]

pub mod counter;
pub mod failure;
pub mod files;
