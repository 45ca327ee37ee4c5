//! The arithmetic of the ops: geometry and slices in, codes out, without a panic.
//!
//! Dense and convolution gather the codes of one output position, minus zero point, into a buffer of 16-bit
//! integers, and multiply it with the filters of a block of output channels; the accumulators
//! of the block are then requantized by one loop per form. So the code for each input type, output type and form
//! exists once, not once for each combination. Layers with 16-bit weights or 64-bit sums share one copy for all input
//! types. Loops over positions are not inlined, so that what a kernel executes does not depend on the others.
//!
//! Whole layers are written once, over an instruction set [`Isa`]: about ten primitives, each with a portable default.
//! Files of an instruction set are the only place of the runtime with `unsafe`. What the kernels rely on was checked when
//! the program was loaded; where it does not hold they compute something else, or nothing.
//!
//! This floor knows how constants are stored ([`exactum_format::Layer`], packings) and windows; it knows no records, no
//! tensors and no arena.
#![no_std]
#![deny(unsafe_code, missing_docs, missing_debug_implementations)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::undocumented_unsafe_blocks,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod add;
mod byte_sum;
pub mod concat;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod dense;
mod depthwise;
pub mod element;
pub mod elementwise;
mod gathered;
pub mod high;
mod high_form;
mod image;
pub mod isa;
mod lane;
mod matrix;
pub mod max_pool2d;
pub mod mul;
pub mod pairs;
mod patch;
pub mod products;
pub mod push;
pub mod quads;
pub mod rearrange;
pub mod requantize;
pub mod source;
mod store;
pub mod sum_pool2d;
pub mod tail;
pub mod taps;
pub mod top_k;
pub mod winograd;

pub use isa::{Isa, Native, Portable};
pub use store::BLOCK_CHANNELS;
