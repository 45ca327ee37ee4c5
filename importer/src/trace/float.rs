//! The file read in 32-bit floats, as float executors of QONNX read it: every node by itself, dequantized values between
//! them, sums in the order of the elements.
//!
//! It is no reference. Comparing it with the exact one shows where float arithmetic leaves the model's meaning.

mod layers;
mod moves;
mod quantizers;

use super::{Backend, Tensor};
use crate::Compiled;
use crate::batch::Batch;
use crate::graph::{Activation, Affine, Constant, Graph, Node, Op, Type, Value, ValueId};
use exactum_host::functions;

/// The graph of a file as it was read, executed in `f32` on the samples of a batch.
#[derive(Debug)]
pub struct Float<'a> {
    graph: &'a Graph,
    batch: &'a Batch,
    /// Position in the batch of each input of the graph; `None` for inputs that nothing reads.
    inputs: Vec<Option<usize>>,
    /// For each value of the quantized graph the one of the file that it holds.
    twins: Vec<Option<ValueId>>,
    constants: Vec<Option<Vec<f32>>>,
}

/// The operands of a node and the shape of its result.
struct Operands<'a> {
    values: Vec<(&'a [f32], &'a [usize])>,
    output: &'a [usize],
}

impl<'a> Operands<'a> {
    fn x(&self) -> &'a [f32] {
        self.values.first().map_or(&[], |(values, _)| values)
    }

    fn shape(&self) -> &'a [usize] {
        self.values.first().map_or(&[], |(_, shape)| shape)
    }

    fn get(&self, index: usize) -> Option<(&'a [f32], &'a [usize])> {
        self.values.get(index).copied()
    }

    /// Operand `index`, which the operator's arity demands.
    fn at(&self, index: usize) -> (&'a [f32], &'a [usize]) {
        self.get(index).unwrap_or((&[], &[]))
    }

    /// The element of operand `index` that broadcasting puts beside each element of the result.
    fn spread(&self, index: usize) -> Vec<f32> {
        let (values, shape) = self.at(index);
        moves::broadcast(values, shape, self.output)
    }

    /// Index along `axis` of element `index` of the first operand.
    fn channel(&self, axis: usize, index: usize) -> usize {
        let shape = self.shape();
        let inner: usize = shape.iter().skip(axis + 1).product();
        index / inner.max(1) % shape.get(axis).copied().unwrap_or(1).max(1)
    }
}

impl<'a> Float<'a> {
    /// The file that `compiled` was made from, on the samples of `batch`.
    pub fn new(compiled: &'a Compiled, batch: &'a Batch) -> Self {
        let graph = &compiled.imported;
        let quantized = &compiled.quantized;
        let twin = |value: &Value| value.sources.first().map(|source| source.value);
        let twins = quantized.values.iter().map(twin).collect();
        Self {
            graph,
            batch,
            inputs: (0..graph.inputs.len()).map(|input| compiled.interface.first_given(input)).collect(),
            twins,
            constants: graph.values.iter().map(constant).collect(),
        }
    }

    /// Every value of the graph for one sample; `None` where an operand is an integer of no known scale.
    fn run(&self, sample: &[&[f32]]) -> Vec<Option<Vec<f32>>> {
        let mut values = self.constants.clone();
        for (id, position) in self.graph.inputs.iter().zip(&self.inputs) {
            values[id.index()] = position.and_then(|position| sample.get(position)).map(|x| x.to_vec());
        }
        for node in &self.graph.nodes {
            values[node.output.index()] =
                self.operands(node, &values).map(|operands| compute(&node.op, &operands));
        }
        values
    }

    fn operands<'v>(&'v self, node: &Node, values: &'v [Option<Vec<f32>>]) -> Option<Operands<'v>> {
        // The shape operand of a reshape is in its result.
        let read = if matches!(node.op, Op::Reshape) { &node.inputs[..1] } else { &node.inputs[..] };
        let operand = |id: &ValueId| {
            let value = values[id.index()].as_deref()?;
            Some((value, self.graph.value(*id).shape.as_slice()))
        };
        let values = read.iter().map(operand).collect::<Option<_>>()?;
        Some(Operands { values, output: &self.graph.value(node.output).shape })
    }
}

