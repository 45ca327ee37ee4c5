//! Executes graphs on the imported level in doubles, straight from what each operator means.
//!
//! Tests compare graphs before and after passes, and what files become with what their operators are defined to compute.
//! With numbers of few bits and scales that are powers of two nothing is rounded, so results are compared for equality.

use exactum_importer::exact::Elementary;
use exactum_importer::graph::{
    Activation, Constant, ConvTranspose, Graph, Node, Op, Pool, QuantAttributes, Type, Value, ValueId, Window,
};
use exactum_runtime::num::{IntType, Rounding};
use num_traits::ToPrimitive;

/// Numbers with a shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Numbers {
    pub(crate) fn new(shape: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape: shape.to_vec(), data }
    }

    /// The element at `index`.
    fn at(&self, index: &[usize]) -> f64 {
        self.data[index.iter().zip(&self.shape).fold(0, |offset, (i, size)| offset * size + i)]
    }

    /// The element that broadcasting puts at `index` of a result with more or larger axes.
    fn broadcast(&self, index: &[usize]) -> f64 {
        let skip = index.len() - self.shape.len().min(index.len());
        let from = self.shape.len() - (index.len() - skip);
        let own: Vec<usize> = vec![0; from]
            .into_iter()
            .chain(
                index[skip..]
                    .iter()
                    .zip(&self.shape[from..])
                    .map(|(i, size)| if *size == 1 { 0 } else { *i }),
            )
            .collect();
        self.at(&own)
    }
}

