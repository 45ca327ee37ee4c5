//! From choices to a model: picks scales that use the codes, cuts windows to the image, writes nodes.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};

use super::{Bias, Kind, Layer, Network, Quantizer, Window};
use crate::case::Source;
use crate::values::Values;

/// Rounding modes of `Quant`.
pub(super) const ROUNDING: [&str; 9] =
    ["ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "ROUND_TO_ZERO", "HALF_UP", "HALF_DOWN"];
/// Values of `auto_pad`; the first several times, for it alone takes pads.
pub(super) const AUTO_PAD: [&str; 5] = ["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"];
/// Ways to write a dense layer: see [`Builder::dense`].
pub(super) const DENSE_FORMS: usize = 5;
/// Ways to flatten an image: see [`Builder::flatten`].
pub(super) const FLATTEN_FORMS: usize = 4;
/// Samples of a network.
const SAMPLES: usize = 4;
/// Scale of the input, about.
const INPUT_SCALE: f64 = 0.05;

/// Codes on the way through the network.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    pub(super) scale: f32,
    pub(super) zero_point: i64,
    pub(super) lo: i64,
    pub(super) hi: i64,
}

impl Codes {
    /// Largest distance of a code from the zero point.
    pub(super) fn reach(self) -> i64 {
        (self.hi - self.zero_point).max(self.zero_point - self.lo).max(1)
    }
}

pub(super) struct Builder {
    pub(super) graph: Graph,
    pub(super) values: Values,
    pub(super) power_of_two: bool,
    /// Name of the value that the next node reads, and its shape.
    pub(super) last: String,
    pub(super) shape: Vec<usize>,
    pub(super) codes: Codes,
}

impl Network {
    /// The model and samples for it.
    pub fn source(&self) -> Source {
        let mut values = Values::new(self.seed);
        let shape = if self.spatial {
            vec![1, self.input[0], self.input[1], self.input[2]]
        } else {
            vec![1, self.input[0] * 3]
        };
        let mut graph = Graph::new("generated");
        graph.inputs = vec![ValueInfo::new("input", ElemType::F32, &shape)];
        let scale = values.scale(INPUT_SCALE, self.power_of_two);
        let codes = Codes { scale, zero_point: 0, lo: 0, hi: 0 };
        let elems: usize = shape.iter().product();
        let mut builder =
            Builder { graph, values, power_of_two: self.power_of_two, last: "input".into(), shape, codes };
        builder.quantize(&Quantizer { rounding: 0, ..self.quantizer }, scale);
        let Codes { zero_point, lo, hi, .. } = builder.codes;
        let sample = |values: &mut Values| {
            (0..elems).map(|_| values.input(scale, lo - zero_point, hi - zero_point)).collect()
        };
        let samples: Vec<Vec<f32>> = (0..SAMPLES).map(|_| sample(&mut builder.values)).collect();
        for (index, layer) in self.layers.iter().enumerate() {
            let quantized = builder.layer(layer, index + 1 == self.layers.len());
            if !quantized {
                break;
            }
        }
        builder.graph.outputs = vec![ValueInfo::new(builder.last, ElemType::F32, &builder.shape)];
        Source { model: Model::new(builder.graph), samples }
    }
}

impl Builder {
    pub(super) fn initializer(&mut self, tensor: Tensor) -> String {
        let name = tensor.name.clone();
        self.graph.initializers.push(tensor);
        name
    }

    /// A new name.
    pub(super) fn name(&self, what: &str) -> String {
        format!("{what}_{}", self.graph.nodes.len() + self.graph.initializers.len())
    }

    pub(super) fn floats(&mut self, what: &str, shape: &[usize], values: Vec<f32>) -> String {
        self.initializer(Tensor::new(self.name(what), shape, values))
    }

    /// Adds `node`, which gets a name and an output.
    pub(super) fn node(&mut self, node: Node) -> String {
        let name = self.name(&node.op_type);
        let output = format!("{name}_out");
        self.graph.nodes.push(Node { outputs: vec![output.clone()], ..node.named(name) });
        output
    }

