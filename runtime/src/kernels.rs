//! The arithmetic of the ops: pure functions on slices, in safe portable Rust without a panic.
//!
//! Dense and convolution gather the codes of one output position, minus zero point, into a buffer of 16-bit
//! integers, and multiply it with the filters of a block of output channels; the accumulators
//! of the block are then requantized by one loop per form. So the code for each input type, output type and form
//! exists once, not once for each combination. Layers with 16-bit weights or 64-bit sums share one copy for all input
//! types. Loops over positions are not inlined, so that what a kernel executes does not depend on the others. The ops in `program/op/` check shapes and call these.

pub(crate) mod add;
pub(crate) mod concat;
pub(crate) mod conv2d;
pub(crate) mod conv_transpose2d;
pub(crate) mod dense;
mod depthwise;
pub(crate) mod elementwise;
pub(crate) mod max_pool2d;
pub(crate) mod mul;
mod patch;
mod products;
pub(crate) mod rearrange;
pub(crate) mod requantize;
mod source;
mod store;
pub(crate) mod sum_pool2d;
mod taps;
pub(crate) mod top_k;
