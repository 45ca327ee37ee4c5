//! What stages take on a device: by FINN's formulas, and with what these leave out. Called by the kinds of stages, the
//! choice of foldings and the files.

use std::ops::Add;

use serde::Serialize;

use super::device::Device;

/// Bits of the factor that a multiplication instead of thresholds is taken to have.
pub const FACTOR_BITS: u32 = 16;

/// Parts of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Look-up tables.
    pub luts: u64,
    /// Block memories.
    pub block_memories: u64,
    /// Ultra memories.
    pub urams: u64,
    /// Multipliers.
    pub dsps: u64,
}

/// What FINN's formulas say of a stage, and how much of the memories is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The parts.
    pub resources: Resources,
    /// Share of the block memories' bits that hold something; 1 without any.
    pub block_memory_efficiency: f64,
    /// Share of the ultra memories' bits that hold something; 1 without any.
    pub uram_efficiency: f64,
}

/// A multiplication with an accumulator behind it, as FINN's formulas see it.
#[derive(Clone, Copy, Debug)]
pub struct Products {
    /// Results in parallel.
    pub pe: usize,
    /// Operands in parallel.
    pub simd: usize,
    /// Bits of a weight.
    pub weight_bits: u32,
    /// Bits of an operand.
    pub input_bits: u32,
    /// Whether operands can be negative.
    pub input_signed: bool,
    /// Products in a sum.
    pub terms: usize,
    /// Bits of the sum's type.
    pub accumulator_bits: u32,
}

impl Resources {
    /// Look-up tables alone.
    pub const fn luts(luts: u64) -> Self {
        Self { luts, block_memories: 0, urams: 0, dsps: 0 }
    }

    /// Names and amounts, in the order of FINN's files.
    pub const fn parts(&self) -> [(&'static str, u64); 4] {
        [
            ("look-up tables", self.luts),
            ("block memories", self.block_memories),
            ("ultra memories", self.urams),
            ("multipliers", self.dsps),
        ]
    }

    /// Amounts alone.
    pub fn amounts(&self) -> [u64; 4] {
        self.parts().map(|(_, amount)| amount)
    }

    /// What `device` has.
    pub const fn of(device: &Device) -> Self {
        let Device { luts, block_memories, urams, dsps, .. } = *device;
        Self { luts, block_memories, urams, dsps }
    }

    /// Whether `budget` has as much of everything.
    pub fn fit(&self, budget: &Self) -> bool {
        self.amounts().iter().zip(budget.amounts()).all(|(used, there)| *used <= there)
    }
}

impl Add for Resources {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            luts: self.luts.saturating_add(other.luts),
            block_memories: self.block_memories.saturating_add(other.block_memories),
            urams: self.urams.saturating_add(other.urams),
            dsps: self.dsps.saturating_add(other.dsps),
        }
    }
}

impl std::iter::Sum for Resources {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Self::add)
    }
}

impl From<Resources> for Estimate {
    fn from(resources: Resources) -> Self {
        Self { resources, block_memory_efficiency: 1.0, uram_efficiency: 1.0 }
    }
}

impl Products {
    /// Bits of the accumulator: those of its type, or of the bound that the operands' types give where that has fewer.
    pub fn sum_bits(&self) -> u32 {
        let operands = self.weight_bits + self.input_bits;
        // FINN computes it in doubles too, and an exact value could round to another integer.
        let alpha = (self.terms.max(1) as f64).log2() + f64::from(operands)
            - 1.0
            - f64::from(u8::from(self.input_signed));
        let bound = (alpha + 2f64.powf(-alpha).ln_1p() / std::f64::consts::LN_2 + 1.0).ceil();
        self.accumulator_bits.min(bound as u32)
    }

    /// Look-up tables of the products, their sum and `beside` for each PE, by FINN's formula, and `once` in all. The formula
    /// is for tables of 6 inputs.
    pub fn luts(&self, device: &Device, beside: f64, once: u64) -> u64 {
        let operands = u64::from(self.weight_bits + self.input_bits);
        let simd = self.simd as u64;
        let each = multiplier_luts([self.weight_bits, self.input_bits], device);
        let products = simd.saturating_mul(each);
        let sums = operands.saturating_mul(2 * simd - 1);
        let each = products.saturating_add(sums).saturating_add(u64::from(self.sum_bits()));
        // FINN multiplies by the double 1.1 and cuts.
        (300.0 + 1.1 * (self.pe as f64 * (each as f64 + beside)) + once as f64) as u64
    }
}

