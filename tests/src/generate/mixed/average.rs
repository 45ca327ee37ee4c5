//! Means of windows and of whole images.

use proptest::prelude::*;

use super::{Act, Family, family};
use crate::generate::Quantizer;
use crate::generate::build::{Builder, Codes, ROUNDING, code_range};

/// Kinds of means: see [`Builder::average`].
const AVERAGES: usize = 3;

/// Means of one kind.
#[derive(Debug)]
struct Average(usize);

pub(super) fn steps() -> Family {
    family(2, (0..AVERAGES).prop_map(Average))
}

impl Act for Average {
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer) {
        builder.average(self.0, quantizer);
    }
}

impl Builder {
    /// Means of windows with padding or without it, of the whole image, or of windows of four and truncated.
    fn average(&mut self, kind: usize, quantizer: &Quantizer) {
        let reach = self.real_reach();
        let image = [self.shape[2], self.shape[3]];
        match kind {
            0 => {
                let size = image.map(|extent| extent.min(2 + usize::from(extent > 4)));
                let pads = size.map(|size| (size - 1).min(1) as i64);
                let include = self.values.integer(0, 1);
                self.push("AveragePool", &[], |node| {
                    node.attr("kernel_shape", size.map(|size| size as i64))
                        .attr("pads", [pads[0], pads[1], 0, 0])
                        .attr("strides", [2i64, 1])
                        .attr("count_include_pad", include)
                });
                let room = [0, 1].map(|axis| image[axis] + pads[axis] as usize - size[axis]);
                self.shape[2] = room[0] / 2 + 1;
                self.shape[3] = room[1] + 1;
                self.quantize_reach(quantizer, reach);
            }
            1 => {
                self.push("GlobalAveragePool", &[], |node| node);
                self.shape[2..].fill(1);
                self.quantize_reach(quantizer, reach);
            }
            _ => {
                let size = image.map(|extent| if extent > 1 { 2usize } else { 1 });
                let taps = size[0] * size[1];
                self.push("AveragePool", &[], |node| {
                    node.attr("kernel_shape", size.map(|size| size as i64))
                        .attr("strides", size.map(|size| size as i64))
                });
                for (extent, size) in self.shape[2..].iter_mut().zip(size) {
                    *extent /= size;
                }
                // The sum of the codes is what is truncated, as an average pool of Brevitas does.
                let taps_name = self.floats("taps", &[], vec![taps as f32]);
                self.push("Mul", &[taps_name], |node| node);
                let Codes { scale, zero_point, lo, hi } = self.codes;
                let bits = 64 - (hi.max(-lo) * taps as i64).leading_zeros() + 1;
                let dropped = taps.ilog2();
                let out_scale = scale * taps as f32;
                let numbers = [scale, (zero_point * taps as i64) as f32, bits as f32, out_scale];
                let signed = lo < 0;
                let out_bits = (bits - dropped).max(2) as f32;
                let names: Vec<String> = numbers
                    .into_iter()
                    .chain([out_bits])
                    .map(|number| self.floats("number", &[], vec![number]))
                    .collect();
                let mode = ROUNDING[quantizer.rounding];
                self.push("Trunc", &names, |node| {
                    node.attr("rounding_mode", mode).attr("signed", signed).attr("narrow", 0)
                });
                let (lo, hi) = code_range(out_bits as u32, signed, false);
                self.codes = Codes { scale: out_scale, zero_point, lo, hi };
            }
        }
    }
}
