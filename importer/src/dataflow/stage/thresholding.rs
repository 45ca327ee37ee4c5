//! Thresholding: a requantization that does not belong to a layer.

use serde::Serialize;
use serde_json::Value as Json;

use super::arithmetic::Requantization;
use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming, product};

pub(super) const KIND: Kind = Kind {
    name: "Thresholding",
    about: "requantization that stands alone",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * H*W",
};

/// Requantizes each element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Thresholding {
    /// C: channels.
    pub channels: usize,
    /// H * W: pixels.
    pub pixels: usize,
    /// Bits of an element that enters.
    pub input_bits: u32,
    /// Bits of a code that leaves.
    pub output_bits: u32,
    /// How.
    pub requantization: Requantization,
}

impl Streaming for Thresholding {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "Thresholding_rtl"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        product(&[self.channels / folding.pe, self.pixels])
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn output(&self, folding: Folding) -> Stream {
        Stream::new(self.output_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels; 2]
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![
            ("PE", folding.pe.into()),
            ("runtime_writeable_weights", 0.into()),
            ("depth_trigger_uram", 0.into()),
            ("depth_trigger_bram", 0.into()),
        ]
    }
}
