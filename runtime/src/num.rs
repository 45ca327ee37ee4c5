//! The integer vocabulary: bit widths, ranges, rounding, and the functions from accumulators to codes.
//!
//! One definition of "4-bit signed narrow is -7..=7" for training, importer, runtime and tools. Everything here
//! is exact integer arithmetic; `f32` appears only as its bit pattern.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "widths, codes and mantissas of at most 32 bits, in 64-bit arithmetic"
)]

mod float_key;
mod int_type;
mod quantize;
mod range;
pub mod requant;
mod round;

pub use float_key::{ThresholdQuantizer, float_key};
pub use int_type::{BitWidth, IntType};
pub use quantize::{Dyadic, InputQuantizer};
pub use range::IntRange;
pub use requant::Requant;
pub use round::Rounding;
