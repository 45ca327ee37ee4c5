//! Label select: the indices of the best of the elements of a vector, or these elements.

use serde::Serialize;

use super::{Folding, Kind, Stream, Streaming, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::Resources;

pub(super) const KIND: Kind = Kind {
    name: "LabelSelect",
    about: "indices or values of the best elements of a vector, equal ones by index",
    folding: "PE divides L",
    cycles: "L/PE * V",
};

/// Selects the best of each of `vectors`; what elements are compared as is a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelSelect {
    /// L: elements of a vector.
    pub labels: usize,
    /// How many are selected.
    pub k: usize,
    /// V: vectors per frame.
    pub vectors: usize,
    /// Whether large is good.
    pub largest: bool,
    /// Whether the elements leave, else their indices.
    pub values: bool,
    /// Bits of an element that enters.
    pub input_bits: u32,
    /// Bits of what leaves.
    pub output_bits: u32,
}

impl Streaming for LabelSelect {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "LabelSelect_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.labels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.input(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits, folding.pe, &[self.labels / folding.pe, self.vectors])
    }

    fn output(&self, _folding: Folding) -> Stream {
        Stream::new(self.output_bits, 1, &[product(&[self.k, self.vectors]) as usize])
    }

    /// Comparators of the elements in parallel and of the best so far; FINN counts nothing.
    fn resources(&self, folding: Folding, _device: &Device) -> Resources {
        Resources::luts(product(&[folding.pe.saturating_add(self.k), self.input_bits as usize]))
    }

    fn pixels(&self) -> [usize; 2] {
        [self.vectors; 2]
    }
}
