//! Matrix-vector-activation unit: a dense layer, or a convolution behind its sliding window.

use serde::Serialize;
use serde_json::Value as Json;

use super::arithmetic::{Arithmetic, WeightMemory, memory_config};
use super::{Folding, Kind, Memory, Stream, Streaming, divisors, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{Estimate, Products, Resources};

pub(super) const KIND: Kind = Kind {
    name: "MVAU",
    about: "dense layer, or convolution behind its sliding window, with its requantization",
    folding: "PE divides MH, SIMD divides MW",
    cycles: "MH/PE * MW/SIMD * V",
};

/// Multiplies each of `vectors` by a matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mvau {
    /// MW: elements of an input vector; of a window in the order row, column, channel.
    pub matrix_width: usize,
    /// MH: elements of an output vector, the output channels.
    pub matrix_height: usize,
    /// V: vectors per frame, the output pixels.
    pub vectors: usize,
    /// Types.
    pub arithmetic: Arithmetic,
    /// Whether FINN builds it from its DSP library instead of HLS.
    pub rtl: bool,
    /// Height, width and channels of the frame that a flatten before it merged, if their order matters: the columns
    /// of the weights come in this order instead of ONNX's channels, height, width.
    pub flattened: Option<[usize; 3]>,
}

impl Mvau {
    fn products(&self, folding: Folding) -> Products {
        self.arithmetic.products(folding.pe, folding.simd, self.matrix_width)
    }

    fn weights_in(&self, folding: Folding, device: &Device) -> Estimate {
        self.weight_memory(folding)
            .map_or_else(|| Resources::default().into(), |memory| memory.estimate(folding.memory, device))
    }
}

/// FINN keeps the weights of one PE below this many bits, which one block memory delivers.
const PREFERRED_PE_WORD_BITS: u64 = 36;

impl Streaming for Mvau {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        if self.rtl { "MVAU_rtl" } else { "MVAU_hls" }
    }

    /// Cycles depend on PE * SIMD alone. Of equal products the one with fewest PEs comes first, because each has an
    /// accumulator and comparators, but not with weight words wider than FINN's limit.
    fn foldings(&self) -> Vec<Folding> {
        let (pes, simds) = (divisors(self.matrix_height), divisors(self.matrix_width));
        let pairs =
            pes.iter().flat_map(|&pe| simds.iter().map(move |&simd| Folding { pe, simd, ..Folding::ONE }));
        let mut foldings: Vec<Folding> = pairs.collect();
        foldings.sort_by_key(|folding| {
            let too_wide =
                product(&[folding.simd]) * u64::from(self.arithmetic.weight_bits) > PREFERRED_PE_WORD_BITS;
            (product(&[folding.pe, folding.simd]), too_wide, folding.pe)
        });
        foldings
    }

    fn cycles(&self, folding: Folding) -> u64 {
        product(&[self.matrix_height / folding.pe, self.matrix_width / folding.simd, self.vectors])
    }

    fn input(&self, folding: Folding) -> Stream {
        let words = [self.matrix_width / folding.simd, self.vectors];
        Stream::new(self.arithmetic.input_bits, folding.simd, &words)
    }

    fn output(&self, folding: Folding) -> Stream {
        let words = [self.matrix_height / folding.pe, self.vectors];
        Stream::new(self.arithmetic.output_bits, folding.pe, &words)
    }

    fn pixels(&self) -> [usize; 2] {
        [self.vectors; 2]
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        let parallel = [("PE", folding.pe.into()), ("SIMD", folding.simd.into())];
        parallel.into_iter().chain(memory_config(folding.memory)).collect()
    }

    fn memories(&self) -> &'static [Memory] {
        &[Memory::Auto, Memory::Distributed]
    }

    fn estimate(&self, folding: Folding, device: &Device) -> Estimate {
        let memory = self.weights_in(folding, device);
        let logic = if self.rtl && device.dsp_family.is_some() {
            let dsps = product(&[folding.pe.div_ceil(4), folding.simd]);
            Resources { dsps, ..Resources::default() }
        } else {
            let once = memory.resources.luts;
            Resources::luts(self.products(folding).luts(device, 0.0, once))
        };
        let resources = Resources { block_memories: memory.resources.block_memories, ..logic };
        Estimate { resources, ..memory }
    }

    /// With the comparators, or what multiplies by scales.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let channels = self.matrix_height / folding.pe;
        let beside = self.arithmetic.requantization_luts(folding.pe, channels as u64, device);
        self.estimate(folding, device).resources + Resources::luts(beside)
    }

    fn counts(&self) -> Vec<(String, u64)> {
        let weights = product(&[self.matrix_width, self.matrix_height]);
        self.arithmetic.counts(weights, self.vectors, self.matrix_height)
    }

    fn weight_memory(&self, folding: Folding) -> Option<WeightMemory> {
        let weights = product(&[self.matrix_height, self.matrix_width]);
        let in_word = product(&[folding.pe, folding.simd]);
        Some(WeightMemory::new(weights, self.arithmetic.weight_bits, in_word))
    }
}