    /// Adds a node that reads the last value.
    pub(super) fn push(&mut self, op_type: &str, more: &[String], with: impl FnOnce(Node) -> Node) {
        let inputs = [std::slice::from_ref(&self.last), more].concat();
        self.last = self.node(with(Node::new(op_type, inputs, Vec::<String>::new())));
    }

    /// Operands of a `Quant` after its first, for one scale or one for each channel of `scale_shape`.
    pub(super) fn parameters(
        &mut self,
        scale: &[f32],
        scale_shape: &[usize],
        zero_point: i64,
        bits: u32,
    ) -> [String; 3] {
        let scale = self.floats("scale", scale_shape, scale.to_vec());
        let zero_point = self.floats("zero_point", &[], vec![zero_point as f32]);
        [scale, zero_point, self.floats("bits", &[], vec![bits as f32])]
    }

    pub(super) fn quantize(&mut self, quantizer: &Quantizer, scale: f32) {
        let Quantizer { bits, signed, narrow, rounding, .. } = *quantizer;
        let (lo, hi) = code_range(bits, signed, narrow);
        let zero_point = quantizer.zero_point.map_or(0, |at| lo + (hi - lo) * i64::from(at) / 16);
        let parameters = self.parameters(&[scale], &[], zero_point, bits);
        self.push("Quant", &parameters, |node| {
            node.attr("signed", signed).attr("narrow", narrow).attr("rounding_mode", ROUNDING[rounding])
        });
        self.codes = Codes { scale, zero_point, lo, hi };
    }

    /// Adds a layer; whether codes come out of it.
    fn layer(&mut self, layer: &Layer, last: bool) -> bool {
        let before = self.codes;
        let unit = match layer.kind {
            Kind::Requantize => f64::from(before.scale) * before.reach() as f64,
            Kind::Conv { window, groups } if self.shape.len() == 4 => self.conv(layer, &window, groups),
            Kind::Conv { .. } => self.dense(layer, 0),
            Kind::Dense { form, flatten } => {
                self.flatten(flatten);
                self.dense(layer, form)
            }
        };
        let quantizer = match (layer.kind, layer.quantizer) {
            (_, Some(quantizer)) => quantizer,
            (Kind::Requantize, None) => return true,
            (_, None) if last => return false,
            (_, None) => {
                Quantizer { bits: 8, signed: true, narrow: false, zero_point: None, rounding: 0, spread: 1.0 }
            }
        };
        if layer.relu {
            self.push("Relu", &[], |node| node);
        }
        if layer.identity {
            self.push("Identity", &[], |node| node);
        }
        let (lo, hi) = code_range(quantizer.bits, quantizer.signed, quantizer.narrow);
        let scale = unit / ((hi - lo) as f64 * quantizer.spread);
        let scale = self.values.scale(scale, self.power_of_two);
        self.quantize(&quantizer, scale);
        if let (Some(window), [_, _, _, _]) = (layer.pool, &self.shape[..]) {
            // Padding as large as the window would leave windows without a pixel.
            let window = Window { auto_pad: window.auto_pad.min(2), ..window };
            let reach = [0, 1].map(|axis| (window.size[axis] - 1).min(1));
            let pads = [0, 1, 2, 3].map(|side| window.pads[side].min(reach[side % 2]));
            self.window("MaxPool", &[], &Window { pads, dilations: [1, 1], ..window }, |node| node);
        }
        true
    }

