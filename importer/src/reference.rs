//! The exact reference: executes the quantized graph as its definition says, in wide integers and rationals.
//!
//! `verify` compares the program with it. It is slow on purpose: no form, no packing, no layout, only the model.

pub(crate) mod element;
mod spatial;

use num_traits::{Pow, Zero};
use std::collections::HashMap;

use crate::exact::{self, Function, Rational};
use crate::graph::{Constant, Graph, Level, Node, Op, Quantize, Requantize, State, Tail, Value, ValueId};
use spatial::Spatial;

/// A quantized graph made ready to execute.
#[derive(Debug)]
pub struct Reference<'a> {
    graph: &'a Graph,
    /// What each node computes with, by node.
    prepared: Vec<Prepared>,
}

/// What a node needs to be executed.
#[derive(Debug)]
enum Prepared {
    Nothing,
    /// Functions of integers: one for all channels or one for each.
    Functions(Vec<Function>),
}

/// The input has another number of elements than the graph's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an input has {found} elements, the model needs {needed}")]
pub struct InputError {
    /// Elements given.
    pub found: usize,
    /// Elements needed.
    pub needed: usize,
}

impl<'a> Reference<'a> {
    /// Prepares `graph`.
    ///
    /// # Panics
    /// If `graph` is not on the quantized level.
    pub fn new(graph: &'a Graph) -> Self {
        assert_eq!(graph.level, Level::Quantized, "the reference executes quantized graphs");
        let prepared = graph.nodes.iter().map(|node| match &node.op {
            Op::Requantize(Requantize::Exact(tail)) => Prepared::Functions(tail.functions()),
            _ => Prepared::Nothing,
        });
        Self { graph, prepared: prepared.collect() }
    }

    /// The integers of every output for one sample of every input, in the file's order of elements.
    ///
    /// # Errors
    /// If an input has the wrong number of elements.
    pub fn run(&self, inputs: &[&[f32]]) -> Result<Vec<Vec<i64>>, InputError> {
        let values = self.trace(inputs)?;
        let integers = self.graph.outputs.iter().map(|id| values[self.graph.integers(*id).index()].clone());
        Ok(integers.collect())
    }

    /// The elements of every state before the first run.
    pub fn states(&self) -> Vec<Vec<i64>> {
        let state = |state: &State| vec![state.fill; self.graph.value(state.value).elems()];
        self.graph.states.iter().map(state).collect()
    }

