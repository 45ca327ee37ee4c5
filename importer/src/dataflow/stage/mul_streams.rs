//! Multiply streams: the products of two streams, element by element, as of a gate and what it lets through.

use serde::Serialize;

use super::two_streams::two_streams;
use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};

two_streams!(
    /// Multiplies two frames.
    MulStreams,
    "ElementwiseMul",
    "product of two streams, element by element",
    "ElementwiseMul_hls"
);