/// A tensor of `shape` whose elements `f` gives.
fn fill(shape: &[usize], mut f: impl FnMut(&[usize]) -> f64) -> Numbers {
    let mut data = vec![];
    let mut index = vec![0; shape.len()];
    for _ in 0..shape.iter().product() {
        data.push(f(&index));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Numbers { shape: shape.to_vec(), data }
}

/// The outputs of `graph` for `inputs`.
pub(crate) fn evaluate(graph: &Graph, inputs: &[Vec<f64>]) -> Vec<Numbers> {
    let mut values: Vec<Option<Numbers>> = graph.values.iter().map(constant).collect();
    for (id, data) in graph.inputs.iter().zip(inputs) {
        values[id.index()] = Some(Numbers::new(&graph.value(*id).shape, data.clone()));
    }
    for node in &graph.nodes {
        let operands: Vec<Numbers> =
            node.inputs.iter().map(|id| values[id.index()].clone().expect("made before")).collect();
        let result = compute(graph, node, &operands);
        assert_eq!(result.shape, graph.value(node.output).shape, "{}", node.op.name());
        values[node.output.index()] = Some(result);
    }
    graph.outputs.iter().map(|id| values[id.index()].clone().expect("an output")).collect()
}

fn constant(value: &Value) -> Option<Numbers> {
    let data = match (value.constant.as_ref()?, &value.ty) {
        (Constant::Float(values), _) => values.iter().map(|value| f64::from(*value)).collect(),
        (Constant::Shape(values), _) => values.iter().map(|value| *value as f64).collect(),
        (Constant::Codes(values), Type::Codes(codes)) => {
            let inner: usize = codes.axis.map_or(1, |axis| value.shape[axis + 1..].iter().product());
            let scale = |i: usize| match codes.scale.len() {
                0 => 1.0,
                count => f64::from(codes.scale[i / inner % count]),
            };
            values
                .iter()
                .enumerate()
                .map(|(i, code)| (i64::from(*code) - codes.zero_point) as f64 * scale(i))
                .collect()
        }
        _ => panic!("codes of no type"),
    };
    Some(Numbers::new(&value.shape, data))
}

fn compute(graph: &Graph, node: &Node, operands: &[Numbers]) -> Numbers {
    let x = &operands[0];
    let shape = &graph.value(node.output).shape;
    let each = |f: &dyn Fn(f64) -> f64| fill(&x.shape, |index| f(x.at(index)));
    let pair = |f: &dyn Fn(f64, f64) -> f64| {
        fill(shape, |index| f(x.broadcast(index), operands[1].broadcast(index)))
    };
    match &node.op {
        Op::Quant(attributes) => fill(shape, |index| {
            let parameter = |i: usize| operands[i].broadcast(index);
            quantize(x.at(index), parameter(1), parameter(2), parameter(3), attributes)
        }),
        Op::BipolarQuant => fill(shape, |index| {
            let scale = operands[1].broadcast(index);
            if x.at(index) >= 0.0 { scale } else { -scale }
        }),
        Op::Trunc(attributes) => fill(shape, |index| truncate(x.at(index), operands, attributes)),
        Op::MultiThreshold(op) => fill(shape, |index| {
            let thresholds = &operands[1];
            let row = if thresholds.shape[0] == 1 { 0 } else { index[op.axis] };
            let passed =
                (0..thresholds.shape[1]).filter(|step| thresholds.at(&[row, *step]) <= x.at(index)).count();
            passed as f64 * f64::from(op.out_scale) + f64::from(op.out_bias)
        }),
        Op::Conv(conv) => {
            let (w, unit) = (&operands[1], bias_unit(graph, node));
            let (group_in, group_out) = (w.shape[1], w.shape[0] / conv.groups);
            fill(shape, |index| {
                let bias = operands.get(2).map_or(0.0, |bias| bias.data[index[1]] * unit(index[1]));
                let first = index[1] / group_out * group_in;
                let mut sum = bias;
                for channel in 0..group_in {
                    for (tap, x) in taps(x, &conv.window, first + channel, [index[2], index[3]]) {
                        sum += x.unwrap_or(0.0) * w.at(&[index[1], channel, tap[0], tap[1]]);
                    }
                }
                sum
            })
        }
        Op::ConvTranspose(conv) => transposed(x, operands, conv, shape, &bias_unit(graph, node)),
        Op::MatMul => product(x, &operands[1], false),
        Op::Gemm { alpha, beta, trans_a, trans_b } => {
            assert!(!trans_a);
            let unit = bias_unit(graph, node);
            let y = product(x, &operands[1], *trans_b);
            fill(shape, |index| {
                let c = operands.get(2).map_or(0.0, |c| c.broadcast(index) * unit(index[1]));
                f64::from(*alpha) * y.at(index) + f64::from(*beta) * c
            })
        }
        Op::BatchNormalization { epsilon } => fill(shape, |index| {
            let of = |i: usize| operands[i].data[index[1]];
            (x.at(index) - of(3)) / (of(4) + f64::from(*epsilon)).sqrt() * of(1) + of(2)
        }),
        Op::Add => pair(&|a, b| a + b),
        Op::Sub => pair(&|a, b| a - b),
        Op::Mul => pair(&|a, b| a * b),
        Op::Div => pair(&|a, b| a / b),
        Op::Pow => pair(&f64::powf),
        Op::Affine(op) => fill(shape, |index| {
            let of = |list: &[f64]| if list.len() == 1 { list[0] } else { list[index[op.axis]] };
            x.at(index) * of(&op.multiply) / of(&op.divide) + of(&op.add)
        }),
        Op::Activation(function) => match function {
            Activation::Relu => each(&|x| x.max(0.0)),
            Activation::Clip { lo, hi } => {
                each(&|x| x.max(lo.unwrap_or(f64::MIN)).min(hi.unwrap_or(f64::MAX)))
            }
            Activation::LeakyRelu { slope, axis } => fill(shape, |index| {
                let slope = if slope.len() == 1 { slope[0] } else { slope[index[*axis]] };
                let x = x.at(index);
                if x < 0.0 { slope * x } else { x }
            }),
            Activation::Abs => each(&f64::abs),
            Activation::Power { exponent } => each(&|x| x.powi(*exponent as i32)),
            Activation::Sigmoid => each(&|x| 1.0 / (1.0 + (-x).exp())),
            Activation::Tanh => each(&f64::tanh),
            Activation::Elu { alpha } => each(&|x| if x < 0.0 { alpha * x.exp_m1() } else { x }),
            Activation::Round { rounding } => each(&|x| rounded(x, *rounding)),
            // The trapezoidal rule for the integral that defines it.
            Activation::Erf => each(&|x| {
                let steps = 20_000;
                let height = |i: i32| (-(x * f64::from(i) / f64::from(steps)).powi(2)).exp();
                let inner: f64 = (1..steps).map(height).sum();
                std::f64::consts::FRAC_2_SQRT_PI * x / f64::from(steps)
                    * (inner + f64::midpoint(height(0), height(steps)))
            }),
            Activation::Sign => each(&|x| if x == 0.0 { 0.0 } else { x.signum() }),
            Activation::Short { .. } => panic!("no test of the imported level rounds to short floats"),
            Activation::Softsign => each(&|x| x / (1.0 + x.abs())),
            Activation::Reciprocal => each(&f64::recip),
            Activation::Elementary { of } => match of {
                Elementary::Exp => each(&f64::exp),
                Elementary::Log => each(&f64::ln),
                Elementary::Softplus => each(&|x| x.exp().ln_1p()),
                Elementary::Sqrt => each(&f64::sqrt),
                Elementary::Power { exponent } => each(&|x| x.powf(exponent.to_f64().unwrap_or(f64::NAN))),
                Elementary::Sin => each(&f64::sin),
                Elementary::Cos => each(&f64::cos),
                Elementary::Tan => each(&f64::tan),
                Elementary::Asin => each(&f64::asin),
                Elementary::Acos => each(&f64::acos),
                Elementary::Atan => each(&f64::atan),
                Elementary::Sinh => each(&f64::sinh),
                Elementary::Cosh => each(&f64::cosh),
                Elementary::Asinh => each(&f64::asinh),
                Elementary::Acosh => each(&f64::acosh),
                Elementary::Atanh => each(&f64::atanh),
            },
        },
        Op::Max => {
            fill(shape, |index| operands.iter().map(|x| x.at(index)).fold(f64::NEG_INFINITY, f64::max))
        }
        Op::Min => fill(shape, |index| operands.iter().map(|x| x.at(index)).fold(f64::INFINITY, f64::min)),
        Op::Where => fill(shape, |index| operands[if x.at(index) != 0.0 { 1 } else { 2 }].at(index)),
        Op::MinPool(pool) => {
            pooled(x, pool, shape, &|taps| taps.iter().flatten().copied().fold(f64::INFINITY, f64::min))
        }
        Op::MaxPool(pool) => {
            pooled(x, pool, shape, &|taps| taps.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max))
        }
        Op::AveragePool(op) => pooled(x, &op.pool, shape, &|taps| {
            let seen: Vec<f64> = taps.iter().flatten().copied().collect();
            let count = if op.count_include_pad { taps.len() } else { seen.len() };
            seen.iter().sum::<f64>() / count as f64
        }),
        Op::Softmax { axis } => fill(shape, |index| {
            let mut other = index.to_vec();
            let sum: f64 = (0..x.shape[*axis])
                .map(|i| {
                    other[*axis] = i;
                    x.at(&other).exp()
                })
                .sum();
            x.at(index).exp() / sum
        }),
        Op::Flatten { .. } | Op::Reshape => Numbers::new(shape, x.data.clone()),
        Op::Identity => x.clone(),
        Op::Pad { before, value, .. } => fill(shape, |index| {
            let own: Option<Vec<usize>> = (0..index.len())
                .map(|axis| index[axis].checked_sub(before[axis]).filter(|i| *i < x.shape[axis]))
                .collect();
            own.map_or(f64::from(*value), |own| x.at(&own))
        }),
        Op::Transpose { perm } => fill(shape, |index| {
            let mut own = vec![0; perm.len()];
            for (to, from) in perm.iter().enumerate() {
                own[*from] = index[to];
            }
            x.at(&own)
        }),
        Op::Concat { axis } => fill(shape, |index| {
            let mut own = index.to_vec();
            for operand in operands {
                match own[*axis].checked_sub(operand.shape[*axis]) {
                    None => return operand.at(&own),
                    Some(rest) => own[*axis] = rest,
                }
            }
            panic!("an index past all operands")
        }),
        Op::Repeat { factors } => fill(shape, |index| {
            let own: Vec<usize> = index.iter().zip(factors).map(|(i, factor)| i / factor).collect();
            x.at(&own)
        }),
        Op::Slice { starts, steps, .. } => fill(shape, |index| {
            let own: Vec<usize> = (0..index.len())
                .map(|i| (starts[i] as isize + steps[i] * index[i] as isize) as usize)
                .collect();
            x.at(&own)
        }),
        Op::TopK { largest, values, .. } => fill(shape, |index| {
            let (place, row) = index.split_last().unwrap();
            let size = *x.shape.last().unwrap();
            let mut order: Vec<usize> = (0..size).collect();
            let value = |i: &usize| x.at(&[row, &[*i]].concat());
            order.sort_by(|a, b| {
                let ordering = value(a).total_cmp(&value(b));
                if *largest { ordering.reverse() } else { ordering }
            });
            if *values { value(&order[*place]) } else { order[*place] as f64 }
        }),
        op => panic!("{} is not on the imported level", op.name()),
    }
}