    /// As [`run`](Self::run), with `states` left by the run before, which become those for the next.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(&self, inputs: &[&[f32]], states: &mut [Vec<i64>]) -> Result<Vec<Vec<i64>>, InputError> {
        let values = self.trace_from(inputs, states)?;
        for node in self.graph.nodes.iter().filter(|node| node.op == Op::Push) {
            let pushed = self.graph.states.iter().position(|state| state.value == node.inputs[0]);
            if let Some(state) = pushed.and_then(|position| states.get_mut(position)) {
                state.clone_from(&values[node.output.index()]);
            }
        }
        let integers = self.graph.outputs.iter().map(|id| values[self.graph.integers(*id).index()].clone());
        Ok(integers.collect())
    }

    /// The integers of every value in a first run, by [`ValueId`]; empty for floats.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn trace(&self, inputs: &[&[f32]]) -> Result<Vec<Vec<i64>>, InputError> {
        self.trace_from(inputs, &self.states())
    }

    fn trace_from(&self, inputs: &[&[f32]], states: &[Vec<i64>]) -> Result<Vec<Vec<i64>>, InputError> {
        let graph = self.graph;
        let mut values: Vec<Vec<i64>> = graph.values.iter().map(constant).collect();
        for (state, elements) in graph.states.iter().zip(states) {
            values[state.value.index()].clone_from(elements);
        }
        for (index, node) in graph.nodes.iter().enumerate() {
            let computed = if let Op::Quantize(edge) = &node.op {
                let position = graph.inputs.iter().position(|id| *id == node.inputs[0]).unwrap_or(0);
                let given = inputs.get(position).copied().unwrap_or_default();
                let output = graph.value(node.output);
                let needed = output.elems();
                if given.len() != needed {
                    return Err(InputError { found: given.len(), needed });
                }
                quantized(edge, given, &output.shape)
            } else {
                self.compute(index, node, &values)
            };
            values[node.output.index()] = computed;
        }
        Ok(values)
    }

    /// How many channels the quantizer of input `position` tells apart, and how many neighbouring elements are of one;
    /// `None` if the input is given as integers.
    pub fn input_channels(&self, position: usize) -> Option<(usize, usize)> {
        let (edge, shape) = self.edge(position)?;
        Some((edge.tail.channels(), edge.inner(shape)))
    }

    /// The code that input `position` makes of `value` in `channel`; `None` if it is given as integers.
    pub fn input_code(&self, position: usize, channel: usize, value: f32) -> Option<i64> {
        self.edge(position).map(|(edge, _)| code_of_float(&edge.tail, channel, value))
    }

    /// The quantizer of input `position`, and the shape of its codes.
    fn edge(&self, position: usize) -> Option<(&Quantize, &[usize])> {
        let input = self.graph.inputs.get(position)?;
        self.graph.nodes.iter().find_map(|node| match &node.op {
            Op::Quantize(edge) if node.inputs[0] == *input => {
                Some((edge, self.graph.value(node.output).shape.as_slice()))
            }
            _ => None,
        })
    }

    /// The code that node `node` gives for the integer `acc` in its first operand at element `element` of its result, the
    /// other operand being as in `values`; `None` unless it is a requantization.
    pub fn code(&self, node: usize, element: usize, acc: i64, values: &[Vec<i64>]) -> Option<i64> {
        let shape = &self.graph.value(self.graph.nodes[node].output).shape;
        let inner: usize = shape.iter().skip(2).product();
        let channel = element / inner.max(1);
        if let Prepared::Functions(functions) = self.prepared.get(node)? {
            return Some(functions[channel % functions.len()].eval(acc));
        }
        let Node { op: Op::RequantizePair(pair), inputs, .. } = &self.graph.nodes[node] else { return None };
        let other = values.get(inputs.get(1)?.index())?;
        let same = other.len() == shape.iter().product::<usize>();
        pair.code(channel, acc, *other.get(if same { element } else { 0 })?)
            .filter(|_| same || other.len() == 1)
    }

    /// How far the exact value of element `element` of output `position` is, for one sample of every input, from the tie
    /// below its code, or from the one above; in codes. `None` unless the output is rounded where it is computed.
    pub fn from_tie(&self, inputs: &[&[f32]], position: usize, element: usize, below: bool) -> Option<f64> {
        let graph = self.graph;
        let mut id = graph.integers(*graph.outputs.get(position)?);
        let mut node = &graph.nodes[graph.producer(id)?];
        while node.op == Op::Reshape {
            id = node.inputs[0];
            node = &graph.nodes[graph.producer(id)?];
        }
        let values = self.trace(inputs).ok()?;
        let inner: usize = graph.value(id).shape.iter().skip(2).product();
        let operand = |index: usize| {
            let operand = values.get(node.inputs.get(index)?.index())?;
            operand.get(if operand.len() == 1 { 0 } else { element }).copied()
        };
        let code = *values[id.index()].get(element)?;
        let value = match &node.op {
            Op::Requantize(Requantize::Exact(tail)) => {
                tail.unrounded(element / inner.max(1), &exact::from_integer(operand(0)?))
            }
            Op::RequantizePair(pair) => pair.unrounded(element / inner.max(1), operand(0)?, operand(1)?),
            _ => None,
        }?;
        let side = if below { code } else { code + 1 };
        let tie = exact::from_integer(side) - Rational::new(1.into(), 2.into());
        num_traits::ToPrimitive::to_f64(&(value - tie)).map(f64::abs)
    }

    fn compute(&self, index: usize, node: &Node, values: &[Vec<i64>]) -> Vec<i64> {
        let operand = |i: usize| node.inputs.get(i).map_or(&[][..], |id: &ValueId| &values[id.index()]);
        let shape = |i: usize| self.graph.value(node.inputs[i]).shape.as_slice();
        let output = self.graph.value(node.output);
        let zero_point = self.graph.value(node.inputs[0]).codes().map_or(0, |codes| codes.zero_point);
        let spatial = || Spatial { x: operand(0), shape: shape(0), output: &output.shape };
        let inner: usize = output.shape.iter().skip(2).product();
        let pair = |f: &dyn Fn(usize, i64, i64) -> i64| {
            let f = |index: usize, a, b| f(index / inner, a, b);
            element::pair(operand(0), shape(0), operand(1), shape(1), &f)
        };
        match &node.op {
            Op::Dense => element::dense(operand(0), zero_point, operand(1), operand(2)),
            Op::Conv2d(conv) => spatial::convolve(&spatial(), zero_point, operand(1), operand(2), conv),
            Op::ConvTranspose2d(conv) => {
                spatial::convolve_transposed(&spatial(), zero_point, operand(1), operand(2), conv)
            }
            Op::MaxPool(pool) => spatial::max_pool(&spatial(), pool),
            Op::SumPool(pool) => spatial::sum_pool(&spatial(), pool),
            Op::Sum { multipliers } => pair(&|channel, a, b| {
                let [p, q] = multipliers[channel % multipliers.len()];
                p * a + q * b
            }),
            Op::Product { zero_points: [p, q] } => pair(&|_, a, b| (a - p) * (b - q)),
            Op::Requantize(_) => {
                let Prepared::Functions(functions) = &self.prepared[index] else { return vec![] };
                let code = |(i, x): (usize, &i64)| functions[i / inner % functions.len()].eval(*x);
                operand(0).iter().enumerate().map(code).collect()
            }
            Op::RequantizePair(function) => {
                pair(&|channel, a, b| function.code(channel, a, b).unwrap_or_default())
            }
            op @ (Op::Transpose { .. } | Op::Repeat { .. } | Op::Slice { .. }) => {
                element::moved(op, operand(0), shape(0))
            }
            Op::Concat { axis } => {
                let parts: Vec<(&[i64], &[usize])> =
                    (0..node.inputs.len()).map(|i| (operand(i), shape(i))).collect();
                element::concat(&parts, *axis)
            }
            Op::Border { before, code, .. } => {
                element::border(operand(0), shape(0), before, &output.shape, *code)
            }
            Op::Push => {
                let (state, rows) = (operand(0), operand(1));
                state[rows.len()..].iter().chain(rows).copied().collect()
            }
            Op::TopK { k, largest, values, multipliers, offsets } => {
                let elems = shape(0).last().copied().unwrap_or(1);
                let pick = |values: &[i64], default: i64, i: usize| {
                    i128::from(*values.get(if values.len() == 1 { 0 } else { i }).unwrap_or(&default))
                };
                let score = |i: usize, x: i64| pick(multipliers, 1, i) * i128::from(x) + pick(offsets, 0, i);
                element::top_k(operand(0), elems, *k, *largest, *values, score)
            }
            // What inputs are was computed before; outputs stay integers.
            Op::Reshape | Op::Quantize(_) | Op::Dequantize(_) => operand(0).to_vec(),
            Op::Quant(_)
            | Op::BipolarQuant
            | Op::Trunc(_)
            | Op::MultiThreshold(_)
            | Op::Conv(_)
            | Op::ConvTranspose(_)
            | Op::Gemm { .. }
            | Op::MatMul
            | Op::BatchNormalization { .. }
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Div
            | Op::Pow
            | Op::Affine(_)
            | Op::Activation(_)
            | Op::Max
            | Op::Min
            | Op::Where
            | Op::MinPool(_)
            | Op::AveragePool(_)
            | Op::Softmax { .. }
            | Op::Pad { .. }
            | Op::Flatten { .. }
            | Op::Identity => {
                unreachable!("the verifier lets no `{}` into quantized graphs", node.op.name())
            }
        }
    }
}

