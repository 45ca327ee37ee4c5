//! From the scheduled graph to the runtime's program.

mod buffers;
pub mod memory_plan;
mod program;

pub(crate) use buffers::buffers;
pub use program::{Lowered, OpOrigin, arena_bytes, program};