/// What a code of the bias at each output stands for: itself, but for a bias that counts in units of the accumulator.
fn bias_unit(graph: &Graph, node: &Node) -> impl Fn(usize) -> f64 {
    let codes = |id: ValueId| graph.value(id).codes().cloned();
    let in_units = node.inputs.get(2).and_then(|id| codes(*id)).is_some_and(|codes| codes.scale.is_empty());
    let mut weight = node.inputs[1];
    while let Some(moves) = graph.producer(weight) {
        weight = graph.nodes[moves].inputs[0];
    }
    let scales: Vec<f64> =
        codes(weight).map_or(vec![1.0], |codes| codes.scale.iter().map(|scale| f64::from(*scale)).collect());
    // Affine functions of codes change what a code stands for.
    let (mut x, mut scale) = (node.inputs[0], 1.0);
    while let Some(index) = graph.producer(x).filter(|_| in_units) {
        let maker = &graph.nodes[index];
        match &maker.op {
            Op::Quant(_) => {
                scale *= constant(graph.value(maker.inputs[1])).expect("a constant scale").data[0];
                break;
            }
            Op::Affine(affine) => scale *= affine.multiply[0] / affine.divide[0],
            _ => {}
        }
        x = maker.inputs[0];
    }
    if let Some(codes) = codes(x).filter(|codes| in_units && codes.scale.len() == 1) {
        scale *= f64::from(codes.scale[0]);
    }
    move |channel| match (in_units, scales.len()) {
        (false, _) => 1.0,
        (true, 1) => scale * scales[0],
        (true, _) => scale * scales[channel],
    }
}

