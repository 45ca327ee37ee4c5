//! Nearest neighbour upsampling: each pixel repeated along rows and columns, through one row of pixels.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, Stream, Streaming, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{self, Resources};

pub(super) const KIND: Kind = Kind {
    name: "UpsampleNearestNeighbour",
    about: "each pixel repeated along rows and columns, through a memory of one row",
    folding: "SIMD divides C",
    cycles: "C/SIMD * OH * OW",
};

/// Repeats pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upsample {
    /// C: channels.
    pub channels: usize,
    /// H, W: the frame that enters.
    pub input_size: [usize; 2],
    /// How often each row and each column comes.
    pub factors: [usize; 2],
    /// Bits of a code.
    pub code_bits: u32,
}

impl Upsample {
    /// Height and width of the frame that leaves.
    pub fn output_size(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.input_size[axis].saturating_mul(self.factors[axis]))
    }
}

impl Streaming for Upsample {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "UpsampleNearestNeighbour_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_simd(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.output(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        let [height, width] = self.input_size;
        Stream::new(self.code_bits, folding.simd, &[self.channels / folding.simd, height, width])
    }

    fn output(&self, folding: Folding) -> Stream {
        let [height, width] = self.output_size();
        Stream::new(self.code_bits, folding.simd, &[self.channels / folding.simd, height, width])
    }

    fn pixels(&self) -> [usize; 2] {
        [self.input_size, self.output_size()].map(|size| size.iter().product())
    }

    fn needed(&self, output: usize) -> usize {
        let columns = self.output_size()[1].max(1);
        let [row, column] = [output / columns / self.factors[0], output % columns / self.factors[1]];
        row * self.input_size[1] + column + 1
    }

    /// A row of pixels; FINN counts nothing.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let words = product(&[self.input_size[1], self.channels / folding.simd]);
        resources::memory((folding.simd as u64).saturating_mul(self.code_bits.into()), words, device)
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("SIMD", folding.simd.into())]
    }
}
