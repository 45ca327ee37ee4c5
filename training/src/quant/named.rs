//! Premade quantizers under the names Brevitas gave them.
#![allow(non_upper_case_globals, reason = "the names are those of the field")]

mod act;
mod bias;
mod weight;

pub use act::*;
pub use bias::*;
pub use weight::*;
