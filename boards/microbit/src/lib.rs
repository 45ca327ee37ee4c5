//! The BBC micro:bit with its nRF51822: a Cortex-M0 with 256 KiB of flash and 16 KiB of RAM.
#![no_std]

pub mod timer;

// Linked for its panic handler.
use exactum_board_cortex_m as _;
