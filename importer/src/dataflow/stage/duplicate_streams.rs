//! Duplicate streams: the same frame for several readers.

use serde::Serialize;

use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};

pub(super) const KIND: Kind = Kind {
    name: "DuplicateStreams",
    about: "the same frame for several readers",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * H*W",
};

/// Writes each element of a frame to every output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DuplicateStreams {
    /// C: channels.
    pub channels: usize,
    /// H * W: pixels.
    pub pixels: usize,
    /// Number of readers.
    pub outputs: usize,
    /// Bits of an element.
    pub code_bits: u32,
}

impl Streaming for DuplicateStreams {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "DuplicateStreams_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.input(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.code_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn output(&self, folding: Folding) -> Stream {
        self.input(folding)
    }

    fn outputs(&self, folding: Folding) -> Vec<Stream> {
        vec![self.input(folding); self.outputs]
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels; 2]
    }
}