    /// The weights of a layer, quantized: value name, scale of each channel, and the largest sum of magnitudes of the
    /// codes of a channel. `shape` has the outputs first; `turned` writes a matrix with the outputs last.
    pub(super) fn weights(
        &mut self,
        layer: &Layer,
        shape: &[usize],
        turned: bool,
    ) -> (String, Vec<f32>, i64) {
        let (signed, narrow) = layer.weight_type;
        let bits = if signed { layer.weight_bits } else { layer.weight_bits.min(7) };
        let (lo, hi) = code_range(bits, signed, narrow);
        let outputs = shape[0];
        let count = if layer.per_channel { outputs } else { 1 };
        let scales: Vec<f32> = (0..count)
            .map(|_| {
                let size = 2f64.powi(self.values.integer(-10, -4) as i32);
                self.values.scale(size, self.power_of_two)
            })
            .collect();
        let taps: usize = shape[1..].iter().product();
        let mut floats: Vec<f32> = (0..outputs * taps)
            .map(|index| self.values.near_code(scales[index / taps % count], lo, hi))
            .collect();
        let (mut shape, mut scale_shape) = (shape.to_vec(), vec![1; shape.len()]);
        scale_shape[0] = count;
        if turned {
            floats = (0..floats.len()).map(|i| floats[i % outputs * taps + i / outputs]).collect();
            shape.swap(0, 1);
            scale_shape.swap(0, 1);
        }
        let weight = self.floats("weight", &shape, floats);
        let parameters = self.parameters(&scales, &scale_shape, 0, bits);
        let inputs = [&[weight], &parameters[..]].concat();
        let quant = Node::new("Quant", inputs, Vec::<String>::new());
        let quantized =
            self.node(quant.attr("signed", signed).attr("narrow", narrow).attr("rounding_mode", "ROUND"));
        (quantized, scales, hi.max(-lo) * taps as i64)
    }

    /// The bias of a layer with `outputs` channels, if it has one. A typical sum is `reach` units.
    fn bias(&mut self, layer: &Layer, scales: &[f32], outputs: usize, reach: i64) -> Option<String> {
        let units: Vec<f32> = scales.iter().map(|scale| self.codes.scale * scale).collect();
        let reach = reach.clamp(1, 1 << 14);
        let unit = |channel: usize| units[channel % units.len()];
        let (scale, bits) = match layer.bias {
            Bias::Absent => return None,
            Bias::Float => {
                let real = |channel| (self.values.unit() - 0.5) as f32 * reach as f32 * unit(channel);
                let reals = (0..outputs).map(real).collect();
                return Some(self.floats("bias", &[outputs], reals));
            }
            Bias::Units => (units.clone(), 16),
            Bias::OtherScale => (vec![self.values.scale(f64::from(units[0]) * 1.5, self.power_of_two)], 16),
        };
        let real =
            |channel: usize| self.values.integer(-reach / 2, reach / 2) as f32 * scale[channel % scale.len()];
        let reals = (0..outputs).map(real).collect();
        let bias = self.floats("bias", &[outputs], reals);
        let parameters = self.parameters(&scale, &[scale.len()], 0, bits);
        let inputs = [&[bias], &parameters[..]].concat();
        Some(self.node(Node::new("Quant", inputs, Vec::<String>::new()).attr("signed", 1).attr("narrow", 0)))
    }

    /// A dense layer, written as `Gemm` with `transB`, without it, with factors, as `MatMul` and `Add`, or as
    /// `Transpose`, `MatMul` and `Add`. Returns a real value that its sums do not exceed, bias aside.
    fn dense(&mut self, layer: &Layer, form: usize) -> f64 {
        let shape = [layer.outputs, self.shape[1]];
        let outputs_first = matches!(form, 0 | 4);
        let (weight, scales, magnitude) = self.weights(layer, &shape, !outputs_first);
        let reach = magnitude * self.codes.reach();
        let bias = self.bias(layer, &scales, layer.outputs, reach);
        let bias: Vec<String> = bias.into_iter().collect();
        match form {
            0..=2 => {
                let (alpha, beta) = if form == 2 { (0.75f32, 1.5f32) } else { (1.0, 1.0) };
                self.push("Gemm", &[&[weight], &bias[..]].concat(), |node| {
                    node.attr("transB", outputs_first).attr("alpha", alpha).attr("beta", beta)
                });
            }
            _ => {
                let weight = match form {
                    4 => {
                        let turn = Node::new("Transpose", [weight], Vec::<String>::new());
                        self.node(turn.attr("perm", [1i64, 0]))
                    }
                    _ => weight,
                };
                self.push("MatMul", &[weight], |node| node);
                if !bias.is_empty() {
                    self.push("Add", &bias, |node| node);
                }
            }
        }
        self.shape = vec![1, layer.outputs];
        reach as f64 * largest(&scales) * f64::from(self.codes.scale)
    }

