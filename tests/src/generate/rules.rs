//! One quantizer at every place of a network, and every reader of its codes: for grids over rounding modes, widths, signs
//! and zero points.
//!
//! The real numbers lie on whole codes, halves and quarters between them, near the zero point, where rounding changes its
//! direction, and near both ends of the codes.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};

use super::Quantizer;
use super::build::{Builder, Codes, ROUNDING, code_range};
use crate::case::Source;
use crate::values::Values;

/// Samples of a network.
const SAMPLES: usize = 4;
/// Height and width of its image.
const SIDE: usize = 4;
/// Real value of one code of the input, which has 16 bits.
const STEP: f32 = 1.0 / 16.0;
/// Codes of an input that is quantized in any other way than half to even.
const MOST_INPUT_BITS: u32 = 12;

/// A value of the network: its name and shape.
type Place = (String, Vec<usize>);

/// Every [`Quantizer`] with up to `widest` bits: each rounding mode, width, sign and narrow flag, the zero point at
/// another place each time.
pub fn rules(widest: u32) -> Vec<Quantizer> {
    let mut found = vec![];
    for bits in 1..=widest {
        for (signed, narrow) in [(true, false), (true, true), (false, false), (false, true)] {
            // One bit is a sign, or has nothing to leave out.
            if bits == 1 && (signed || narrow) {
                continue;
            }
            for rounding in 0..ROUNDING.len() {
                let zero_point = [None, Some(0), Some(16), Some(8), Some(5)][found.len() % 5];
                found.push(Quantizer { bits, signed, narrow, zero_point, rounding, spread: 1.0 });
            }
        }
    }
    found
}

/// A network with `rule` after its input, a layer, a sum, a product, pools and a concatenation, and with every reader of
/// codes after `rule`. Each is an output.
pub fn places(rule: &Quantizer) -> Source {
    let image = vec![1, 1, SIDE, SIDE];
    let mut graph = Graph::new("rules");
    graph.inputs = vec![ValueInfo::new("x", ElemType::F32, &image)];
    let codes = Codes { scale: STEP, zero_point: 0, lo: 0, hi: 0 };
    let values = Values::new(u64::from(rule.bits) * 64 + rule.rounding as u64);
    let builder =
        Builder { graph, values, power_of_two: true, last: "x".into(), shape: image.clone(), codes };
    let mut network = Rules { builder, rule: *rule, outputs: vec![] };
    let wide =
        Quantizer { bits: 16, signed: true, narrow: false, zero_point: None, rounding: 0, spread: 1.0 };
    let x = network.quantized(&("x".into(), image.clone()), &wide, STEP);
    let turned = network.turned(&x);
    let made = network.makers(&x, &turned);
    network.readers(&x, &made);
    network.at_the_input();
    let inputs = network.builder.graph.inputs.len();
    let samples = (0..SAMPLES).map(|_| (0..inputs).flat_map(|_| network.sample()).collect()).collect();
    let Rules { builder: Builder { mut graph, .. }, outputs, .. } = network;
    graph.outputs = outputs.iter().map(|(name, shape)| ValueInfo::new(name, ElemType::F32, shape)).collect();
    Source { model: Model::new(graph), samples }
}

struct Rules {
    builder: Builder,
    rule: Quantizer,
    outputs: Vec<Place>,
}

impl Rules {
    fn node(
        &mut self,
        op_type: &str,
        inputs: &[&str],
        shape: &[usize],
        with: impl FnOnce(Node) -> Node,
    ) -> Place {
        let inputs: Vec<String> = inputs.iter().map(|name| (*name).to_owned()).collect();
        let name = self.builder.node(with(Node::new(op_type, inputs, Vec::<String>::new())));
        (name, shape.to_vec())
    }

    fn quantized(&mut self, place: &Place, quantizer: &Quantizer, scale: f32) -> Place {
        self.builder.last.clone_from(&place.0);
        self.builder.quantize(quantizer, scale);
        (self.builder.last.clone(), place.1.clone())
    }

    /// `place` by the rule, whose unit is `scale`.
    fn ruled(&mut self, place: &Place, scale: f32) -> Place {
        let rule = self.rule;
        self.quantized(place, &rule, scale)
    }

    fn turned(&mut self, place: &Place) -> Place {
        self.node("Transpose", &[&place.0], &place.1, |node| node.attr("perm", [0i64, 1, 3, 2]))
    }

    fn conv(&mut self, place: &Place, pads: usize) -> Place {
        let size = if pads > 0 { 3 } else { 1 };
        let codes = (0..size * size).map(|_| self.builder.values.integer(-3, 3) as f32 / 4.0).collect();
        let weight = self.builder.floats("weight", &[1, 1, size, size], codes);
        let parameters = self.builder.parameters(&[0.25], &[], 0, 4);
        let operands: Vec<&str> = [&weight].into_iter().chain(&parameters).map(String::as_str).collect();
        let (weight, _) = self.node("Quant", &operands, &[], |node| node.attr("signed", 1).attr("narrow", 0));
        self.node("Conv", &[&place.0, &weight], &place.1, |node| {
            node.attr("kernel_shape", [size as i64; 2]).attr("pads", [pads as i64; 4])
        })
    }

