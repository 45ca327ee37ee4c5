//! What the stages with weights have in common: operand types, accumulators, requantization, weight memory.

use exactum_runtime::num::IntRange;
use serde::Serialize;

use super::Memory;
use crate::dataflow::device::Device;
use crate::dataflow::resources::{self, Estimate, FACTOR_BITS, Products, Resources};

/// Types along a multiply-accumulate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arithmetic {
    /// What multiplies.
    pub multiplication: Multiplication,
    /// Bits of an input code.
    pub input_bits: u32,
    /// Whether the type of an input code has negative ones.
    pub input_signed: bool,
    /// Code of zero; a constant for each channel, so it goes into thresholds and offsets.
    pub input_zero_point: i64,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// The sums.
    pub accumulator: Accumulator,
    /// Bits of the type that FINN gives the accumulator: of the products alone, for the whole range of the input's type.
    pub finn_accumulator_bits: u32,
    /// From sums to codes; none if the sums leave the stage.
    pub requantization: Option<Requantization>,
    /// Bits of a result.
    pub output_bits: u32,
}

/// What products are computed by. Bipolar integers are -1 and 1 and have one bit in streams and memories, 1 for 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Multiplication {
    /// Integers.
    Integer,
    /// Bipolar weights: the operand or its negative.
    BipolarWeights,
    /// Bipolar weights and operands: whether they agree.
    Xnor,
}

/// Proven bounds of all channels' sums, integer biases included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accumulator {
    /// Smallest sum.
    pub lo: i64,
    /// Largest sum.
    pub hi: i64,
    /// Bits of the smallest two's complement integer that holds both.
    pub bits: u32,
}

/// How a stage computes codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Requantization {
    /// Compares with thresholds, as FINN does: the code is the first one plus the thresholds passed.
    Thresholds {
        /// Thresholds of each channel; those that its sums never reach are padding.
        per_channel: u32,
    },
    /// Computes the program's certified form, such as a multiplication, addition and shift. FINN has none of these.
    CertifiedForm {
        /// Its name.
        form: &'static str,
        /// Thresholds that FINN would compare with instead.
        thresholds_instead: u32,
    },
}

/// A memory that is read once per word of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WeightMemory {
    /// Number of weights.
    pub weights: u64,
    /// Bits of all weights.
    pub total_bits: u64,
    /// Bits of a word: one weight for each PE and SIMD.
    pub width_bits: u64,
    /// Words.
    pub depth_words: u64,
}

impl From<IntRange> for Accumulator {
    fn from(range: IntRange) -> Self {
        Self { lo: range.lo, hi: range.hi, bits: range.signed_bits() }
    }
}

impl WeightMemory {
    pub(super) fn new(weights: u64, weight_bits: u32, weights_per_word: u64) -> Self {
        let bits = u64::from(weight_bits);
        Self {
            weights,
            total_bits: weights.saturating_mul(bits),
            width_bits: weights_per_word.saturating_mul(bits),
            depth_words: weights / weights_per_word.max(1),
        }
    }
}

impl Arithmetic {
    /// FINN's view of the products of a stage with `terms` in each sum.
    pub(super) const fn products(&self, pe: usize, simd: usize, terms: usize) -> Products {
        Products {
            pe,
            simd,
            weight_bits: self.weight_bits,
            input_bits: self.input_bits,
            input_signed: self.input_signed,
            terms,
            accumulator_bits: self.finn_accumulator_bits,
        }
    }

    /// Thresholds that FINN compares with: as many as there are codes, but one.
    pub(super) fn finn_thresholds(&self) -> u64 {
        if self.requantization.is_none() { 0 } else { (1 << self.output_bits.min(40)) - 1 }
    }

    /// Look-up tables of `pe` requantizations, of which each has parameters of `channels` channels.
    pub(super) fn requantization_luts(&self, pe: usize, channels: u64, device: &Device) -> u64 {
        let each = self
            .requantization
            .as_ref()
            .map_or(0, |function| function.luts(self.accumulator.bits, channels, device));
        each.saturating_mul(pe as u64)
    }