impl Backend for Float<'_> {
    fn name(&self) -> &'static str {
        "float"
    }

    fn sample(&mut self, index: usize) -> Vec<Option<Tensor>> {
        let values = self.run(&self.batch.sample(index));
        let real = |id: ValueId| {
            let value = values[id.index()].as_ref()?;
            Some(Tensor::Reals(value.iter().map(|real| f64::from(*real)).collect()))
        };
        self.twins.iter().map(|twin| twin.and_then(real)).collect()
    }
}

/// A constant of the file as floats, dequantized where it holds codes.
fn constant(value: &Value) -> Option<Vec<f32>> {
    match (value.constant.as_ref()?, &value.ty) {
        (Constant::Float(values), _) => Some(values.clone()),
        (Constant::Codes(values), Type::Codes(codes)) => {
            let scale = &codes.scale;
            let axis = codes.axis.unwrap_or(0);
            let inner: usize = value.shape.iter().skip(axis + 1).product();
            let real = |(index, code): (usize, &i32)| {
                let channel = index / inner.max(1) % scale.len().max(1);
                Some((i64::from(*code) - codes.zero_point) as f32 * scale.get(channel)?)
            };
            values.iter().enumerate().map(real).collect()
        }
        _ => None,
    }
}

fn compute(op: &Op, operands: &Operands<'_>) -> Vec<f32> {
    let x = operands.x();
    let pairs = |f: fn(f32, f32) -> f32| {
        let (a, b) = (operands.spread(0), operands.spread(1));
        a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect()
    };
    match op {
        Op::Quant(attributes) => quantizers::quant(operands, attributes),
        Op::BipolarQuant => quantizers::bipolar(operands),
        Op::Trunc(attributes) => quantizers::trunc(operands, attributes),
        Op::MultiThreshold(attributes) => quantizers::multi_threshold(operands, attributes),
        Op::Conv(conv) => layers::convolve(operands, conv),
        Op::ConvTranspose(conv) => layers::convolve_transposed(operands, conv),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            layers::gemm(operands, [*alpha, *beta], [*trans_a, *trans_b])
        }
        Op::MatMul => layers::gemm(operands, [1.0, 0.0], [false, false]),
        Op::BatchNormalization { epsilon } => batch_normalization(operands, *epsilon),
        Op::Add => pairs(|a, b| a + b),
        Op::Sub => pairs(|a, b| a - b),
        Op::Mul => pairs(|a, b| a * b),
        Op::Div => pairs(|a, b| a / b),
        Op::Pow => pairs(f32::powf),
        Op::Affine(constants) => affine(operands, constants),
        Op::Activation(function) => activation(operands, function),
        Op::Max => {
            (0..operands.values.len()).map(|index| operands.spread(index)).reduce(larger).unwrap_or_default()
        }
        Op::Min => {
            let negated = |values: Vec<f32>| values.into_iter().map(|x| -x).collect::<Vec<f32>>();
            let all = (0..operands.values.len()).map(|index| negated(operands.spread(index)));
            negated(all.reduce(larger).unwrap_or_default())
        }
        Op::Where => {
            let (a, b) = (operands.spread(1), operands.spread(2));
            let choices = operands.spread(0).into_iter().zip(a.into_iter().zip(b));
            choices.map(|(condition, (a, b))| if condition != 0.0 { a } else { b }).collect()
        }
        Op::MaxPool(pool) => layers::max_pool(operands, pool),
        Op::MinPool(pool) => {
            let negated: Vec<f32> = x.iter().map(|x| -x).collect();
            let operands = Operands { values: vec![(&negated, operands.shape())], output: operands.output };
            layers::max_pool(&operands, pool).into_iter().map(|x| -x).collect()
        }
        Op::AveragePool(pool) => layers::average_pool(operands, pool),
        Op::Softmax { axis } => functions::softmax(x, operands.shape(), *axis),
        Op::Pad { before, value, .. } => moves::pad(operands, before, *value),
        Op::Transpose { perm } => exactum_host::elements::permuted(x, operands.shape(), perm),
        Op::Concat { axis } => moves::concat(operands, *axis),
        Op::Repeat { factors } => moves::repeat(operands, factors),
        Op::Slice { starts, steps, .. } => moves::slice(operands, starts, steps),
        Op::TopK { k, largest, values, .. } => moves::top_k(operands, *k, *largest, *values),
        // The same elements in another shape.
        Op::Identity | Op::Flatten { .. } | Op::Reshape => x.to_vec(),
        Op::Quantize(_)
        | Op::Dense
        | Op::Conv2d(_)
        | Op::ConvTranspose2d(_)
        | Op::Sum { .. }
        | Op::Product { .. }
        | Op::SumPool(_)
        | Op::Push
        | Op::Border { .. }
        | Op::Requantize(_)
        | Op::RequantizePair(_)
        | Op::Dequantize(_) => unreachable!("the verifier lets no `{}` into imported graphs", op.name()),
    }
}