fn rounded(x: f64, mode: Rounding) -> f64 {
    match mode {
        Rounding::HalfEven => x.round_ties_even(),
        Rounding::HalfAway => x.round(),
        Rounding::HalfToward => x.signum() * (x.abs() - 0.5).ceil(),
        Rounding::Floor => x.floor(),
        Rounding::Ceil => x.ceil(),
        Rounding::Away => x.signum() * x.abs().ceil(),
        Rounding::Toward => x.trunc(),
    }
}

fn quantize(x: f64, scale: f64, zero_point: f64, bits: f64, attributes: &QuantAttributes) -> f64 {
    let int = IntType::new(bits as u8, attributes.signed, attributes.narrow).expect("a bit width");
    let [lo, hi] = attributes.clip.unwrap_or([int.min(), int.max()]);
    let (lo, hi) = (lo.max(int.min()) as f64, hi.min(int.max()) as f64);
    let code = match attributes.zero_point_outside {
        true => rounded(x / scale, attributes.rounding) + zero_point,
        false => rounded(x / scale + zero_point, attributes.rounding),
    };
    (code.max(lo).min(hi) - zero_point) * scale
}

fn truncate(x: f64, operands: &[Numbers], attributes: &QuantAttributes) -> f64 {
    let of = |i: usize| operands[i].data[0];
    let code = (x / of(1) + of(2)).round_ties_even();
    if operands.len() == 5 {
        let step = 2f64.powf(of(3) - of(4));
        return (rounded(code / step, attributes.rounding) - of(2)) * of(1);
    }
    let step = 2f64.powf((of(4) / of(1)).log2().round());
    let int = IntType::new(of(5) as u8, attributes.signed, attributes.narrow).expect("a bit width");
    let limited = (code / step).max(int.min() as f64).min(int.max() as f64);
    (rounded(limited, attributes.rounding) - of(2) / step) * of(4)
}