/// The codes of an input of `shape`.
fn quantized(edge: &Quantize, given: &[f32], shape: &[usize]) -> Vec<i64> {
    let (inner, channels) = (edge.inner(shape), edge.tail.channels());
    // Images have few different values.
    let mut known = HashMap::new();
    let code = |(index, x): (usize, &f32)| {
        let channel = index / inner % channels;
        *known.entry((channel, x.to_bits())).or_insert_with(|| code_of_float(&edge.tail, channel, *x))
    };
    given.iter().enumerate().map(code).collect()
}

/// The code of `x` in `channel`: its exact value through the curve and the quantizer. Infinities are numbers so large that
/// no quantizer tells larger ones apart, NaN is zero.
fn code_of_float(tail: &Tail, channel: usize, x: f32) -> i64 {
    let value = match exact::from_f32(x) {
        Some(value) => value,
        None if x.is_nan() => Rational::zero(),
        None => {
            // 2^12800: the greatest float to the hundredth power.
            let far = exact::from_f32(f32::MAX).unwrap_or_default().pow(100u32);
            if x.is_sign_negative() { -far } else { far }
        }
    };
    tail.quantizer.eval(channel, &tail.curve.eval(channel, &value))
}

fn constant(value: &Value) -> Vec<i64> {
    match &value.constant {
        Some(Constant::Codes(codes)) => codes.iter().map(|code| i64::from(*code)).collect(),
        _ => vec![],
    }
}
