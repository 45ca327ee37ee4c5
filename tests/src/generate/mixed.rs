//! Random networks of the operators around layers: transposed convolutions, batch norms, pools, functions before a
//! quantizer, branches that are added, multiplied or joined, and rearranged images.
//!
//! Every step starts and ends with the codes of an image, so any list of steps is a network.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};
use proptest::prelude::*;

use super::build::{Builder, Codes, ROUNDING, code_range, largest};
use super::{Bias, Kind, Layer, Quantizer, Window};
use crate::case::Source;
use crate::values::Values;

/// Samples of a network.
const SAMPLES: usize = 3;
/// Scale of the input, about.
const INPUT_SCALE: f64 = 0.05;
/// Larger images are not enlarged.
const LARGEST_IMAGE: usize = 12;
/// Kinds of what is before a quantizer: see [`Builder::function`].
const FUNCTIONS: usize = 9;
/// Kinds of rearrangement: see [`Builder::rearrange`].
const REARRANGEMENTS: usize = 6;

/// Choices for a network.
#[derive(Clone, Debug)]
pub struct Mixed {
    /// Channels, height and width of a sample.
    pub input: [usize; 3],
    /// Whether all scales are powers of two.
    pub power_of_two: bool,
    /// Whether the input is quantized with the zero point outside the rounding, by `QuantizeLinear`.
    pub standard: bool,
    /// Quantizer of the input.
    pub quantizer: Quantizer,
    /// Steps from codes to codes.
    pub steps: Vec<Step>,
    /// Determines weights, constants and samples.
    pub seed: u64,
}

/// A step from the codes of an image to codes.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What it does.
    pub act: Act,
    /// What its result is quantized with.
    pub quantizer: Quantizer,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// A convolution, transposed or not, then a batch norm or not, then a function.
    Layer {
        /// Whether the convolution is transposed.
        transposed: bool,
        /// Whether a batch norm follows.
        norm: bool,
        /// Position in the list of functions.
        function: usize,
        /// A scale for each output channel.
        per_channel: bool,
        /// Output channels.
        outputs: usize,
    },
    /// A convolution whose codes come from thresholds or signs.
    Thresholds {
        /// Whether signs.
        bipolar: bool,
    },
    /// Means of windows, of the whole image or, truncated, of windows of four.
    Average(usize),
    /// The sum of two requantized branches.
    Residual {
        /// Whether both branches have one scale.
        shared: bool,
    },
    /// The branch times a sigmoid of each channel's mean.
    Gate,
    /// Two branches, joined along the channels.
    Concat {
        /// Whether both branches have one scale.
        shared: bool,
    },
    /// The same codes at other places.
    Rearrange(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    prop_oneof![
        4 => (flags, 0..FUNCTIONS, 1..=4usize).prop_map(|((transposed, norm, per_channel), function, outputs)| {
            Act::Layer { transposed, norm, function, per_channel, outputs }
        }),
        1 => any::<bool>().prop_map(|bipolar| Act::Thresholds { bipolar }),
        2 => (0..3usize).prop_map(Act::Average),
        2 => any::<bool>().prop_map(|shared| Act::Residual { shared }),
        1 => Just(Act::Gate),
        1 => any::<bool>().prop_map(|shared| Act::Concat { shared }),
        2 => (0..REARRANGEMENTS).prop_map(Act::Rearrange),
    ]
}

/// Any network of one to four steps.
pub fn mixed() -> impl Strategy<Value = Mixed> {
    let input = [1..=4usize, 2..=6usize, 2..=6usize];
    let step = (act(), super::quantizer(false)).prop_map(|(act, quantizer)| Step { act, quantizer });
    let flags = (any::<bool>(), any::<bool>());
    (input, flags, super::quantizer(false), prop::collection::vec(step, 1..=4), any::<u64>()).prop_map(
        |(input, (power_of_two, standard), quantizer, steps, seed)| Mixed {
            input,
            power_of_two,
            standard,
            quantizer,
            steps,
            seed,
        },
    )
}

impl Mixed {
    /// Whether a function that neither rises nor falls may meet more sums than a table holds, which is refused.
    pub fn may_lack_a_form(&self) -> bool {
        let general =
            |step: &Step| matches!(step.act, Act::Layer { function, .. } if function + 1 == FUNCTIONS);
        self.steps.iter().any(general)
    }

