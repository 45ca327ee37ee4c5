//! Arm's MPS3 board with the AN547 image: a Cortex-M55 with 512 KiB of code and 2 MiB of data memory.
#![no_std]
