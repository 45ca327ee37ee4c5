//! Boards and their firmware, inside the program: the facts of every board, the sources that firmware is built from, and how
//! images are built of them, in the repository or in a folder of the user's.
//!
//! The command line asks it about boards, unpacks sources and builds from them; `exactum-runner` starts what is built.

mod board;
mod image;
mod instructions;
mod kept;
mod library;
mod memory;
mod missing;
mod recipe;
mod sources;
mod workspace;

pub use board::{Board, BoardError, Facts};
pub use image::{BuildError, Image};
pub use instructions::{CountError, ICOUNT_SHIFT};
pub use memory::{Memory, MemoryError};
pub use missing::{Missing, toolchain, toolchain_in};
pub use recipe::{GUARDED_PROFILES, GUARDED_TARGETS, Recipe};
pub use sources::{SourceFile, Sources};
pub use workspace::{Workspace, WorkspaceError, cache_folder};
