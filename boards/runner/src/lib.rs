//! Runs firmware in QEMU from the host: starts an image that `exactum-boards` builds under a time limit, decodes its log, and
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

mod emulator;
mod log;
mod noise;
mod program;
mod serial;
#[cfg(unix)]
mod served;

pub use emulator::{Emulator, EmulatorError, Finished};
pub use exactum_boards::{
    Board, BoardError, BuildError, CountError, Facts, GUARDED_PROFILES, GUARDED_TARGETS, Image, Missing,
    Recipe, Workspace, toolchain,
};
pub use noise::noise;
pub use program::{Counting, Counts, Run, RunError};
#[cfg(unix)]
pub use served::Served;
