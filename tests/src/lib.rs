//! Conformance: cases on every backend, and the independent oracle that decides who is right.
//!
//! A [`case`] is a model with samples. [`oracle`] evaluates the model as its file says, in exact numbers, sharing no
//! arithmetic with the other crates. Each [`backend`] runs the case its own way, and all integers must be equal. The
//! suites in `suites/` are the tests; `tests/fixtures` holds files made with other tools.

pub mod backend;
pub mod case;
pub mod cases;
pub mod cells;
pub mod compiler;
pub mod elf;
pub mod exactness;
pub mod exports;
pub mod field;
pub mod generate;
pub mod oracle;
pub mod recorded;
pub mod steps;
pub mod values;
