//! Shuffle: the elements of a frame in another order, some of them repeated, left out, or constant.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, Stream, Streaming};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{self, Resources};

pub(super) const KIND: Kind = Kind {
    name: "Shuffle",
    about: "elements of a frame in another order, repeated, left out or constant, through a memory of two frames",
    folding: "SIMD divides the elements that stay together",
    cycles: "the larger of elements read and elements written / SIMD",
};

/// Moves elements; the order is a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shuffle {
    /// Elements that enter.
    pub read: usize,
    /// Elements that leave.
    pub written: usize,
    /// Neighbours that stay together: words of them are moved as wholes.
    pub together: usize,
    /// Bits of an element that enters.
    pub input_bits: u32,
    /// Bits of an element that leaves.
    pub output_bits: u32,
}

impl Streaming for Shuffle {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "Shuffle_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_simd(self.together)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        (self.read.max(self.written) / folding.simd) as u64
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits, folding.simd, &[self.read / folding.simd])
    }

    fn output(&self, folding: Folding) -> Stream {
        Stream::new(self.output_bits, folding.simd, &[self.written / folding.simd])
    }

    /// A memory of two frames; FINN counts nothing.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let width = (folding.simd as u64).saturating_mul(self.input_bits.into());
        let words = (self.read / folding.simd).saturating_mul(2) as u64;
        resources::memory(width, words, device)
    }

    /// Nothing leaves before the whole frame is there.
    fn pixels(&self) -> [usize; 2] {
        [1, 1]
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("SIMD", folding.simd.into())]
    }
}