/// Look-up tables of one multiplication, by FINN's formula.
pub fn multiplier_luts(operand_bits: [u32; 2], device: &Device) -> u64 {
    let bits: u64 = operand_bits.iter().map(|bits| u64::from(*bits)).sum();
    (2 * bits.div_ceil(u64::from(device.lut_inputs)) - 1) * bits
}

/// Words that look-up tables of the device hold for each bit of a word.
pub fn lut_words(device: &Device) -> u64 {
    1 << device.lut_inputs
}

/// Block memories for `depth` words of `width` bits: FINN's ladder on the device's shapes.
pub fn block_memories(device: &Device, width: u64, depth: u64) -> u64 {
    let Some((widest, shapes)) = device.block_shapes.split_last() else { return 0 };
    let fitting = shapes.iter().find(|[_, bits]| width <= *bits);
    let [words, bits] = match (fitting, shapes.last()) {
        (Some(shape), _) => *shape,
        (None, Some(second)) if depth > widest[0] => *second,
        _ => *widest,
    };
    depth.div_ceil(words).saturating_mul(width.div_ceil(bits))
}

/// Words up to which a memory is kept in look-up tables where nobody chose.
const SMALL_MEMORY_WORDS: u64 = 64;

/// A memory of `depth` words of `width` bits: look-up tables if it is small, else block memories.
pub fn memory(width: u64, depth: u64, device: &Device) -> Resources {
    if depth <= SMALL_MEMORY_WORDS {
        Resources::luts(width.saturating_mul(depth.div_ceil(device.lut_ram_words)))
    } else {
        Resources { block_memories: block_memories(device, width, depth), ..Resources::default() }
    }
}

/// Share of `blocks` memories that `bits` fill; 1 of none.
pub fn efficiency(bits: u64, blocks: u64, block_bits: u64) -> f64 {
    if blocks == 0 { 1.0 } else { bits as f64 / (blocks as f64 * block_bits as f64) }
}

/// FINN's memories for thresholds: name of the part, bits of a word, words.
const THRESHOLD_MEMORIES: [(Part, u64, u64); 8] = [
    (Part::Uram, 72, 4096),
    (Part::Uram, 36, 8192),
    (Part::Uram, 18, 16384),
    (Part::Uram, 9, 32768),
    (Part::Block, 36, 512),
    (Part::Block, 18, 1024),
    (Part::Block, 9, 2048),
    (Part::Luts, 1, 64),
];

/// What a memory of thresholds is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Uram,
    Block,
    Luts,
}

/// What FINN's binary search over thresholds takes for one PE: a memory for each bit of the code, twice as deep each time, in
/// whatever wastes the fewest bits. The bits that each kind of memory could hold and holds come with it.
pub fn threshold_memories(width: u64, channels: u64, output_bits: u32) -> (Resources, [[u64; 2]; 2]) {
    let mut resources = Resources::default();
    let mut bits = [[0, 0]; 2];
    for bit in 0..output_bits.min(40) {
        let depth = channels.saturating_mul(1 << bit);
        let used = width.saturating_mul(depth);
        let count = |(_, bits, words): &(Part, u64, u64)| {
            width.div_ceil(*bits).saturating_mul(depth.div_ceil(*words))
        };
        let held = |memory: &(Part, u64, u64)| count(memory).saturating_mul(memory.1 * memory.2);
        // The first of equals, as in FINN.
        let Some(best) = THRESHOLD_MEMORIES.iter().min_by_key(|memory| held(memory)) else { continue };
        let part = match best.0 {
            Part::Luts => {
                resources.luts = resources.luts.saturating_add(count(best));
                continue;
            }
            Part::Block => {
                resources.block_memories = resources.block_memories.saturating_add(count(best));
                &mut bits[0]
            }
            Part::Uram => {
                resources.urams = resources.urams.saturating_add(count(best));
                &mut bits[1]
            }
        };
        part[0] = u64::saturating_add(part[0], used);
        part[1] = u64::saturating_add(part[1], held(best));
    }
    (resources, bits)
}
