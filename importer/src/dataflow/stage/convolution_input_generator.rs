//! Convolution input generator: turns a frame into its windows, through a cyclic line buffer.
//!
//! Cycles after FINN's `ConvolutionInputGenerator_rtl`: it does not read the next frame while the last windows of
//! this one leave, so the first fill counts in full.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Folding, Kind, Memory, Stream, Streaming, product};
use crate::dataflow::device::Device;
use crate::dataflow::resources::{Estimate, Resources};

pub(super) const KIND: Kind = Kind {
    name: "ConvolutionInputGenerator",
    about: "all windows of a frame, in their order",
    folding: "SIMD divides C; parallel_window once SIMD = C; SIMD = PE of a VVAU or Pool behind it",
    cycles: "with cf = C/SIMD, H and W padded. \
             parallel_window or 1x1 window: H*W*cf + 2. \
             2-D: ((kh-1)*dh*W + (kw-1)*dw + 1)*cf + OH*row, row = max(OW*kh*kw*cf, sw*W*cf); \
             depthwise: row + OW*(sw-1)*(cf-1), and (sh-1)*W*cf once. \
             1-D: OW*kw*cf + 2; depthwise: OW*kw*cf + cf*(kw-1)*(sw-1) - (kw-1) + 2",
};

/// Makes windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConvolutionInputGenerator {
    /// C: channels.
    pub channels: usize,
    /// H, W: the frame, padding included.
    pub input_size: [usize; 2],
    /// OH, OW: number of windows.
    pub output_size: [usize; 2],
    /// kh, kw: taps of the window.
    pub window: [usize; 2],
    /// sh, sw: steps between windows.
    pub stride: [usize; 2],
    /// dh, dw: distance between taps.
    pub dilation: [usize; 2],
    /// Whether windows leave channel by channel, for a depthwise convolution or a pool.
    pub depthwise: bool,
    /// Bits of a code.
    pub code_bits: u32,
}

impl ConvolutionInputGenerator {
    /// The folding that a VVAU or Pool with `folding` needs before it.
    pub fn before(folding: Folding) -> Folding {
        Folding { pe: 1, simd: folding.pe, parallel_window: folding.simd > 1, memory: Memory::Distributed }
    }

    fn taps(&self) -> usize {
        self.window[0].saturating_mul(self.window[1])
    }

    fn is_parallel(&self, folding: Folding) -> bool {
        folding.parallel_window || self.taps() == 1
    }

    /// Words of FINN's buffer.
    fn buffer_words(&self, folding: Folding) -> u64 {
        let ([kh, kw], [dh, dw], width) = (self.window, self.dilation, self.input_size[1]);
        let words = self.channels / folding.simd;
        let before = product(&[kh - 1, dh, width]).saturating_add(product(&[kw - 1, dw]));
        if self.is_parallel(folding) {
            return before.saturating_mul(words as u64).saturating_add(2);
        }
        let of_words = |pixels: u64| pixels.saturating_mul(words as u64);
        let taps = self.taps() as u64;
        let ahead = |pixels: u64| of_words(pixels.saturating_sub(taps));
        of_words(before.saturating_add(1))
            .saturating_add(ahead(self.stride[1] as u64 - 1))
            .saturating_add(ahead(product(&[self.stride[0] - 1, width])))
    }

    /// Block memories for the buffer, or for the lines of a parallel window, by FINN's formula.
    fn line_memories(&self, folding: Folding, width: u64, device: &Device) -> u64 {
        let [height, columns] = self.input_size;
        let (depth, lines) = if self.is_parallel(folding) {
            if height == 1 || columns == 1 {
                return 0;
            }
            let window = product(&[self.window[1] - 1, self.dilation[1]]).saturating_add(1);
            let rows = product(&[columns, self.dilation[0] - 1]);
            ((columns as u64).saturating_sub(window).saturating_add(rows), self.window[0] as u64 - 1)
        } else {
            (self.buffer_words(folding), 1)
        };
        let Some(&[deepest, _]) = device.block_shapes.first() else { return 0 };
        let bits_of = |depth: u64| {
            let shape = device.block_shapes.iter().rev().find(|[words, _]| depth <= *words);
            shape.or(device.block_shapes.first()).map_or(1, |[_, bits]| *bits)
        };
        let across = width.div_ceil(bits_of(depth));
        let mut blocks = depth.div_ceil(deepest).saturating_mul(across);
        if depth > deepest {
            // What is left over needs fewer memories beside each other.
            blocks -= across - width.div_ceil(bits_of(depth % deepest));
        }
        blocks.saturating_mul(lines)
    }

