//! Add streams: the sums of two streams, element by element, as at the end of a residual block.

use serde::Serialize;

use super::two_streams::two_streams;
use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};
use crate::dataflow::device::Device;
use crate::dataflow::resources::Resources;

two_streams!(
    /// Adds two frames.
    AddStreams,
    "AddStreams",
    "sum of two streams, element by element",
    "AddStreams_hls",
    |unit, _| unit.output_bits.into()
);
