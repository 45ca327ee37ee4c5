//! Streaming concatenation: joins the channels of several streams, pixel by pixel.

use num_integer::Integer;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, Stream, Streaming};

pub(super) const KIND: Kind = Kind {
    name: "StreamingConcat",
    about: "channels of several streams behind each other, pixel by pixel",
    folding: "SIMD divides the channels of every stream",
    cycles: "C/SIMD * H*W, C of all streams",
};

/// Joins frames of one size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamingConcat {
    /// Channels of each stream.
    pub channels_per_stream: Vec<usize>,
    /// H * W: pixels.
    pub pixels: usize,
    /// Bits of an element of each stream.
    pub input_bits: Vec<u32>,
    /// Bits of an element that leaves.
    pub output_bits: u32,
}

impl Streaming for StreamingConcat {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "StreamingConcat_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        let common = self.channels_per_stream.iter().fold(0, |common: usize, channels| common.gcd(channels));
        Folding::by_simd(common)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.output(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        self.inputs(folding).first().copied().unwrap_or_else(|| self.output(folding))
    }

    fn inputs(&self, folding: Folding) -> Vec<Stream> {
        let stream = |(channels, bits): (&usize, &u32)| {
            Stream::new(*bits, folding.simd, &[channels / folding.simd, self.pixels])
        };
        self.channels_per_stream.iter().zip(&self.input_bits).map(stream).collect()
    }

    fn output(&self, folding: Folding) -> Stream {
        let channels: usize = self.channels_per_stream.iter().sum();
        Stream::new(self.output_bits, folding.simd, &[channels / folding.simd, self.pixels])
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("SIMD", folding.simd.into())]
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels; 2]
    }
}
