//! From exact values to codes: the function of a quantizer whose parameters are known.
//!
//! Quantizers of training end in it, exact evaluation rounds by it, traces record it and export writes it down.

mod fixed;
mod rounder;
mod rounding;

pub use fixed::{FixedQuantizer, QuantizerError};
pub(crate) use rounder::ExactRounder;
pub use rounding::CodeRounding;
