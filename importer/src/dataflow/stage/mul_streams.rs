//! Multiply streams: the products of two streams, element by element, as of a gate and what it lets through.

use serde::Serialize;

use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};

pub(super) const KIND: Kind = Kind {
    name: "ElementwiseMul",
    about: "product of two streams, element by element",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * H*W",
};

/// Multiplies two frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MulStreams {
    /// C: channels.
    pub channels: usize,
    /// H * W: pixels.
    pub pixels: usize,
    /// Bits of an element of each operand.
    pub input_bits: [u32; 2],
    /// Bits of a product.
    pub output_bits: u32,
}

impl Streaming for MulStreams {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "ElementwiseMul_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.output(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits[0], folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn inputs(&self, folding: Folding) -> Vec<Stream> {
        let words = [self.channels / folding.pe, self.pixels];
        self.input_bits.iter().map(|bits| Stream::new(*bits, folding.pe, &words)).collect()
    }

    fn output(&self, folding: Folding) -> Stream {
        Stream::new(self.output_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels; 2]
    }
}
