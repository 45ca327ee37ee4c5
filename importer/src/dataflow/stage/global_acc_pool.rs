//! Global accumulating pool: the sum of each channel of a frame.

use serde::Serialize;

use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::Resources;

pub(super) const KIND: Kind = Kind {
    name: "GlobalAccPool",
    about: "sum of all codes of a channel",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * H*W + C/PE",
};

/// Adds up all pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GlobalAccPool {
    /// C: channels.
    pub channels: usize,
    /// H * W: pixels.
    pub pixels: usize,
    /// Bits of a code.
    pub input_bits: u32,
    /// Bits of a sum.
    pub output_bits: u32,
}

impl Streaming for GlobalAccPool {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "GlobalAccPool_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.input(folding).words_per_frame.saturating_add(product(&[self.channels / folding.pe]))
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn output(&self, folding: Folding) -> Stream {
        Stream::new(self.output_bits, folding.pe, &[self.channels / folding.pe])
    }

    /// An adder for each PE; FINN counts nothing.
    fn resources(&self, folding: Folding, _device: &Device) -> Resources {
        Resources::luts(product(&[folding.pe, self.output_bits as usize]))
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels, 1]
    }

    fn needed(&self, _output: usize) -> usize {
        self.pixels
    }
}
