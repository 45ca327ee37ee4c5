//! Vector-vector-activation unit: a depthwise convolution behind its sliding window.

use serde::Serialize;
use serde_json::Value as Json;

use super::arithmetic::{Arithmetic, WeightMemory, memory_config};
use super::{Folding, Kind, Memory, Stream, Streaming, divisors, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{Estimate, Resources};

pub(super) const KIND: Kind = Kind {
    name: "VVAU",
    about: "depthwise convolution behind its sliding window, with its requantization",
    folding: "PE divides C; once PE = C, SIMD divides kh*kw",
    cycles: "C/PE * kh*kw/SIMD * OH*OW",
};

/// Multiplies each channel's window by its own weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vvau {
    /// C: channels.
    pub channels: usize,
    /// kh, kw: taps of the window.
    pub window: [usize; 2],
    /// OH, OW: output pixels.
    pub output_size: [usize; 2],
    /// Types.
    pub arithmetic: Arithmetic,
}

impl Vvau {
    fn windows(&self) -> usize {
        self.output_size[0] * self.output_size[1]
    }

    fn taps(&self) -> usize {
        self.window[0] * self.window[1]
    }
}

impl Streaming for Vvau {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "VVAU_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        let over_taps = divisors(self.taps()).into_iter().skip(1).map(|simd| Folding {
            pe: self.channels,
            simd,
            ..Folding::ONE
        });
        Folding::by_pe(self.channels).into_iter().chain(over_taps).collect()
    }

    fn cycles(&self, folding: Folding) -> u64 {
        product(&[self.channels / folding.pe, self.taps() / folding.simd, self.windows()])
    }

    fn input(&self, folding: Folding) -> Stream {
        let words = [self.channels / folding.pe, self.taps() / folding.simd, self.windows()];
        Stream::new(self.arithmetic.input_bits, folding.pe * folding.simd, &words)
    }

    fn output(&self, folding: Folding) -> Stream {
        let words = [self.channels / folding.pe, self.windows()];
        Stream::new(self.arithmetic.output_bits, folding.pe, &words)
    }

    fn pixels(&self) -> [usize; 2] {
        [self.windows(); 2]
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        let parallel = [("PE", folding.pe.into()), ("SIMD", folding.simd.into())];
        parallel.into_iter().chain(memory_config(folding.memory)).collect()
    }

    fn memories(&self) -> &'static [Memory] {
        &[Memory::Auto, Memory::Distributed]
    }

    fn estimate(&self, folding: Folding, device: &Device) -> Estimate {
        let Some(words) = self.weight_memory(folding) else { return Resources::default().into() };
        // FINN keeps up to 128 words in look-up tables, and counts no tables for them.
        let memory = if folding.memory == Memory::Auto && words.depth_words <= 128 {
            Resources::default().into()
        } else {
            words.estimate(folding.memory, device)
        };
        // FINN always counts comparators here, and their memory by the part of a table that it fills.
        let products = self.arithmetic.products(folding.pe, folding.simd, self.taps());
        let channels = (self.channels / folding.pe) as f64;
        let steps = self.arithmetic.finn_thresholds() as f64 * f64::from(products.sum_bits());
        let luts = products.luts(device, steps * (channels / 64.0 + 1.0), memory.resources.luts);
        let resources = Resources { luts, ..memory.resources };
        Estimate { resources, ..memory }
    }

    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let channels = (self.channels / folding.pe) as u64;
        let Some(words) = self.weight_memory(folding) else { return Resources::default() };
        let memory = words.estimate(folding.memory, device).resources;
        let products = self.arithmetic.products(folding.pe, folding.simd, self.taps());
        let beside = self.arithmetic.requantization_luts(folding.pe, channels, device);
        let luts = products.luts(device, 0.0, memory.luts).saturating_add(beside);
        Resources { luts, ..memory }
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let weights = product(&[self.channels, self.taps()]);
        self.arithmetic.counts(weights, self.windows(), self.channels)
    }

    fn weight_memory(&self, folding: Folding) -> Option<WeightMemory> {
        let weights = product(&[self.channels, self.taps()]);
        let in_word = product(&[folding.pe, folding.simd]);
        Some(WeightMemory::new(weights, self.arithmetic.weight_bits, in_word))
    }
}
