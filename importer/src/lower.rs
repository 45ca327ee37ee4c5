//! From the scheduled graph to the runtime's program.

pub mod memory_plan;
mod program;

pub use program::{Lowered, OpOrigin, arena_bytes, input_codes, program};
