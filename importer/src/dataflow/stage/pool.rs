//! Pool: the largest of each channel's window, behind its sliding window.

use serde::Serialize;

use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};
use crate::dataflow::device::Device;
use crate::dataflow::resources::Resources;

pub(super) const KIND: Kind = Kind {
    name: "Pool",
    about: "largest code of each window, behind its sliding window",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * kh*kw * OH*OW",
};

/// Takes the maximum over each window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// C: channels.
    pub channels: usize,
    /// kh, kw: taps of the window.
    pub window: [usize; 2],
    /// OH, OW: output pixels.
    pub output_size: [usize; 2],
    /// Bits of an element.
    pub code_bits: u32,
}

impl Streaming for Pool {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "Pool_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.input(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        let ([kh, kw], [height, width]) = (self.window, self.output_size);
        Stream::new(self.code_bits, folding.pe, &[self.channels / folding.pe, kh, kw, height, width])
    }

    fn output(&self, folding: Folding) -> Stream {
        let [height, width] = self.output_size;
        Stream::new(self.code_bits, folding.pe, &[self.channels / folding.pe, height, width])
    }

    /// A comparator and the largest code so far for each PE; FINN counts nothing.
    fn resources(&self, folding: Folding, _device: &Device) -> Resources {
        Resources::luts(super::product(&[folding.pe, self.code_bits as usize, 2]))
    }

    fn pixels(&self) -> [usize; 2] {
        [self.output_size.iter().product(); 2]
    }
}
