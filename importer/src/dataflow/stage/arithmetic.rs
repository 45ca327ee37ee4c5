//! What the stages with weights have in common: operand types, accumulators, requantization, weight memory.

use exactum_runtime::num::IntRange;
use serde::Serialize;

/// Types along a multiply-accumulate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arithmetic {
    /// What multiplies.
    pub multiplication: Multiplication,
    /// Bits of an input code.
    pub input_bits: u32,
    /// Code of zero; a constant for each channel, so it goes into thresholds and offsets.
    pub input_zero_point: i64,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// The sums.
    pub accumulator: Accumulator,
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

/// Folding attributes that FINN's stages with weights share, besides PE and SIMD.
pub(super) fn memory_config() -> [(&'static str, serde_json::Value); 4] {
    [
        ("ram_style", "auto".into()),
        ("resType", "auto".into()),
        ("mem_mode", "internal_decoupled".into()),
        ("runtime_writeable_weights", 0.into()),
    ]
}