    /// The model and samples for it.
    pub fn source(&self) -> Source {
        let mut values = Values::new(self.seed);
        let shape = [&[1], &self.input[..]].concat();
        let elems: usize = shape.iter().product();
        let mut graph = Graph::new("generated");
        graph.inputs = vec![ValueInfo::new("input", ElemType::F32, &shape)];
        let scale = values.scale(INPUT_SCALE, self.power_of_two);
        let codes = Codes { scale, zero_point: 0, lo: 0, hi: 0 };
        let power_of_two = self.power_of_two;
        let mut builder = Builder { graph, values, power_of_two, last: "input".into(), shape, codes };
        if self.standard {
            builder.quantize_linear(scale, self.quantizer.signed);
        } else {
            builder.quantize(&Quantizer { rounding: 0, ..self.quantizer }, scale);
        }
        let Codes { zero_point, lo, hi, .. } = builder.codes;
        let sample = |values: &mut Values| {
            (0..elems).map(|_| values.input(scale, lo - zero_point, hi - zero_point)).collect()
        };
        let samples: Vec<Vec<f32>> = (0..SAMPLES).map(|_| sample(&mut builder.values)).collect();
        for step in &self.steps {
            builder.step(step);
        }
        builder.graph.outputs = vec![ValueInfo::new(builder.last, ElemType::F32, &builder.shape)];
        Source { model: Model::new(builder.graph), samples }
    }
}

/// The part of the largest possible sum of `terms` that sums of random terms reach.
fn typical(terms: usize) -> f64 {
    (terms as f64).sqrt()
}

/// A place in the network to go on from.
type Place = (String, Vec<usize>, Codes);

impl Builder {
    /// `QuantizeLinear` and `DequantizeLinear` in 8 bits, with a zero point somewhere.
    fn quantize_linear(&mut self, scale: f32, signed: bool) {
        let (lo, hi) = code_range(8, signed, false);
        let zero_point = self.values.integer(lo, hi);
        let scale_name = self.floats("scale", &[], vec![scale]);
        let name = self.name("zero_point");
        let tensor = if signed {
            Tensor::new(name, &[], vec![zero_point as i8])
        } else {
            Tensor::new(name, &[], vec![zero_point as u8])
        };
        let parameters = [scale_name, self.initializer(tensor)];
        self.push("QuantizeLinear", &parameters, |node| node);
        self.push("DequantizeLinear", &parameters, |node| node);
        self.codes = Codes { scale, zero_point, lo, hi };
    }

    fn place(&self) -> Place {
        (self.last.clone(), self.shape.clone(), self.codes)
    }

    fn go_to(&mut self, (last, shape, codes): Place) {
        (self.last, self.shape, self.codes) = (last, shape, codes);
    }

    /// The largest real number that the codes stand for.
    fn real_reach(&self) -> f64 {
        f64::from(self.codes.scale) * self.codes.reach() as f64
    }

    /// Quantizes numbers up to about `reach`.
    fn quantize_reach(&mut self, quantizer: &Quantizer, reach: f64) {
        let (lo, hi) = code_range(quantizer.bits, quantizer.signed, quantizer.narrow);
        let size = reach.max(1e-6) / ((hi - lo) as f64 * quantizer.spread);
        let scale = self.values.scale(size, self.power_of_two);
        self.quantize(quantizer, scale);
    }

    fn step(&mut self, step: &Step) {
        match step.act {
            Act::Layer { transposed, norm, function, per_channel, outputs } => {
                let mut reach = if transposed {
                    self.conv_transpose(per_channel, outputs)
                } else {
                    self.convolution(per_channel, outputs)
                };
                if norm {
                    reach = self.batch_norm(reach);
                }
                let reach = self.function(function, reach);
                self.quantize_reach(&step.quantizer, reach);
            }
            Act::Thresholds { bipolar } => self.thresholds(bipolar),
            Act::Average(kind) => self.average(kind, &step.quantizer),
            Act::Residual { shared } => {
                let [a, b] = self.branches(&step.quantizer, shared, None);
                let reach = self.joined("Add", a, b);
                let reach = self.function(self.shape[1] % 2, reach);
                self.quantize_reach(&step.quantizer, reach);
            }
            Act::Gate => self.gate(&step.quantizer),
            Act::Concat { shared } => {
                let outputs = self.values.integer(1, 3) as usize;
                let [a, b] = self.branches(&step.quantizer, shared, Some(outputs));
                let reach = [&a, &b].map(|(_, _, codes)| f64::from(codes.scale) * codes.reach() as f64);
                let channels = a.1[1] + b.1[1];
                let (mut shape, codes) = (a.1.clone(), a.2);
                shape[1] = channels;
                let inputs = [a.0, b.0];
                let joined = self.node(Node::new("Concat", inputs, Vec::<String>::new()).attr("axis", 1));
                self.go_to((joined, shape, codes));
                if !shared {
                    self.quantize_reach(&step.quantizer, reach[0].max(reach[1]));
                }
            }
            Act::Rearrange(kind) => self.rearrange(kind),
        }
    }

