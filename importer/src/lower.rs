//! From the scheduled graph to the runtime's program.

mod buffers;
pub mod memory_plan;
mod program;

pub(crate) use buffers::{Resident, residents, states};
pub(crate) use program::scratch;
pub use program::{About, Lowered, OpOrigin, PortMeaning, arena_bytes, program};

use exactum_runtime::program::words_as_bytes_mut;

/// `image` at an address that is a multiple of 8, where programs are loaded from.
pub fn aligned(image: &[u8]) -> Vec<u64> {
    let mut words = vec![0; image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..image.len()].copy_from_slice(image);
    words
}
