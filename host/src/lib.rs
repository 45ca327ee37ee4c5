//! What the compiler and training do in the same way on a host, written once: arrays in files, files that appear whole,
//! elements of tensors, and functions of doubles that give the same bits on every machine.
//!
//! Nothing here knows a network. The conformance oracle, which judges both, has code of its own.

pub mod elements;
mod error;
pub mod files;
pub mod functions;
pub mod npy;
pub mod npz;
pub mod text;

pub use error::{ArrayError, ArrayFault};
