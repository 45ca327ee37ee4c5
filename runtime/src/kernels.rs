//! The arithmetic of the ops: pure functions on slices, in safe portable Rust without a panic.
//!
//! Dense and convolution gather the codes of one output position, minus zero point, into a buffer of 16-bit
//! integers, and multiply it with the filters of a block of output channels; the accumulators
//! of the block are then requantized by one loop per form. So the code for each input type, output type and form
//! exists once, not once for each combination. The ops in `program/op/` check shapes and call these.

pub(crate) mod conv2d;
pub(crate) mod dense;
mod depthwise;
pub(crate) mod max_pool2d;
mod patch;
pub(crate) mod requantize;
mod store;
mod taps;
pub(crate) mod transpose;
