//! The kinds of streaming stages: dimensions, legal foldings, cycles, streams. One file per kind.
//!
//! Each kind declares its cycle formula as text beside the code ([`Kind`]); docs/dataflow.md lists them, and a test
//! keeps the two equal. All sizes are of one frame; channels are the innermost axis of every stream.

mod add_streams;
mod arithmetic;
mod channelwise_op;
mod convolution_input_generator;
mod duplicate_streams;
mod fm_padding;
mod global_acc_pool;
mod label_select;
mod mul_streams;
mod mvau;
mod pool;
mod shuffle;
mod streaming_concat;
mod thresholding;
mod two_streams;
mod upsample;
mod vvau;

pub use add_streams::AddStreams;
pub use arithmetic::{
    Accumulator, Arithmetic, Multiplication, Requantization, WeightMemory, finn_accumulator_bits,
};
pub use channelwise_op::{ChannelwiseFunction, ChannelwiseOp};
pub use convolution_input_generator::ConvolutionInputGenerator;
pub use duplicate_streams::DuplicateStreams;
pub use fm_padding::FmPadding;
pub use global_acc_pool::GlobalAccPool;
pub use label_select::LabelSelect;
pub use mul_streams::MulStreams;
pub use mvau::Mvau;
pub use pool::Pool;
pub use shuffle::Shuffle;
pub use streaming_concat::StreamingConcat;
pub use thresholding::Thresholding;
pub use upsample::Upsample;
pub use vvau::Vvau;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::device::Device;
use super::resources::{Estimate, Resources};

/// How far a stage is unrolled; 1 where a stage has no such parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Folding {
    /// Results in parallel: output channels.
    pub pe: usize,
    /// Operands in parallel: input elements.
    pub simd: usize,
    /// Whether a sliding window leaves whole windows at a time.
    pub parallel_window: bool,
    /// What holds weights or lines.
    pub memory: Memory,
}

/// What a stage's memory is made of: FINN's `ram_style`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Memory {
    /// Block memories, as far as FINN's estimate knows.
    #[default]
    Auto,
    /// Block memories.
    Block,
    /// Look-up tables.
    Distributed,
}

/// One side of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stream {
    /// Bits of an element.
    pub elem_bits: u32,
    /// Elements in one word.
    pub elems_per_word: usize,
    /// Bits of a word.
    pub width_bits: u64,
    /// Words of one frame.
    pub words_per_frame: u64,
}

/// What a kind of stage is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// FINN's name without its back end.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Legal foldings.
    pub folding: &'static str,
    /// Cycles per frame.
    pub cycles: &'static str,
}

/// The legal foldings of stages that handle each channel by itself.
const PE_DIVIDES_C: &str = "PE divides C";

/// All kinds.
pub const KINDS: [Kind; 15] = [
    fm_padding::KIND,
    convolution_input_generator::KIND,
    mvau::KIND,
    vvau::KIND,
    thresholding::KIND,
    pool::KIND,
    duplicate_streams::KIND,
    add_streams::KIND,
    streaming_concat::KIND,
    global_acc_pool::KIND,
    channelwise_op::KIND,
    mul_streams::KIND,
    label_select::KIND,
    shuffle::KIND,
    upsample::KIND,
];

