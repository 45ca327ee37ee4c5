//! Runs proven integer programs on microcontrollers: always `no_std`, no alloc, no float.
//!
//! [`num`] is the integer vocabulary that every other crate of the workspace shares.
#![no_std]
#![forbid(unsafe_code)]

pub mod num;
