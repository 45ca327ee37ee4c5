//! Random recurrent cells, written out of quantized layers, curves, products and sums as users write them: a step of a GRU, of an
//! LSTM, or of a minimal gated unit, whose states are inputs and outputs.

use exactum_qonnx::{ElemType, Graph, Model, Node, Tensor, ValueInfo};

use crate::values::Values;

/// A step of a recurrent network.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The network of a step: the input `x`, states `h` and perhaps `c`, and outputs `h_next`, `c_next`.
    pub model: Model,
    /// What it is made of, for problems.
    pub choices: Choices,
    /// Elements of `x` and of a state.
    pub sizes: [usize; 2],
    /// States, each with the output that is the next.
    pub states: Vec<[String; 2]>,
    values: Values,
    scale: f32,
}

/// What cells differ in.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// Which gates it has.
    pub kind: Kind,
    /// How the two layers of a gate meet.
    pub join: Join,
    /// How the new state is mixed.
    pub mix: Mix,
    /// Bits of weights.
    pub bits: u32,
    /// Whether weights have a scale for each channel.
    pub channels: bool,
}

/// Which gates a cell has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reset, update, candidate.
    Gru,
    /// Forget, input, output, candidate.
    Lstm,
    /// One gate and a candidate.
    Minimal,
}

/// How the layers of the input and of the state meet before a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// Each quantized with a scale of its own.
    Codes,
    /// Both quantized with one scale.
    Shared,
    /// As sums that nothing quantizes.
    Sums,
    /// As sums that are quantized when they are added.
    After,
    /// One layer of both operands.
    Concat,
    /// One layer of both operands, and a quantizer before the curve.
    ConcatAfter,
}

/// How the new state is mixed of the candidate and the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// `(1 - gate) * new + gate * old`, each product quantized.
    Products,
    /// The same, and nothing quantizes the products.
    Plain,
    /// `new + gate * (old - new)`, difference and product quantized.
    Towards,
}

const KINDS: [Kind; 3] = [Kind::Gru, Kind::Lstm, Kind::Minimal];
const JOINS: [Join; 6] =
    [Join::Codes, Join::Shared, Join::Sums, Join::After, Join::Concat, Join::ConcatAfter];
const MIXES: [Mix; 3] = [Mix::Products, Mix::Plain, Mix::Towards];

impl Cell {
    /// The cell that `seed` determines, with 6 inputs and 8 states in one of two cases.
    pub fn new(seed: u64) -> Self {
        let mut values = Values::new(seed);
        let of = |values: &mut Values, count: usize| values.integer(0, count as i64 - 1) as usize;
        let choices = Choices {
            kind: KINDS[of(&mut values, KINDS.len())],
            join: JOINS[of(&mut values, JOINS.len())],
            mix: MIXES[of(&mut values, MIXES.len())],
            bits: [8, 4][of(&mut values, 2)],
            channels: of(&mut values, 2) == 1,
        };
        let sizes = match of(&mut values, 2) {
            0 => [6, 8],
            _ => [values.integer(1, 12) as usize, values.integer(1, 16) as usize],
        };
        Self::of(choices, sizes, values)
    }

    /// The cell of `choices` with `sizes`, and numbers from `values`.
    pub fn of(choices: Choices, sizes: [usize; 2], values: Values) -> Self {
        let mut cell = Builder { graph: Graph::new("cell"), values, choices, sizes };
        let scale = cell.values.scale(0.02, false);
        let of_state = cell.values.scale(0.008, false);
        let float = |name: &str, size: usize| ValueInfo::new(name, ElemType::F32, &[1, size]);
        cell.graph.inputs = vec![float("x", sizes[0]), float("h", sizes[1])];
        let together = matches!(choices.join, Join::Concat | Join::ConcatAfter);
        let x = cell.quant("x".into(), if together { of_state } else { scale }, 8, true);
        let h = cell.quant("h".into(), of_state, 8, true);
        let states = match choices.kind {
            Kind::Gru => {
                let (reset, update) = (cell.gate("Sigmoid", &x, &h), cell.gate("Sigmoid", &x, &h));
                let next = cell.gated(&x, &h, &reset, &update, of_state);
                vec![("h", next)]
            }
            Kind::Minimal => {
                let gate = cell.gate("Sigmoid", &x, &h);
                let next = cell.gated(&x, &h, &gate, &gate, of_state);
                vec![("h", next)]
            }
            Kind::Lstm => cell.long_short(&x, &h, of_state),
        };
        let mut named = vec![];
        for (state, value) in states {
            let name = format!("{state}_next");
            cell.graph.outputs.push(float(&name, sizes[1]));
            cell.renamed(&value, &name);
            named.push([name, state.to_owned()]);
        }
        let Builder { graph, values, .. } = cell;
        let scale = if together { of_state } else { scale };
        Self { model: Model::new(graph), choices, sizes, states: named, values, scale }
    }