/// What every kind of stage can say about itself.
pub trait Streaming {
    /// The kind.
    fn kind(&self) -> Kind;
    /// FINN's operator type: the kind and its back end, `hls` or `rtl`.
    fn op_type(&self) -> &'static str;
    /// Legal foldings, least unrolled first; where cycles are equal, the preferred one first.
    fn foldings(&self) -> Vec<Folding>;
    /// Cycles from one frame to the next, saturating.
    fn cycles(&self, folding: Folding) -> u64;
    /// What it reads; the first of several.
    fn input(&self, folding: Folding) -> Stream;
    /// All that it reads.
    fn inputs(&self, folding: Folding) -> Vec<Stream> {
        vec![self.input(folding)]
    }
    /// What it writes; the first of several.
    fn output(&self, folding: Folding) -> Stream;
    /// All that it writes.
    fn outputs(&self, folding: Folding) -> Vec<Stream> {
        vec![self.output(folding)]
    }
    /// Pixels of a frame that it reads and writes; windows and vectors count as pixels.
    fn pixels(&self) -> [usize; 2];
    /// Pixels that it has to read before pixel `output` leaves, of each input.
    fn needed(&self, output: usize) -> usize {
        output + 1
    }
    /// What its memory can be made of, the usual first.
    fn memories(&self) -> &'static [Memory] {
        &[Memory::Auto]
    }
    /// What it takes by FINN's formulas.
    fn estimate(&self, _folding: Folding, _device: &Device) -> Estimate {
        Resources::default().into()
    }
    /// What it takes, also what FINN's formulas leave out.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        self.estimate(folding, device).resources
    }
    /// Operations of a frame and parameters, by FINN's names.
    fn counts(&self) -> Vec<(String, u64)> {
        vec![]
    }
    /// The attributes that FINN's folding file sets.
    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("PE", folding.pe.into())]
    }
    /// Its weight memory, if it has weights.
    fn weight_memory(&self, _folding: Folding) -> Option<WeightMemory> {
        None
    }
}

/// A stage of some kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is the type of its name")]
pub enum Unit {
    FmPadding(FmPadding),
    ConvolutionInputGenerator(ConvolutionInputGenerator),
    Mvau(Mvau),
    Vvau(Vvau),
    Thresholding(Thresholding),
    Pool(Pool),
    DuplicateStreams(DuplicateStreams),
    AddStreams(AddStreams),
    StreamingConcat(StreamingConcat),
    GlobalAccPool(GlobalAccPool),
    ChannelwiseOp(ChannelwiseOp),
    MulStreams(MulStreams),
    LabelSelect(LabelSelect),
    Shuffle(Shuffle),
    Upsample(Upsample),
}

impl std::ops::Deref for Unit {
    type Target = dyn Streaming;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::FmPadding(unit) => unit,
            Self::ConvolutionInputGenerator(unit) => unit,
            Self::Mvau(unit) => unit,
            Self::Vvau(unit) => unit,
            Self::Thresholding(unit) => unit,
            Self::Pool(unit) => unit,
            Self::DuplicateStreams(unit) => unit,
            Self::AddStreams(unit) => unit,
            Self::StreamingConcat(unit) => unit,
            Self::GlobalAccPool(unit) => unit,
            Self::ChannelwiseOp(unit) => unit,
            Self::MulStreams(unit) => unit,
            Self::LabelSelect(unit) => unit,
            Self::Shuffle(unit) => unit,
            Self::Upsample(unit) => unit,
        }
    }
}

impl Memory {
    /// FINN's word.
    pub const fn finn(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Block => "block",
            Self::Distributed => "distributed",
        }
    }
}

impl Folding {
    /// No unrolling.
    pub const ONE: Self = Self { pe: 1, simd: 1, parallel_window: false, memory: Memory::Auto };

    const fn pe(pe: usize) -> Self {
        Self { pe, ..Self::ONE }
    }

    const fn simd(simd: usize) -> Self {
        Self { simd, ..Self::ONE }
    }

    /// Those of [`PE_DIVIDES_C`].
    fn by_pe(channels: usize) -> Vec<Self> {
        divisors(channels).into_iter().map(Self::pe).collect()
    }

    /// Those in which SIMD divides the channels.
    fn by_simd(channels: usize) -> Vec<Self> {
        divisors(channels).into_iter().map(Self::simd).collect()
    }
}

impl Stream {
    fn new(elem_bits: u32, elems_per_word: usize, words: &[usize]) -> Self {
        let width_bits = u64::from(elem_bits).saturating_mul(elems_per_word as u64);
        Self { elem_bits, elems_per_word, width_bits, words_per_frame: product(words) }
    }
}

/// The product, saturating: shapes are bounded, but windows and pads of a file are not.
fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |product: u64, factor| product.saturating_mul(*factor as u64))
}

/// Divisors of `number`, ascending; none of 0.
fn divisors(number: usize) -> Vec<usize> {
    let small = (1..=number.isqrt()).filter(|divisor| number.is_multiple_of(*divisor));
    let mut divisors: Vec<usize> = small.flat_map(|divisor| [divisor, number / divisor]).collect();
    divisors.sort_unstable();
    divisors.dedup();
    divisors
}