    pub(super) fn conv(&mut self, layer: &Layer, window: &Window, groups: usize) -> f64 {
        let channels = self.shape[1];
        let groups = match groups {
            1 if channels.is_multiple_of(2) => 2,
            2 => channels,
            _ => 1,
        };
        let outputs = layer.outputs.div_ceil(groups) * groups;
        let window = fitting(window, [self.shape[2], self.shape[3]]);
        let shape = [outputs, channels / groups, window.size[0], window.size[1]];
        let (weight, scales, magnitude) = self.weights(layer, &shape, false);
        let reach = magnitude * self.codes.reach();
        let bias = self.bias(layer, &scales, outputs, reach);
        let operands: Vec<String> = [weight].into_iter().chain(bias).collect();
        self.shape[1] = outputs;
        self.window("Conv", &operands, &window, |node| node.attr("group", groups as i64));
        reach as f64 * largest(&scales) * f64::from(self.codes.scale)
    }

    /// Adds a node with a window, cut to the image, and computes its output's height and width.
    pub(super) fn window(
        &mut self,
        op_type: &str,
        operands: &[String],
        window: &Window,
        with: impl FnOnce(Node) -> Node,
    ) {
        let window = fitting(window, [self.shape[2], self.shape[3]]);
        let Window { size, strides, dilations, pads, auto_pad } = window;
        let ints = |values: &[usize]| values.iter().map(|value| *value as i64).collect::<Vec<_>>();
        let auto_pad = AUTO_PAD[auto_pad];
        self.push(op_type, operands, |node| {
            let node = node.attr("kernel_shape", ints(&size)).attr("strides", ints(&strides));
            let node = node.attr("dilations", ints(&dilations));
            with(if auto_pad == "NOTSET" {
                node.attr("pads", ints(&pads))
            } else {
                node.attr("auto_pad", auto_pad)
            })
        });
        for axis in 0..2 {
            let image = self.shape[axis + 2];
            let extent = (size[axis] - 1) * dilations[axis] + 1;
            self.shape[axis + 2] = match auto_pad {
                "NOTSET" => (image + pads[axis] + pads[axis + 2] - extent) / strides[axis] + 1,
                "VALID" => (image - extent) / strides[axis] + 1,
                _ => image.div_ceil(strides[axis]),
            };
        }
    }

    /// Flattens an image by `Flatten`, by `Reshape` to given or to free sizes, or with its channels last.
    fn flatten(&mut self, form: usize) {
        if self.shape.len() == 2 {
            return;
        }
        let elems: usize = self.shape.iter().product();
        let reshape = |builder: &mut Self, target: [i64; 2]| {
            let name = builder.name("shape");
            let shape = builder.initializer(Tensor::new(name, &[2], target.to_vec()));
            builder.push("Reshape", &[shape], |node| node);
        };
        match form {
            0 => self.push("Flatten", &[], |node| node.attr("axis", 1i64)),
            1 => reshape(self, [1, elems as i64]),
            2 => reshape(self, [0, -1]),
            _ => {
                self.push("Transpose", &[], |node| node.attr("perm", [0i64, 2, 3, 1]));
                self.push("Flatten", &[], |node| node);
            }
        }
        self.shape = vec![1, elems];
    }
}

/// Smallest and largest code.
pub(super) fn code_range(bits: u32, signed: bool, narrow: bool) -> (i64, i64) {
    let half = 1i64 << (bits - 1);
    if signed { (i64::from(narrow) - half, half - 1) } else { (0, 2 * half - 1 - i64::from(narrow)) }
}

pub(super) fn largest(scales: &[f32]) -> f64 {
    scales.iter().map(|scale| f64::from(*scale)).fold(0.0, f64::max)
}

/// The window without padding outside its reach, and no larger than the padded image.
pub(super) fn fitting(window: &Window, image: [usize; 2]) -> Window {
    let mut fitting = *window;
    for (axis, image) in image.into_iter().enumerate() {
        let room = match AUTO_PAD[window.auto_pad] {
            "NOTSET" => image + fitting.pads[axis] + fitting.pads[axis + 2],
            _ => image,
        };
        let size = &mut fitting.size[axis];
        *size = (*size).min(room);
        if (*size - 1) * window.dilations[axis] + 1 > room {
            fitting.dilations[axis] = 1;
        }
    }
    fitting
}