fn larger(a: Vec<f32>, b: Vec<f32>) -> Vec<f32> {
    a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect()
}

fn batch_normalization(operands: &Operands<'_>, epsilon: f32) -> Vec<f32> {
    let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|index| operands.at(index).0);
    let normalized = |(index, x): (usize, &f32)| {
        let channel = operands.channel(1, index);
        (x - mean[channel]) / (variance[channel] + epsilon).sqrt() * gamma[channel] + beta[channel]
    };
    operands.x().iter().enumerate().map(normalized).collect()
}

fn affine(operands: &Operands<'_>, constants: &Affine) -> Vec<f32> {
    let Affine { multiply, divide, add, axis } = constants;
    let at = |values: &[f64], channel: usize| {
        let index = if values.len() == 1 { 0 } else { channel };
        values.get(index).map(|value| *value as f32)
    };
    let value = |(index, x): (usize, &f32)| {
        let channel = operands.channel(*axis, index);
        let product = x * at(multiply, channel).unwrap_or(1.0);
        product / at(divide, channel).unwrap_or(1.0) + at(add, channel).unwrap_or(0.0)
    };
    operands.x().iter().enumerate().map(value).collect()
}

fn activation(operands: &Operands<'_>, function: &Activation) -> Vec<f32> {
    let value = |(index, x): (usize, &f32)| match function {
        Activation::Relu => x.max(0.0),
        Activation::Clip { lo, hi } => {
            let raised = lo.map_or(*x, |lo| x.max(lo as f32));
            hi.map_or(raised, |hi| raised.min(hi as f32))
        }
        Activation::LeakyRelu { slope, axis } if *x < 0.0 => {
            let channel = if slope.len() == 1 { 0 } else { operands.channel(*axis, index) };
            x * slope[channel] as f32
        }
        Activation::LeakyRelu { .. } => *x,
        Activation::Abs => x.abs(),
        Activation::Power { exponent } => x.powi(i32::try_from(*exponent).unwrap_or(i32::MAX)),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
        Activation::Elu { alpha } => {
            if *x < 0.0 {
                *alpha as f32 * x.exp_m1()
            } else {
                *x
            }
        }
        Activation::Erf => functions::erf((*x).into()) as f32,
        Activation::Sign if *x == 0.0 => 0.0,
        Activation::Sign => x.signum(),
        Activation::Round { rounding } => quantizers::rounded(*x, *rounding),
        Activation::Short { float } => float.of_float(*x),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::Reciprocal => 1.0 / x,
        Activation::Elementary { of } => of.value((*x).into()) as f32,
    };
    operands.x().iter().enumerate().map(value).collect()
}
