//! The integer vocabulary: bit widths, ranges, rounding, codes, and the functions from accumulators to codes.
//!
//! One definition of "4-bit signed narrow is -7..=7" for training, importer, runtime and tools. Everything here
//! is exact integer arithmetic; `f32` appears only as its bit pattern. The ground floor of the runtime: it depends on
//! no other crate of the workspace.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]
#![cfg_attr(
    not(test),
    deny(
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

#[cfg(target_endian = "big")]
compile_error!("programs are little endian and read in place: big-endian targets are not supported");

mod ascending;
pub mod codes;
mod float_key;
mod int_type;
mod quantize;
mod range;
mod real;
pub mod requant;
mod round;

pub use float_key::{ThresholdQuantizer, float_key};
pub use int_type::{BitWidth, IntType};
pub use quantize::{Dyadic, FastQuantizer, InputQuantizer, Quotients, SampleQuantizer, nearest_quotient};
pub use range::IntRange;
pub use real::{Real, Unit};
pub use requant::Requant;
pub use round::Rounding;