    fn pool(&mut self, place: &Place, op_type: &str) -> Place {
        let shape = [1, 1, SIDE / 2, SIDE / 2];
        self.node(op_type, &[&place.0], &shape, |node| {
            node.attr("kernel_shape", [2i64, 2]).attr("strides", [2i64, 2])
        })
    }

    fn joined(&mut self, a: &Place, b: &Place) -> Place {
        let shape = [1, 2, SIDE, SIDE];
        self.node("Concat", &[&a.0, &b.0], &shape, |node| node.attr("axis", 1i64))
    }

    /// The rule after everything that makes integers. Gives the codes of the input by the rule.
    fn makers(&mut self, x: &Place, turned: &Place) -> Place {
        let eight = Quantizer { bits: 8, ..Quantizer { rounding: 0, zero_point: None, ..self.rule } };
        let eight = Quantizer { signed: true, narrow: false, ..eight };
        let made = self.ruled(x, 4.0 * STEP);
        let convolved = self.conv(x, 0);
        let summed = self.node("Add", &[&x.0, &turned.0], &x.1, |node| node);
        let maximum = self.pool(x, "MaxPool");
        let average = self.pool(x, "AveragePool");
        let concatenated = self.joined(x, turned);
        let leaky = self.node("LeakyRelu", &[&x.0], &x.1, |node| node.attr("alpha", 0.125f32));
        for place in [&convolved, &summed, &maximum, &average, &concatenated, &leaky] {
            let ruled = self.ruled(place, 2.0 * STEP);
            self.outputs.push(ruled);
        }
        // Scales without a common unit: a function of two integers.
        let (a, b) = (self.quantized(x, &eight, 0.3), self.quantized(turned, &eight, 0.7));
        let pair = self.node("Add", &[&a.0, &b.0], &x.1, |node| node);
        let product = self.node("Mul", &[&a.0, &b.0], &x.1, |node| node);
        for place in [&pair, &product] {
            let ruled = self.ruled(place, 0.25);
            self.outputs.push(ruled);
        }
        self.outputs.push(made.clone());
        made
    }

    /// Everything that reads codes, after those of the rule.
    fn readers(&mut self, x: &Place, made: &Place) {
        let turned = self.turned(made);
        let four =
            Quantizer { bits: 4, signed: true, narrow: false, zero_point: None, rounding: 0, spread: 1.0 };
        let small = self.quantized(x, &four, 1.0);
        let again = self.ruled(made, 4.0 * STEP);
        let (plain, padded) = (self.conv(made, 0), self.conv(made, 1));
        let sum = self.node("Add", &[&made.0, &turned.0], &x.1, |node| node);
        let product = self.node("Mul", &[&made.0, &small.0], &x.1, |node| node);
        let (maximum, average) = (self.pool(made, "MaxPool"), self.pool(made, "AveragePool"));
        let (same, other) = (self.joined(made, &turned), self.joined(made, x));
        let best = self.node("ArgMax", &[&made.0], &[1, 1, SIDE, 1], |node| {
            node.attr("axis", 3i64).attr("keepdims", 1i64)
        });
        // Zero is no sign.
        if !(self.rule.signed && self.rule.bits == 1) {
            let pads = Tensor::new(self.builder.name("pads"), &[8], vec![0i64, 0, 1, 1, 0, 0, 0, 1]);
            let pads = self.builder.initializer(pads);
            let bordered = self.node("Pad", &[&made.0, &pads], &[1, 1, SIDE + 1, SIDE + 2], |node| node);
            self.outputs.push(bordered);
        }
        let difference = self.node("Sub", &[&made.0, &turned.0], &x.1, |node| node);
        let difference = self.quantized(&difference, &four, 64.0);
        self.outputs.extend([
            again, turned, plain, padded, sum, product, maximum, average, same, other, best, difference,
        ]);
    }

    /// The rule at an input, where a program can quantize floats by it.
    fn at_the_input(&mut self) {
        if self.rule.bits > MOST_INPUT_BITS && self.rule.rounding > 1 {
            return;
        }
        let image = vec![1, 1, SIDE, SIDE];
        self.builder.graph.inputs.push(ValueInfo::new("y", ElemType::F32, &image));
        let ruled = self.ruled(&("y".into(), image), 4.0 * STEP);
        self.outputs.push(ruled);
    }

    /// Multiples of the input's step: near zero, where a code of the rule ends the range, and anywhere.
    fn sample(&mut self) -> Vec<f32> {
        let Quantizer { bits, signed, narrow, zero_point, .. } = self.rule;
        let (lo, hi) = code_range(bits, signed, narrow);
        let zero = zero_point.map_or(0, |at| lo + (hi - lo) * i64::from(at) / 16);
        let values = &mut self.builder.values;
        let near = |values: &mut Values, code: i64| 4 * (code - zero) + values.integer(-9, 9);
        let any = |values: &mut Values| {
            let steps = match values.integer(0, 5) {
                0 | 1 => values.integer(-9, 9),
                2 => near(values, lo),
                3 => near(values, hi),
                4 => near(values, 0),
                _ => values.integer(-(1 << 15), 1 << 15),
            };
            steps.clamp(-(1 << 15), (1 << 15) - 1) as f32 * STEP
        };
        (0..SIDE * SIDE).map(|_| any(values)).collect()
    }
}
