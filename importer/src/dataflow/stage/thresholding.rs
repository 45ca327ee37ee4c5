//! Thresholding: a requantization that does not belong to a layer.

use serde::Serialize;
use serde_json::Value as Json;

use super::arithmetic::Requantization;
use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{Estimate, Resources, threshold_memories};

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
    /// Bits of a threshold.
    pub threshold_bits: u32,
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

    fn estimate(&self, folding: Folding, _device: &Device) -> Estimate {
        let channels = (self.channels / folding.pe) as u64;
        let (each, bits) = threshold_memories(self.threshold_bits.into(), channels, self.output_bits);
        let all = |amount: u64| amount.saturating_mul(folding.pe as u64);
        let resources = Resources {
            luts: all(each.luts),
            block_memories: all(each.block_memories),
            urams: all(each.urams),
            dsps: 0,
        };
        let [block_memory_efficiency, uram_efficiency] =
            bits.map(|[used, held]| if held == 0 { 1.0 } else { used as f64 / held as f64 });
        Estimate { resources, block_memory_efficiency, uram_efficiency }
    }

    /// Comparators and their parameters in look-up tables, or what multiplies by scales.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let each = self.requantization.luts(self.input_bits, (self.channels / folding.pe) as u64, device);
        Resources::luts(each.saturating_mul(folding.pe as u64))
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