    /// The first `count` inputs of a signal.
    pub fn signal(&self, count: usize) -> Vec<Vec<f32>> {
        let mut values = self.values.clone();
        let mut input = || (0..self.sizes[0]).map(|_| values.input(self.scale, -128, 127)).collect();
        (0..count).map(|_| input()).collect()
    }

    /// Layers with weights, and curves of 8-bit results.
    pub fn parts(&self) -> [usize; 2] {
        let curves = match self.choices.kind {
            Kind::Gru => 3,
            Kind::Minimal => 2,
            Kind::Lstm => 5,
        };
        let count = |kind: &str| self.model.graph.nodes.iter().filter(|node| node.op_type == kind).count();
        [count("Gemm"), curves]
    }
}

struct Builder {
    graph: Graph,
    values: Values,
    choices: Choices,
    sizes: [usize; 2],
}

impl Builder {
    fn node(&mut self, op_type: &str, inputs: Vec<String>, with: impl FnOnce(Node) -> Node) -> String {
        let name = format!("{op_type}_{}", self.graph.nodes.len());
        let node = with(Node::new(op_type, inputs, vec![format!("{name}_out")]).named(&name));
        self.graph.nodes.push(node);
        format!("{name}_out")
    }

    fn both(&mut self, op_type: &str, a: &str, b: &str) -> String {
        self.node(op_type, vec![a.to_owned(), b.to_owned()], |node| node)
    }

    fn floats(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        let name = format!("constant_{}", self.graph.initializers.len());
        self.graph.initializers.push(Tensor::new(name.clone(), shape, values));
        name
    }

    fn quant_by(&mut self, x: String, scale: String, bits: u32, signed: bool) -> String {
        let zero_point = self.floats(&[], vec![0.0]);
        let bits = self.floats(&[], vec![bits as f32]);
        self.node("Quant", vec![x, scale, zero_point, bits], |node| {
            node.attr("signed", signed).attr("narrow", false).attr("rounding_mode", "ROUND")
        })
    }

    fn quant(&mut self, x: String, scale: f32, bits: u32, signed: bool) -> String {
        let scale = self.floats(&[], vec![scale]);
        self.quant_by(x, scale, bits, signed)
    }

    /// Quantizes `x` to 8 bits with a scale near `size`.
    fn act(&mut self, x: String, size: f64, signed: bool) -> String {
        let scale = self.values.scale(size, false);
        self.quant(x, scale, 8, signed)
    }

    fn renamed(&mut self, value: &str, name: &str) {
        for node in &mut self.graph.nodes {
            for used in node.inputs.iter_mut().chain(&mut node.outputs).filter(|used| *used == value) {
                *used = name.to_owned();
            }
        }
    }

    /// A dense layer with a float bias.
    fn layer(&mut self, x: String, inputs: usize) -> String {
        let outputs = self.sizes[1];
        let most = (1i64 << (self.choices.bits - 1)) - 1;
        let size = 1.0 / (most as f64 * (inputs as f64).sqrt());
        let count = if self.choices.channels { outputs } else { 1 };
        let scales: Vec<f32> = (0..count).map(|_| self.values.scale(size, false)).collect();
        let weights = (0..outputs * inputs)
            .map(|index| self.values.near_code(scales[index / inputs % count], -most, most))
            .collect();
        let weights = self.floats(&[outputs, inputs], weights);
        let scale = if count == 1 { self.floats(&[], scales) } else { self.floats(&[count, 1], scales) };
        let weights = self.quant_by(weights, scale, self.choices.bits, true);
        let bias = (0..outputs).map(|_| (self.values.unit() - 0.5) as f32).collect();
        let bias = self.floats(&[outputs], bias);
        self.node("Gemm", vec![x, weights, bias], |node| node.attr("transB", true))
    }

