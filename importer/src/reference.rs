//! The exact reference: executes the quantized graph as its definition says, in wide integers and rationals.
//!
//! `verify` compares the program with it. It is slow on purpose: no form, no packing, no layout, only the model.

use exactum_runtime::num::InputQuantizer;

use crate::exact::StepFunction;
use crate::graph::{
    Constant, Conv, Graph, Layout, Level, Node, Op, Pool, Requantize, Type, Value, ValueId, Window,
};
use crate::passes::exact_functions;

/// A quantized graph made ready to execute.
#[derive(Debug)]
pub struct Reference<'a> {
    graph: &'a Graph,
    /// Exact functions of each `requantize`, by node.
    functions: Vec<Vec<StepFunction>>,
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
        let functions = graph.nodes.iter().map(|node| match &node.op {
            Op::Requantize(Requantize::Exact(tail)) => exact_functions(tail),
            _ => vec![],
        });
        Self { graph, functions: functions.collect() }
    }

    /// The integers of every output for one sample of every input, in the file's order of elements.
    ///
    /// # Errors
    /// If an input has the wrong number of elements.
    pub fn run(&self, inputs: &[&[f32]]) -> Result<Vec<Vec<i64>>, InputError> {
        let values = self.trace(inputs)?;
        Ok(self.graph.outputs.iter().map(|id| values[id.index()].clone()).collect())
    }

    /// The integers of every value, by [`ValueId`]; empty for floats.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn trace(&self, inputs: &[&[f32]]) -> Result<Vec<Vec<i64>>, InputError> {
        let graph = self.graph;
        let mut values: Vec<Vec<i64>> = graph.values.iter().map(constant).collect();
        for (index, node) in graph.nodes.iter().enumerate() {
            let output = graph.value(node.output);
            let computed = if node.op == Op::Quantize {
                let position = graph.inputs.iter().position(|id| *id == node.inputs[0]).unwrap_or(0);
                let given = inputs.get(position).copied().unwrap_or_default();
                let needed = output.elems();
                if given.len() != needed {
                    return Err(InputError { found: given.len(), needed });
                }
                quantize(given, output)
            } else {
                self.compute(index, node, &values)
            };
            values[node.output.index()] = computed;
        }
        Ok(values)
    }

    fn compute(&self, index: usize, node: &Node, values: &[Vec<i64>]) -> Vec<i64> {
        let operand = |i: usize| node.inputs.get(i).map_or(&[][..], |id: &ValueId| &values[id.index()]);
        let shape = |i: usize| self.graph.value(node.inputs[i]).shape.as_slice();
        let output = self.graph.value(node.output);
        let zero_point = self.graph.value(node.inputs[0]).codes().map_or(0, |codes| codes.zero_point);
        match &node.op {
            Op::Dense => dense(operand(0), zero_point, operand(1), operand(2)),
            Op::Conv2d(conv) => {
                let layer = Spatial { x: operand(0), shape: shape(0), output: &output.shape };
                convolve(&layer, zero_point, operand(1), operand(2), conv)
            }
            Op::MaxPool(pool) => {
                max_pool(&Spatial { x: operand(0), shape: shape(0), output: &output.shape }, pool)
            }
            Op::Requantize(_) => {
                let functions = &self.functions[index];
                let inner: usize = output.shape.iter().skip(2).product();
                let code = |(i, x): (usize, &i64)| functions[i / inner % functions.len()].eval(*x);
                operand(0).iter().enumerate().map(code).collect()
            }
            Op::Transpose { perm } => crate::passes::permuted(operand(0), shape(0), perm),
            _ => operand(0).to_vec(),
        }
    }
}

fn constant(value: &Value) -> Vec<i64> {
    match &value.constant {
        Some(Constant::Codes(codes)) => codes.iter().map(|code| i64::from(*code)).collect(),
        _ => vec![],
    }
}

fn quantize(input: &[f32], output: &Value) -> Vec<i64> {
    let Type::Codes(codes) = &output.ty else { return vec![] };
    let quantizer = i32::try_from(codes.zero_point)
        .ok()
        .and_then(|zero_point| InputQuantizer::new(codes.scale[0], zero_point, codes.int.range()))
        .expect("the verifier checked scale and zero point");
    input.iter().map(|x| i64::from(quantizer.quantize(*x))).collect()
}

fn dense(x: &[i64], zero_point: i64, weights: &[i64], bias: &[i64]) -> Vec<i64> {
    let rows = weights.chunks(x.len().max(1)).enumerate();
    let sum = |row: &[i64]| row.iter().zip(x).map(|(w, x)| w * (x - zero_point)).sum::<i64>();
    rows.map(|(output, row)| bias.get(output).unwrap_or(&0) + sum(row)).collect()
}

/// A channels-first operand and the shape of the result.
struct Spatial<'a> {
    x: &'a [i64],
    shape: &'a [usize],
    output: &'a [usize],
}

impl Spatial<'_> {
    /// The element of `channel` under tap `tap` of the window at `position`; `None` in the padding.
    fn tap(&self, window: &Window, channel: usize, position: [usize; 2], tap: [usize; 2]) -> Option<i64> {
        let mut at = [0; 2];
        for axis in 0..2 {
            let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
            at[axis] = padded.checked_sub(window.pads[axis]).filter(|i| *i < self.shape[axis + 2])?;
        }
        Some(self.x[(channel * self.shape[2] + at[0]) * self.shape[3] + at[1]])
    }

    /// Calls `f` for every output channel and position, in the order of elements.
    fn map(&self, mut f: impl FnMut(usize, [usize; 2]) -> i64) -> Vec<i64> {
        let mut result = Vec::with_capacity(self.output.iter().product());
        for channel in 0..self.output[1] {
            for row in 0..self.output[2] {
                for column in 0..self.output[3] {
                    result.push(f(channel, [row, column]));
                }
            }
        }
        result
    }
}

fn convolve(layer: &Spatial<'_>, zero_point: i64, weights: &[i64], bias: &[i64], conv: &Conv) -> Vec<i64> {
    assert_eq!(conv.layout, Layout::ChannelsFirst, "quantized graphs keep the file's order of axes");
    let per_group = layer.shape[1] / conv.groups;
    let outputs_per_group = layer.output[1] / conv.groups;
    let [kh, kw] = conv.window.size;
    layer.map(|output, position| {
        let first = output / outputs_per_group * per_group;
        let mut sum = bias.get(output).copied().unwrap_or(0);
        for input in 0..per_group {
            for tap in (0..kh).flat_map(|i| (0..kw).map(move |j| [i, j])) {
                if let Some(x) = layer.tap(&conv.window, first + input, position, tap) {
                    let weight = weights[((output * per_group + input) * kh + tap[0]) * kw + tap[1]];
                    sum += weight * (x - zero_point);
                }
            }
        }
        sum
    })
}

fn max_pool(layer: &Spatial<'_>, pool: &Pool) -> Vec<i64> {
    let [kh, kw] = pool.window.size;
    layer.map(|channel, position| {
        let taps = (0..kh).flat_map(|i| (0..kw).map(move |j| [i, j]));
        let seen = taps.filter_map(|tap| layer.tap(&pool.window, channel, position, tap));
        seen.max().expect("padding is smaller than the window")
    })
}
