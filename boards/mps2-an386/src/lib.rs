//! Arm's MPS2 board with the AN386 image: a Cortex-M4 with 4 MiB of code and 4 MiB of data memory.
//!
//! Holds what the binaries of this board share: its timer, its light and its serial port.
#![no_std]

pub mod led;

pub use exactum_board_cortex_m::mps2::{Serial, Timer, serial, timer};
