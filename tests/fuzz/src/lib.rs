//! Fuzzing: models are changed at random, and whatever they have become, reading, compiling and running them must end
//! with a result or a diagnostic, in bounded time and memory.
//!
//! `fuzz-loop` changes fixtures blindly; `fuzz-read` and `fuzz-compile` are targets of libFuzzer, which keeps what
//! reaches new code and changes that again. All share the edits of [`edit`] and the checks of [`mod@check`].
//! `.ci/fuzz` builds and runs them.

pub mod check;
pub mod edit;
pub mod limits;
pub mod random;
pub mod seeds;