/// The taps of the window at `position` and what is under them in `channel`; nothing in the padding.
fn taps(
    x: &Numbers,
    window: &Window,
    channel: usize,
    position: [usize; 2],
) -> Vec<([usize; 2], Option<f64>)> {
    let mut all = vec![];
    for tap in (0..window.size[0]).flat_map(|row| (0..window.size[1]).map(move |column| [row, column])) {
        let place = |axis: usize| {
            let padded = position[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
            padded.checked_sub(window.pads[axis]).filter(|i| *i < x.shape[axis + 2])
        };
        let under = place(0).zip(place(1)).map(|(row, column)| x.at(&[0, channel, row, column]));
        all.push((tap, under));
    }
    all
}

fn pooled(x: &Numbers, pool: &Pool, shape: &[usize], f: &dyn Fn(&[Option<f64>]) -> f64) -> Numbers {
    fill(shape, |index| {
        let under = taps(x, &pool.window, index[1], [index[2], index[3]]);
        f(&under.into_iter().map(|(_, x)| x).collect::<Vec<_>>())
    })
}

fn transposed(
    x: &Numbers,
    operands: &[Numbers],
    conv: &ConvTranspose,
    shape: &[usize],
    unit: &dyn Fn(usize) -> f64,
) -> Numbers {
    let w = &operands[1];
    let (group_in, group_out) = (x.shape[1] / conv.groups, w.shape[1]);
    let window = &conv.window;
    let mut y = fill(shape, |index| operands.get(2).map_or(0.0, |bias| bias.data[index[1]] * unit(index[1])));
    for input in 0..x.shape[1] {
        for (row, column) in (0..x.shape[2]).flat_map(|row| (0..x.shape[3]).map(move |column| (row, column)))
        {
            for (i, j) in (0..window.size[0]).flat_map(|i| (0..window.size[1]).map(move |j| (i, j))) {
                let place = |at: usize, tap: usize, axis: usize| {
                    let full = at * window.stride[axis] + tap * window.dilation[axis];
                    full.checked_sub(window.pads[axis]).filter(|place| *place < shape[axis + 2])
                };
                let Some((to_row, to_column)) = place(row, i, 0).zip(place(column, j, 1)) else { continue };
                for output in 0..group_out {
                    let channel = input / group_in * group_out + output;
                    let offset = (channel * shape[2] + to_row) * shape[3] + to_column;
                    y.data[offset] += x.at(&[0, input, row, column]) * w.at(&[input, output, i, j]);
                }
            }
        }
    }
    y
}

fn product(a: &Numbers, b: &Numbers, turned: bool) -> Numbers {
    let columns = b.shape[usize::from(!turned)];
    fill(&[a.shape[0], columns], |index| {
        let b = |k: usize| if turned { b.at(&[index[1], k]) } else { b.at(&[k, index[1]]) };
        (0..a.shape[1]).map(|k| a.at(&[index[0], k]) * b(k)).sum()
    })
}
