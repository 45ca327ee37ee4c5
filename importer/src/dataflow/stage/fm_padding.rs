//! Feature map padding: surrounds each frame with one code, before a sliding window.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, Stream, Streaming, product};

pub(super) const KIND: Kind = Kind {
    name: "FMPadding",
    about: "one code around the frame of a padded window",
    folding: "SIMD divides C",
    cycles: "C/SIMD * (H + top + bottom) * (W + left + right)",
};

/// Pads a frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FmPadding {
    /// C: channels.
    pub channels: usize,
    /// H, W: the frame that enters.
    pub input_size: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// What stands there: the code of zero, or of a largest code the smallest one. FINN has 0 alone.
    pub code: i64,
    /// Bits of a code.
    pub code_bits: u32,
}

impl FmPadding {
    /// Height and width of the frame that leaves.
    pub fn output_size(&self) -> [usize; 2] {
        let [top, left, bottom, right] = self.pads;
        let [height, width] = self.input_size;
        [height.saturating_add(top).saturating_add(bottom), width.saturating_add(left).saturating_add(right)]
    }
}

impl Streaming for FmPadding {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "FMPadding_rtl"
    }

    fn foldings(&self) -> Vec<Folding> {
        Folding::by_simd(self.channels)
    }

    fn cycles(&self, folding: Folding) -> u64 {
        let [height, width] = self.output_size();
        product(&[self.channels / folding.simd, height, width])
    }

    fn input(&self, folding: Folding) -> Stream {
        let [height, width] = self.input_size;
        Stream::new(self.code_bits, folding.simd, &[self.channels / folding.simd, height, width])
    }

    fn output(&self, folding: Folding) -> Stream {
        let [height, width] = self.output_size();
        Stream::new(self.code_bits, folding.simd, &[self.channels / folding.simd, height, width])
    }

    fn pixels(&self) -> [usize; 2] {
        [self.input_size, self.output_size()].map(|size| size.iter().product())
    }

    /// Nothing of the frame for padding before its first pixel, and nothing more for padding between its pixels.
    fn needed(&self, output: usize) -> usize {
        let [top, left, _, _] = self.pads;
        let [height, width] = self.input_size;
        let padded = self.output_size()[1].max(1);
        let Some(row) = (output / padded).checked_sub(top) else { return 0 };
        let columns = (output % padded + 1).saturating_sub(left).min(width);
        if row < height { row * width + columns } else { height * width }
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![("SIMD", folding.simd.into())]
    }
}
