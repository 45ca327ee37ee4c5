//! Runs firmware in QEMU from the host: builds an image, starts it under a time limit, decodes its log, and
//! counts the instructions it executes.
//!
//! ```no_run
//! use exactum_runner::{Board, Counting, Emulator};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::find(&Board::named("mps2-an386")?)?;
//! let generic = emulator.build("generic")?;
//! let (program, input) = (std::fs::read("digits.bin")?, std::fs::read("images.bin")?);
//! let run = emulator.run_program(&generic, &program, &input, Counting::On)?;
//! println!("{} bytes of output, {:?}", run.output.len(), run.counts);
//! # Ok(())
//! # }
//! ```
//!
//! The firmware itself lives in the workspace `boards`; docs/boards.md tells how counting works. The tests of
//! the workspace use this library, and the binary is what `cargo run` in `boards` starts.

mod board;
mod emulator;
mod image;
mod instructions;
mod log;
mod missing;
mod noise;
mod program;
mod serial;

pub use board::{Board, BoardError, Facts};
pub use emulator::{Emulator, EmulatorError, Finished};
pub use image::{BuildError, GUARDED_PROFILES, GUARDED_TARGETS, Image, Recipe};
pub use instructions::CountError;
pub use missing::{Missing, toolchain};
pub use noise::noise;
pub use program::{Counting, Counts, Run, RunError};

use std::path::{Path, PathBuf};

/// The root of the repository, where `.ci` and `boards` are.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
