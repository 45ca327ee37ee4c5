//! Channelwise operation: a multiplication or addition with one integer for each channel.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, PE_DIVIDES_C, Stream, Streaming};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{self, Resources};

pub(super) const KIND: Kind = Kind {
    name: "ChannelwiseOp",
    about: "product or sum of each element and an integer of its channel",
    folding: PE_DIVIDES_C,
    cycles: "C/PE * H*W",
};

/// What is done with the integer of the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelwiseFunction {
    /// Multiplies by it.
    Mul,
    /// Adds it.
    Add,
}

/// Combines each element with an integer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelwiseOp {
    /// C: channels.
    pub channels: usize,
    /// H * W: pixels.
    pub pixels: usize,
    /// How.
    pub function: ChannelwiseFunction,
    /// Bits of an element that enters.
    pub input_bits: u32,
    /// Bits of an element that leaves.
    pub output_bits: u32,
}

impl Streaming for ChannelwiseOp {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "ChannelwiseOp_hls"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_pe(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        self.output(folding).words_per_frame
    }

    fn input(&self, folding: Folding) -> Stream {
        Stream::new(self.input_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn output(&self, folding: Folding) -> Stream {
        Stream::new(self.output_bits, folding.pe, &[self.channels / folding.pe, self.pixels])
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("PE", folding.pe.into()), ("ram_style", "distributed".into())]
    }

    /// FINN counts nothing.
    fn resources(&self, folding: Folding, device: &Device) -> Resources {
        let each = match self.function {
            ChannelwiseFunction::Mul => {
                let factor_bits = self.output_bits.saturating_sub(self.input_bits).max(1);
                resources::multiplier_luts([self.input_bits, factor_bits], device)
            }
            ChannelwiseFunction::Add => self.output_bits.into(),
        };
        Resources::luts(each.saturating_mul(folding.pe as u64))
    }

    fn pixels(&self) -> [usize; 2] {
        [self.pixels; 2]
    }
}
