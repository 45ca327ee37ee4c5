//! Layers: a convolution, transposed or not, a batch norm or not, a function, then a quantizer.

use exactum_qonnx::Node;
use proptest::prelude::*;

use super::function::{FUNCTIONS, NEITHER_RISES_NOR_FALLS};
use super::{Act, Family, LARGEST_IMAGE, family};
use crate::generate::build::{Builder, code_range, largest};
use crate::generate::{Bias, Kind, Layer, Quantizer, Window};
use crate::values::Values;

/// A convolution, transposed or not, then a batch norm or not, then a function.
#[derive(Debug)]
struct Weighted {
    transposed: bool,
    norm: bool,
    /// A scale for each output channel.
    per_channel: bool,
    /// Position in the list of functions.
    function: usize,
    outputs: usize,
}

pub(super) fn steps() -> Family {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let choices = (flags, 0..FUNCTIONS, 1..=4usize);
    family(
        4,
        choices.prop_map(|((transposed, norm, per_channel), function, outputs)| Weighted {
            transposed,
            norm,
            per_channel,
            function,
            outputs,
        }),
    )
}

impl Act for Weighted {
    fn add(&self, builder: &mut Builder, quantizer: &Quantizer) {
        let mut reach = if self.transposed {
            builder.conv_transpose(self.per_channel, self.outputs)
        } else {
            builder.convolution(self.per_channel, self.outputs)
        };
        if self.norm {
            reach = builder.batch_norm(reach);
        }
        let reach = builder.function(self.function, reach);
        builder.quantize_reach(quantizer, reach);
    }

    fn may_lack_a_form(&self) -> bool {
        self.function == NEITHER_RISES_NOR_FALLS
    }
}

/// The part of the largest possible sum of `terms` that sums of random terms reach.
fn typical(terms: usize) -> f64 {
    (terms as f64).sqrt()
}

impl Builder {
    /// A convolution of three by two with padding, which keeps the image; returns what its sums seldom exceed.
    pub(super) fn convolution(&mut self, per_channel: bool, outputs: usize) -> f64 {
        let window =
            Window { size: [3, 2], strides: [1, 1], dilations: [1, 1], pads: [1, 0, 1, 1], auto_pad: 0 };
        let groups = self.values.integer(0, 2) as usize;
        let bias = [Bias::Absent, Bias::Float, Bias::Units][self.values.integer(0, 2) as usize];
        let layer = Layer {
            kind: Kind::Requantize,
            outputs,
            weight_bits: self.values.integer(2, 8) as u32,
            weight_type: (true, true),
            per_channel,
            bias,
            relu: false,
            identity: false,
            quantizer: None,
            pool: None,
        };
        let channels = self.shape[1];
        self.conv(&layer, &window, groups) / typical(6 * channels)
    }

    /// A transposed convolution; returns what its sums seldom exceed.
    fn conv_transpose(&mut self, per_channel: bool, outputs: usize) -> f64 {
        let channels = self.shape[1];
        let small = self.shape[2].max(self.shape[3]) <= LARGEST_IMAGE / 2;
        let stride = if small { [2usize, 1 + outputs % 2] } else { [1, 1] };
        let size = [self.values.integer(2, 3) as usize, self.values.integer(1, 3) as usize];
        let pads = [1.min(size[0] - 1), 0, 0, 1.min(size[1] - 1)];
        let more = [stride[0] - 1, 0];
        let count = if per_channel { outputs } else { 1 };
        let scales: Vec<f32> = (0..count)
            .map(|_| {
                let size = 2f64.powi(self.values.integer(-9, -5) as i32);
                self.values.scale(size, self.power_of_two)
            })
            .collect();
        let bits = self.values.integer(2, 8) as u32;
        let (lo, hi) = code_range(bits, true, true);
        let taps = size[0] * size[1];
        let shape = [channels, outputs, size[0], size[1]];
        let floats = (0..channels * outputs * taps)
            .map(|index| self.values.near_code(scales[index / taps % outputs % count], lo, hi))
            .collect();
        let weight = self.floats("weight", &shape, floats);
        let parameters = self.parameters(&scales, &[1, count, 1, 1], 0, bits);
        let inputs = [&[weight], &parameters[..]].concat();
        let quant = Node::new("Quant", inputs, Vec::<String>::new()).attr("signed", 1).attr("narrow", 1);
        let weight = self.node(quant);
        let ints = |values: &[usize]| values.iter().map(|value| *value as i64).collect::<Vec<_>>();
        self.push("ConvTranspose", &[weight], |node| {
            node.attr("kernel_shape", ints(&size))
                .attr("strides", ints(&stride))
                .attr("pads", ints(&pads))
                .attr("output_padding", ints(&more))
        });
        for axis in 0..2 {
            let full = stride[axis] * (self.shape[axis + 2] - 1) + more[axis] + size[axis];
            self.shape[axis + 2] = full - pads[axis] - pads[axis + 2];
        }
        self.shape[1] = outputs;
        let terms = channels * taps;
        self.real_reach() * hi as f64 * terms as f64 * largest(&scales) / typical(terms)
    }

    /// A batch norm of numbers up to `reach`, with factors of either sign and none; returns the new reach.
    fn batch_norm(&mut self, reach: f64) -> f64 {
        let channels = self.shape[1];
        let unit = (reach / 4.0).max(1e-3);
        let mut list = |f: &mut dyn FnMut(&mut Values) -> f64| -> Vec<f32> {
            (0..channels).map(|_| f(&mut self.values) as f32).collect()
        };
        let gamma =
            list(&mut |values| if values.integer(0, 9) == 0 { 0.0 } else { values.unit() * 3.0 - 1.0 });
        let beta = list(&mut |values| values.unit() - 0.5);
        let mean = list(&mut |values| (values.unit() - 0.5) * unit);
        let variance = list(&mut |values| unit * unit * (0.5 + values.unit()));
        let parameters = [("gamma", gamma), ("beta", beta), ("mean", mean), ("variance", variance)]
            .map(|(name, values)| self.floats(name, &[channels], values));
        self.push("BatchNormalization", &parameters, |node| node.attr("epsilon", 1e-5f32));
        // Gains are up to 2 over the root of half a unit.
        (reach + unit) * 3.0 / unit + 0.5
    }
}
