//! Arm's MPS2 board with the AN500 image: a Cortex-M7 with 4 MiB of code and 4 MiB of data memory.
#![no_std]

pub use exactum_board_cortex_m::mps2::{Timer, serial, timer};