    fn cycles_1d(&self, channel_words: usize) -> u64 {
        // FINN turns the only long axis into the width.
        let axis = usize::from(self.input_size[1] != 1);
        let (kw, sw, ow) = (self.window[axis], self.stride[axis], self.output_size[axis]);
        let windows = product(&[ow, kw, channel_words]);
        let skipped = if self.depthwise { product(&[channel_words, kw - 1, sw - 1]) } else { 0 };
        let overlap = if self.depthwise { kw as u64 - 1 } else { 0 };
        windows.saturating_add(skipped) - overlap + 2
    }

    fn cycles_2d(&self, channel_words: usize) -> u64 {
        let (kh, kw) = (self.window[0], self.window[1]);
        let width = self.input_size[1];
        let rows = product(&[kh - 1, self.dilation[0], width]);
        let columns = product(&[kw - 1, self.dilation[1]]);
        let first_fill = rows.saturating_add(columns).saturating_add(1).saturating_mul(channel_words as u64);
        let written = product(&[self.output_size[1], kh, kw, channel_words]);
        let read = product(&[self.stride[1], width, channel_words]);
        let mut row = written.max(read);
        let mut once = 0;
        if self.depthwise {
            row = row.saturating_add(product(&[self.output_size[1], self.stride[1] - 1, channel_words - 1]));
            once = product(&[self.stride[0] - 1, width, channel_words]);
        }
        row.saturating_mul(self.output_size[0] as u64).saturating_add(first_fill).saturating_add(once)
    }
}

impl Streaming for ConvolutionInputGenerator {
    fn kind(&self) -> Kind {
        KIND
    }

    fn op_type(&self) -> &'static str {
        "ConvolutionInputGenerator_rtl"
    }

    /// Of a depthwise one the folding follows from the next stage, see [`Self::before`].
    fn foldings(&self) -> Vec<Folding> {
        let whole_windows = Folding { parallel_window: true, ..Folding::simd(self.channels) };
        let last = (self.taps() > 1).then_some(whole_windows);
        let all = Folding::by_simd(self.channels).into_iter().chain(last);
        all.map(|folding| Folding { memory: Memory::Distributed, ..folding }).collect()
    }

    fn cycles(&self, folding: Folding) -> u64 {
        let channel_words = self.channels / folding.simd;
        let [height, width] = self.input_size;
        if folding.parallel_window || self.taps() == 1 {
            product(&[height, width, channel_words]).saturating_add(2)
        } else if height == 1 || width == 1 {
            self.cycles_1d(channel_words)
        } else {
            self.cycles_2d(channel_words)
        }
    }

    fn input(&self, folding: Folding) -> Stream {
        let [height, width] = self.input_size;
        Stream::new(self.code_bits, folding.simd, &[self.channels / folding.simd, height, width])
    }

    fn output(&self, folding: Folding) -> Stream {
        let [height, width] = self.output_size;
        let windows = [self.channels / folding.simd, height, width];
        if folding.parallel_window {
            Stream::new(self.code_bits, folding.simd.saturating_mul(self.taps()), &windows)
        } else {
            let [channel_words, height, width] = windows;
            Stream::new(self.code_bits, folding.simd, &[channel_words, height, width, self.taps()])
        }
    }

    fn pixels(&self) -> [usize; 2] {
        [self.input_size, self.output_size].map(|size| size.iter().product())
    }

    /// All pixels up to the last tap of the window.
    fn needed(&self, output: usize) -> usize {
        let columns = self.output_size[1].max(1);
        let last = |axis: usize, position: usize| {
            position * self.stride[axis] + (self.window[axis] - 1) * self.dilation[axis]
        };
        last(0, output / columns) * self.input_size[1] + last(1, output % columns) + 1
    }

    fn config(&self, folding: Folding) -> Vec<(&'static str, Json)> {
        vec![
            ("SIMD", folding.simd.into()),
            ("parallel_window", u8::from(folding.parallel_window).into()),
            ("ram_style", folding.memory.finn().into()),
        ]
    }

    fn memories(&self) -> &'static [Memory] {
        &[Memory::Distributed, Memory::Block]
    }

    fn estimate(&self, folding: Folding, device: &Device) -> Estimate {
        let width = product(&[folding.simd]).saturating_mul(self.code_bits.into());
        if folding.memory == Memory::Distributed {
            // FINN has found a table of 64 words to hold 38.
            let words = if device.lut_ram_words == 64 { 38 } else { device.lut_ram_words };
            let luts = width.saturating_mul(self.buffer_words(folding).div_ceil(words));
            return Resources::luts(luts.saturating_add(300)).into();
        }
        let block_memories = self.line_memories(folding, width, device);
        Estimate::from(Resources { block_memories, ..Resources::luts(300) })
    }
}