    /// FINN's operations and parameters of `weights` that each of `vectors` is multiplied by.
    pub(super) fn counts(&self, weights: u64, vectors: usize, channels: usize) -> Vec<(String, u64)> {
        let [fewer, more] = [self.weight_bits.min(self.input_bits), self.weight_bits.max(self.input_bits)];
        let products = weights.saturating_mul(vectors as u64);
        let mut counts = vec![
            (format!("op_mac_{fewer}bx{more}b"), products),
            (format!("param_weight_{}b", self.weight_bits), weights),
        ];
        if self.requantization.is_some() {
            counts.push((format!("param_threshold_{}b", self.finn_accumulator_bits), channels as u64));
        }
        counts
    }
}

impl Requantization {
    /// Look-up tables of one, with its parameters for `channels` channels: a comparator takes as many as the sum has bits, a
    /// multiplication by 16 bits what FINN's formula says.
    pub(super) fn luts(&self, sum_bits: u32, channels: u64, device: &Device) -> u64 {
        let bits = u64::from(sum_bits);
        let (logic, stored) = match self {
            Self::Thresholds { per_channel } => {
                let compared = u64::from(*per_channel).saturating_mul(bits);
                (compared, compared)
            }
            Self::CertifiedForm { .. } => {
                let multiplication = resources::multiplier_luts([sum_bits, FACTOR_BITS], device);
                let operands = bits + u64::from(FACTOR_BITS);
                (multiplication + 3 * operands, operands)
            }
        };
        // One channel needs no memory: its parameters are constants.
        let memory = if channels > 1 {
            stored.saturating_mul(channels.div_ceil(resources::lut_words(device)))
        } else {
            0
        };
        logic.saturating_add(memory)
    }
}

impl WeightMemory {
    /// What holds it; FINN's formula for a memory that it keeps apart from the logic.
    pub(super) fn estimate(&self, memory: Memory, device: &Device) -> Estimate {
        if memory == Memory::Distributed {
            let luts =
                self.width_bits.saturating_mul(self.depth_words.div_ceil(resources::lut_words(device)));
            return Resources::luts(luts).into();
        }
        let block_memories = resources::block_memories(device, self.width_bits, self.depth_words);
        let block_bits = device.block_shapes.last().map_or(1, |[words, bits]| words * bits);
        Estimate {
            resources: Resources { block_memories, ..Resources::default() },
            block_memory_efficiency: resources::efficiency(self.total_bits, block_memories, block_bits),
            uram_efficiency: 1.0,
        }
    }
}

/// Bits of the integer type that FINN's width minimisation gives sums of `weights`, each times any of `inputs`.
pub fn finn_accumulator_bits(weights: &[Vec<i32>], inputs: IntRange) -> u32 {
    let (mut lo, mut hi) = (0, 0);
    for row in weights {
        let end = |at_positive: i64, at_negative: i64| -> i64 {
            let of = |weight: &i32| i64::from(*weight) * if *weight > 0 { at_positive } else { at_negative };
            row.iter().map(of).sum()
        };
        hi = end(inputs.hi, inputs.lo).max(hi);
        lo = end(inputs.lo, inputs.hi).min(lo);
    }
    if lo >= 0 { 64 - (hi as u64).leading_zeros() } else { IntRange { lo, hi }.signed_bits() }.max(1)
}

/// Folding attributes that FINN's stages with weights share, besides PE and SIMD.
pub(super) fn memory_config(memory: Memory) -> [(&'static str, serde_json::Value); 4] {
    [
        ("ram_style", memory.finn().into()),
        ("resType", "auto".into()),
        ("mem_mode", "internal_decoupled".into()),
        ("runtime_writeable_weights", 0.into()),
    ]
}
