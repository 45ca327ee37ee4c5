//! Multiply streams: the products of two streams, element by element, as of a gate and what it lets through.

use serde::Serialize;

use super::two_streams::two_streams;
use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{self, Resources};

two_streams!(
    /// Multiplies two frames.
    MulStreams,
    "ElementwiseMul",
    "product of two streams, element by element",
    "ElementwiseMul_hls",
    |unit, device| resources::multiplier_luts(unit.input_bits, device)
);