    /// `curve(W x + U h)`, quantized to 8 bits.
    fn gate(&mut self, curve: &str, x: &str, h: &str) -> String {
        let [inputs, hidden] = self.sizes;
        let join = self.choices.join;
        let both = if matches!(join, Join::Concat | Join::ConcatAfter) {
            let joined = self.node("Concat", vec![x.into(), h.into()], |node| node.attr("axis", 1i64));
            self.layer(joined, inputs + hidden)
        } else {
            let mut parts = [self.layer(x.into(), inputs), self.layer(h.into(), hidden)];
            if matches!(join, Join::Codes | Join::Shared) {
                let shared = self.values.scale(0.03, false);
                for part in &mut parts {
                    let own = if join == Join::Shared { shared } else { self.values.scale(0.03, false) };
                    *part = self.quant(std::mem::take(part), own, 8, true);
                }
            }
            self.both("Add", &parts[0], &parts[1])
        };
        let both =
            if matches!(join, Join::After | Join::ConcatAfter) { self.act(both, 0.04, true) } else { both };
        let curved = self.node(curve, vec![both], |node| node);
        // A learned scale, or what most tools fix.
        let size = if curve == "Tanh" { 1.0 / 128.0 } else { 1.0 / 256.0 };
        let scale = if self.values.integer(0, 2) == 0 { size as f32 } else { self.values.scale(size, false) };
        self.quant(curved, scale, 8, curve == "Tanh")
    }

    /// The next state of a GRU with both gates.
    fn gated(&mut self, x: &str, h: &str, reset: &str, update: &str, of_state: f32) -> String {
        let kept = self.both("Mul", reset, h);
        let together = matches!(self.choices.join, Join::Concat | Join::ConcatAfter);
        let kept = if together { self.quant(kept, of_state, 8, true) } else { self.act(kept, 0.008, true) };
        let new = self.gate("Tanh", x, &kept);
        let next = if self.choices.mix == Mix::Towards {
            let apart = self.both("Sub", h, &new);
            let apart = self.act(apart, 0.015, true);
            let part = self.both("Mul", update, &apart);
            let part = self.act(part, 0.01, true);
            self.both("Add", &new, &part)
        } else {
            let one = self.floats(&[], vec![1.0]);
            let rest = self.both("Sub", &one, update);
            let mut parts = [self.both("Mul", &rest, &new), self.both("Mul", update, h)];
            if self.choices.mix == Mix::Products {
                for part in &mut parts {
                    *part = self.act(std::mem::take(part), 0.008, true);
                }
            }
            self.both("Add", &parts[0], &parts[1])
        };
        self.quant(next, of_state, 8, true)
    }

    /// The next states of an LSTM.
    fn long_short(&mut self, x: &str, h: &str, of_state: f32) -> Vec<(&'static str, String)> {
        self.graph.inputs.push(ValueInfo::new("c", ElemType::F32, &[1, self.sizes[1]]));
        let of_cell = self.values.scale(0.02, false);
        let c = self.quant("c".into(), of_cell, 8, true);
        let [forget, into, out] = [(); 3].map(|()| self.gate("Sigmoid", x, h));
        let new = self.gate("Tanh", x, h);
        let mut parts = [self.both("Mul", &forget, &c), self.both("Mul", &into, &new)];
        if self.choices.mix != Mix::Plain {
            for part in &mut parts {
                *part = self.act(std::mem::take(part), 0.015, true);
            }
        }
        let sum = self.both("Add", &parts[0], &parts[1]);
        let cell = self.quant(sum, of_cell, 8, true);
        let squashed = self.node("Tanh", vec![cell.clone()], |node| node);
        let squashed = self.act(squashed, 1.0 / 128.0, true);
        let next = self.both("Mul", &out, &squashed);
        vec![("h", self.quant(next, of_state, 8, true)), ("c", cell)]
    }
}