    /// A convolution of three by two with padding, which keeps the image; returns what its sums seldom exceed.
    fn convolution(&mut self, per_channel: bool, outputs: usize) -> f64 {
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

    /// A function of each number before a quantizer, of numbers up to `reach`; returns the new reach.
    fn function(&mut self, kind: usize, reach: f64) -> f64 {
        match kind {
            0 => {}
            1 => self.push("Relu", &[], |node| node),
            2 => self.push("LeakyRelu", &[], |node| node.attr("alpha", 0.1f32)),
            3 => {
                let channels = self.shape[1];
                let slopes = (0..channels).map(|_| self.values.unit() as f32).collect();
                let slopes = self.floats("slope", &[channels, 1, 1], slopes);
                self.push("PRelu", &[slopes], |node| node);
            }
            4 => {
                let ends = [-0.3, 0.4].map(|part| self.floats("end", &[], vec![(part * reach) as f32]));
                self.push("Clip", &ends, |node| node);
                return reach * 0.4;
            }
            5 | 6 => {
                // The interesting part of these functions is near zero.
                let factor = self.floats("factor", &[], vec![(4.0 / reach) as f32]);
                self.push("Mul", &[factor], |node| node);
                self.push(if kind == 5 { "Sigmoid" } else { "Tanh" }, &[], |node| node);
                return 1.0;
            }
            7 => {
                self.push("HardSigmoid", &[], |node| node.attr("alpha", (1.0 / reach) as f32));
                return 1.0;
            }
            _ => self.push("Abs", &[], |node| node),
        }
        reach
    }

    /// Codes of a convolution by `MultiThreshold`, or its signs by `BipolarQuant`.
    fn thresholds(&mut self, bipolar: bool) {
        let outputs = self.values.integer(1, 3) as usize;
        let reach = self.convolution(false, outputs);
        let scale = self.values.scale(0.25, self.power_of_two);
        if bipolar {
            let name = self.floats("scale", &[], vec![scale]);
            self.push("BipolarQuant", &[name], |node| node);
            self.codes = Codes { scale, zero_point: 0, lo: -1, hi: 1 };
            return;
        }
        let channels = self.shape[1];
        let rows = if self.values.integer(0, 1) == 0 { 1 } else { channels };
        let steps = 7;
        let mut thresholds = vec![];
        for _ in 0..rows {
            let mut row: Vec<f32> = (0..steps).map(|_| ((self.values.unit() - 0.5) * reach) as f32).collect();
            row.sort_by(f32::total_cmp);
            thresholds.extend(row);
        }
        let name = self.floats("thresholds", &[rows, steps], thresholds);
        let signed = self.values.integer(0, 1);
        let (lo, bias) = if signed == 1 { (-4, -4.0 * scale) } else { (0, 0.0) };
        let dtype = if signed == 1 { "INT3" } else { "UINT3" };
        self.push("MultiThreshold", &[name], |node| {
            node.attr("out_dtype", dtype)
                .attr("out_scale", scale)
                .attr("out_bias", bias)
                .attr("data_layout", "NCHW")
        });
        self.codes = Codes { scale, zero_point: 0, lo, hi: lo + 7 };
    }

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

    /// Two convolutions of the same codes, or the codes and a convolution, each with codes of its own; of one scale
    /// if they are `shared`. The second has `outputs` channels, or as many as the first.
    fn branches(&mut self, quantizer: &Quantizer, shared: bool, outputs: Option<usize>) -> [Place; 2] {
        let start = self.place();
        let channels = self.shape[1];
        let reach = self.convolution(true, channels);
        self.quantize_reach(quantizer, reach);
        let first = self.place();
        self.go_to(start);
        let reach = self.convolution(false, outputs.unwrap_or(first.1[1]));
        if outputs.is_none() && self.shape[1] != first.1[1] {
            // Groups rounded the channels up.
            return [first.clone(), first];
        }
        if shared {
            self.quantize(quantizer, first.2.scale);
        } else {
            self.quantize_reach(quantizer, reach);
        }
        [first, self.place()]
    }

    /// `a` and `b` under one operator of both; returns what the results do not exceed if they are sums.
    fn joined(&mut self, op_type: &str, a: Place, b: Place) -> f64 {
        let reach: f64 = [&a, &b].iter().map(|place| f64::from(place.2.scale) * place.2.reach() as f64).sum();
        let result = self.node(Node::new(op_type, [a.0.clone(), b.0], Vec::<String>::new()));
        self.go_to((result, a.1, a.2));
        reach
    }

    /// Each channel times the quantized sigmoid of its mean.
    fn gate(&mut self, quantizer: &Quantizer) {
        let start = self.place();
        let reach = self.real_reach();
        self.push("GlobalAveragePool", &[], |node| node);
        self.push("Sigmoid", &[], |node| node);
        let unsigned =
            Quantizer { bits: 6, signed: false, narrow: false, zero_point: None, rounding: 0, spread: 1.0 };
        self.quantize_reach(&unsigned, 1.0);
        let gate = self.place();
        self.joined("Mul", start, gate);
        self.quantize_reach(quantizer, reach);
    }

    /// The same codes padded, enlarged, with channels and pixels exchanged, shuffled, cut, or the largest of windows.
    fn rearrange(&mut self, kind: usize) {
        let [_, channels, height, width] = self.shape[..] else { return };
        let small = height.max(width) <= LARGEST_IMAGE / 2;
        let list = |builder: &mut Self, what: &str, values: &[i64]| {
            let name = builder.name(what);
            builder.initializer(Tensor::new(name, &[values.len()], values.to_vec()))
        };
        match kind {
            0 => {
                let pads = list(self, "pads", &[0, 0, 1, 0, 0, 0, 0, 2]);
                let value = self.floats("value", &[], vec![0.0]);
                self.push("Pad", &[pads, value], |node| node.attr("mode", "constant"));
                self.shape[2] += 1;
                self.shape[3] += 2;
            }
            1 if small => {
                let scales = self.floats("scales", &[4], vec![1.0, 1.0, 2.0, 2.0]);
                self.push("Resize", &[String::new(), scales], |node| {
                    node.attr("mode", "nearest")
                        .attr("coordinate_transformation_mode", "asymmetric")
                        .attr("nearest_mode", "floor")
                });
                self.shape[2] *= 2;
                self.shape[3] *= 2;
            }
            2 if small && channels.is_multiple_of(4) => {
                let mode = if self.values.integer(0, 1) == 0 { "DCR" } else { "CRD" };
                self.push("DepthToSpace", &[], |node| node.attr("blocksize", 2).attr("mode", mode));
                self.shape = vec![1, channels / 4, height * 2, width * 2];
            }
            3 if channels > 1 => {
                // Halves exchanged.
                let sizes = [channels / 2, channels - channels / 2];
                let split = list(self, "split", &sizes.map(|size| size as i64));
                let name = self.name("Split");
                let parts = [format!("{name}_0"), format!("{name}_1")];
                let node = Node::new("Split", [self.last.clone(), split], parts.clone()).attr("axis", 1);
                self.graph.nodes.push(node.named(name));
                let [a, b] = parts;
                self.last = self.node(Node::new("Concat", [b, a], Vec::<String>::new()).attr("axis", 1));
            }
            4 if height > 2 => {
                let operands = [[1], [height as i64], [2], [1]];
                let names: Vec<String> = ["starts", "ends", "axes", "steps"]
                    .iter()
                    .zip(operands)
                    .map(|(what, values)| list(self, what, &values))
                    .collect();
                self.push("Slice", &names, |node| node);
                self.shape[2] -= 1;
            }
            _ => {
                let size = [height.min(2), width.min(2)];
                let room = [height - size[0], width - size[1]];
                self.push("MaxPool", &[], |node| {
                    node.attr("kernel_shape", size.map(|size| size as i64))
                        .attr("strides", [2i64, 2])
                        .attr("ceil_mode", 1)
                });
                self.shape[2] = room[0].div_ceil(2) + 1;
                self.shape[3] = room[1].div_ceil(2) + 1;
            }
        }
    }
}
