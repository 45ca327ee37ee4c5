//! Small networks on the quantized level, layer by layer, with ways that part and meet; the real passes bring them to the
//! integer level.

use exactum_runtime::num::{IntRange, IntType, Rounding};

use crate::exact::{Curve, Quantizer, from_f32};
use crate::graph::{
    Codes, Constant, Conv, ConvTranspose, Graph, Layout, Level, Meaning, Node, Op, Pool, Quantize,
    Requantize, SumPool, Tail, Type, Value, ValueId, Window,
};
use crate::passes;

/// Scale of every code.
const SCALE: f32 = 0.25;
/// Scale of every weight.
const WEIGHT_SCALE: f32 = 0.0625;

#[derive(Clone)]
pub(super) struct Net {
    graph: Graph,
    last: ValueId,
    lowest_weight: i32,
    /// In which of three channels requantizations turn the sign around; one for all.
    falls: Vec<bool>,
    /// Whether weights are -1 and 1 alone.
    bipolar: bool,
}

fn codes(int: &str, scale: f32, zero_point: i64) -> Codes {
    let int: IntType = int.parse().unwrap();
    Codes { int, range: int.range(), zero_point, scale: vec![scale], axis: None }
}

/// Uniform quantization to `codes` after `curve`.
fn tail(curve: Curve, codes: &Codes) -> Tail {
    let quantizer = Quantizer::Uniform {
        scale: from_f32(codes.scale[0]).unwrap(),
        zero_point: codes.zero_point,
        after: 0,
        range: codes.range,
        rounding: Rounding::HalfEven,
    };
    Tail { curve, quantizer, int: codes.int }
}

impl Net {
    /// A float input that is quantized to `int`.
    pub(super) fn new(shape: &[usize], int: &str) -> Self {
        let mut graph = Graph::new("net", Level::Quantized);
        let input = graph.add(Value::new("x", shape.to_vec(), Type::Float));
        graph.inputs.push(input);
        let mut net = Self { graph, last: input, lowest_weight: -3, falls: vec![false], bipolar: false };
        let codes = codes(int, SCALE, 0);
        let op = Op::Quantize(Quantize { tail: tail(Curve::identity(), &codes), channels: None });
        net.push(op, vec![], shape.to_vec(), Type::Codes(codes));
        net
    }

    fn push(&mut self, op: Op, more: Vec<ValueId>, shape: Vec<usize>, ty: Type) {
        let name = format!("v{}", self.graph.values.len());
        let output = self.graph.add(Value::new(name.clone(), shape, ty));
        let inputs = [self.last].into_iter().chain(more).collect();
        self.graph.nodes.push(Node::new(name, vec![], op, inputs, output));
        self.last = output;
    }

    fn shape(&self) -> Vec<usize> {
        self.graph.value(self.last).shape.clone()
    }

    fn ty(&self) -> Type {
        self.graph.value(self.last).ty.clone()
    }

    /// The last value, to come back to.
    pub(super) const fn here(&self) -> ValueId {
        self.last
    }

    /// Goes on from `value`.
    pub(super) const fn from(mut self, value: ValueId) -> Self {
        self.last = value;
        self
    }

    /// One more float input that is quantized to `int`.
    pub(super) fn input(mut self, shape: &[usize], int: &str) -> Self {
        let input = self.graph.add(Value::new("more", shape.to_vec(), Type::Float));
        self.graph.inputs.push(input);
        self.last = input;
        let codes = codes(int, SCALE, 0);
        let op = Op::Quantize(Quantize { tail: tail(Curve::identity(), &codes), channels: None });
        self.push(op, vec![], shape.to_vec(), Type::Codes(codes));
        self
    }

    fn sums(&self) -> Type {
        let gain = from_f32(SCALE).unwrap();
        let offset = vec![&gain * from_f32(0.0).unwrap()];
        Type::Accumulators {
            meaning: Some(Meaning { gain: vec![gain], offset, channels: None }),
            bounds: vec![],
        }
    }

    /// `multipliers` times the last value and `other`, added.
    pub(super) fn add_times(mut self, other: ValueId, multipliers: [i64; 2]) -> Self {
        let (shape, ty) = (self.shape(), self.sums());
        self.push(Op::Sum { multipliers: vec![multipliers] }, vec![other], shape, ty);
        self
    }

    /// The last value and `other`, added.
    pub(super) fn add(self, other: ValueId) -> Self {
        self.add_times(other, [1, 1])
    }

    /// The last value and `other`, multiplied.
    pub(super) fn times(mut self, other: ValueId) -> Self {
        let (shape, ty) = (self.shape(), self.sums());
        self.push(Op::Product { zero_points: [0, 0] }, vec![other], shape, ty);
        self
    }

    /// The indices of the `k` largest elements along the last axis.
    pub(super) fn top_k(mut self, k: usize) -> Self {
        let mut shape = self.shape();
        *shape.last_mut().unwrap() = k;
        let op = Op::TopK { k, largest: true, values: false, multipliers: vec![], offsets: vec![] };
        self.push(op, vec![], shape, Type::Codes(codes("int32", 1.0, 0)));
        self
    }

    /// The channels of the last value and of `others` behind each other.
    pub(super) fn concat(mut self, others: &[ValueId]) -> Self {
        let (mut shape, ty) = (self.shape(), self.ty());
        shape[1] += others.iter().map(|id| self.graph.value(*id).shape[1]).sum::<usize>();
        self.push(Op::Concat { axis: 1 }, others.to_vec(), shape, ty);
        self
    }

    /// Sums of windows.
    pub(super) fn sum_pool(self, size: [usize; 2], stride: [usize; 2], pads: [usize; 4]) -> Self {
        self.weighted_sums(size, stride, pads, 0)
    }

    /// Sums of windows, each brought to `unit` elements.
    pub(super) fn weighted_sums(
        mut self,
        size: [usize; 2],
        stride: [usize; 2],
        pads: [usize; 4],
        unit: u64,
    ) -> Self {
        let window = Window { size, stride, pads, dilation: [1, 1] };
        let (x, ty) = (self.shape(), self.sums());
        let [height, width] = window.output([x[2], x[3]]).unwrap();
        let zero_point = match self.ty() {
            Type::Codes(codes) => codes.zero_point,
            other => panic!("{other:?}"),
        };
        let pool = Pool { window, layout: Layout::ChannelsFirst };
        self.push(Op::SumPool(SumPool { pool, zero_point, unit }), vec![], vec![1, x[1], height, width], ty);
        self
    }

    /// Makes the last value an output as well.
    pub(super) fn output(mut self) -> Self {
        self.graph.outputs.push(self.last);
        self
    }

    /// Gives the codes of the last value a zero point.
    pub(super) fn zero_point(mut self, zero_point: i64) -> Self {
        if let Type::Codes(codes) = &mut self.graph.value_mut(self.last).ty {
            codes.zero_point = zero_point;
        }
        self
    }

    /// Lets codes fall where sums rise.
    pub(super) fn falling(self) -> Self {
        self.falling_in(&[true])
    }

    /// The same in some channels.
    pub(super) fn falling_in(mut self, channels: &[bool]) -> Self {
        self.falls = channels.to_vec();
        self
    }

    /// From here on weights are -1 and 1.
    pub(super) const fn bipolar_weights(mut self) -> Self {
        self.bipolar = true;
        self
    }

    /// The sign of the last value, as -1 or 1.
    pub(super) fn sign(mut self) -> Self {
        let Meaning { gain, offset, .. } = match self.ty() {
            Type::Accumulators { meaning, .. } => meaning.unwrap(),
            other => panic!("{other:?}"),
        };
        let int: IntType = "int2".parse().unwrap();
        let range = IntRange::new(-1, 1).unwrap();
        let codes = Codes { int, range, zero_point: 0, scale: vec![SCALE], axis: None };
        let tail = Tail { curve: Curve::affine(gain, offset), quantizer: Quantizer::Sign, int };
        let shape = self.shape();
        self.push(Op::Requantize(Requantize::Exact(tail)), vec![], shape, Type::Codes(codes));
        self
    }

    fn constant(&mut self, shape: &[usize], elements: Vec<i32>) -> ValueId {
        let mut value = Value::new("c", shape.to_vec(), Type::Codes(codes("int4", SCALE, 0)));
        value.constant = Some(Constant::Codes(elements));
        self.graph.add(value)
    }

    /// The last value and a constant, added.
    pub(super) fn add_constant(mut self, shape: &[usize], elements: Vec<i32>) -> Self {
        let constant = self.constant(shape, elements);
        self.add_times(constant, [3, 2])
    }

    /// The last value and a constant, multiplied.
    pub(super) fn times_constant(mut self, shape: &[usize], elements: Vec<i32>) -> Self {
        let constant = self.constant(shape, elements);
        self.times(constant)
    }

    /// Each element repeated along each axis.
    pub(super) fn repeat(mut self, factors: &[usize]) -> Self {
        let (shape, ty) = (self.shape(), self.ty());
        let shape = shape.iter().zip(factors).map(|(size, factor)| size * factor).collect();
        self.push(Op::Repeat { factors: factors.to_vec() }, vec![], shape, ty);
        self
    }

    /// A transposed convolution; of the weight the outputs come first.
    pub(super) fn conv_transpose(
        self,
        weight: [usize; 4],
        stride: [usize; 2],
        pads: [usize; 4],
        (dilation, output_padding, groups): ([usize; 2], [usize; 2], usize),
        int: &str,
    ) -> Self {
        let x = self.shape();
        let along = |axis: usize| {
            (x[2 + axis] - 1) * stride[axis]
                + (weight[2 + axis] - 1) * dilation[axis]
                + 1
                + output_padding[axis]
                - pads[axis]
                - pads[2 + axis]
        };
        let shape = vec![1, weight[0], along(0), along(1)];
        let window = Window { size: [weight[2], weight[3]], stride, pads, dilation };
        let op = Op::ConvTranspose2d(ConvTranspose {
            window,
            output_padding,
            groups,
            layout: Layout::ChannelsFirst,
        });
        self.layer(op, &weight, shape).requantize(int)
    }

    /// The last value behind itself, along another axis than the channels.
    pub(super) fn concat_along(mut self, axis: usize) -> Self {
        let (mut shape, ty, last) = (self.shape(), self.ty(), self.last);
        shape[axis] *= 2;
        self.push(Op::Concat { axis }, vec![last], shape, ty);
        self
    }

    /// Lets weights reach -8, which narrow 4-bit weights do not.
    pub(super) fn widest_weights(mut self) -> Self {
        self.lowest_weight = -8;
        self
    }

    fn layer(mut self, op: Op, weight: &[usize], shape: Vec<usize>) -> Self {
        let span = 4 - self.lowest_weight;
        let elems = weight.iter().product::<usize>() as i32;
        let mut value = Value::new("w", weight.to_vec(), Type::Codes(codes("int4", WEIGHT_SCALE, 0)));
        let weight = |i: i32| match self.bipolar {
            true => 1 - 2 * (i * i / 3 % 2),
            false => self.lowest_weight + i * 5 % span,
        };
        value.constant = Some(Constant::Codes((0..elems).map(weight).collect()));
        let weight = self.graph.add(value);
        let gain = from_f32(SCALE).unwrap() * from_f32(WEIGHT_SCALE).unwrap();
        let meaning =
            Meaning { gain: vec![gain.clone()], offset: vec![gain * from_f32(0.0).unwrap()], channels: None };
        self.push(op, vec![weight], shape, Type::Accumulators { meaning: Some(meaning), bounds: vec![] });
        self
    }

    pub(super) fn conv(
        self,
        weight: [usize; 4],
        stride: [usize; 2],
        pads: [usize; 4],
        groups: usize,
        int: &str,
    ) -> Self {
        self.conv_sums(weight, stride, pads, groups).requantize(int)
    }

    /// A convolution that ends in sums.
    pub(super) fn conv_sums(
        self,
        weight: [usize; 4],
        stride: [usize; 2],
        pads: [usize; 4],
        groups: usize,
    ) -> Self {
        let window = Window { size: [weight[2], weight[3]], stride, pads, dilation: [1, 1] };
        let x = self.shape();
        let [height, width] = window.output([x[2], x[3]]).unwrap();
        let op = Op::Conv2d(Conv { window, groups, layout: Layout::ChannelsFirst });
        self.layer(op, &weight, vec![1, weight[0], height, width])
    }

    /// A dense layer that ends in sums.
    pub(super) fn dense_sums(self, outputs: usize) -> Self {
        let inputs = self.shape()[1];
        self.layer(Op::Dense, &[outputs, inputs], vec![1, outputs])
    }

    pub(super) fn dense(self, outputs: usize, int: &str) -> Self {
        self.dense_sums(outputs).requantize(int)
    }

    pub(super) fn requantize(mut self, int: &str) -> Self {
        let Meaning { gain, offset, .. } = match self.ty() {
            Type::Codes(codes) => Meaning::of_codes(&codes),
            Type::Accumulators { meaning, .. } => meaning.unwrap(),
            other => panic!("{other:?}"),
        };
        let codes = codes(int, SCALE, 0);
        let channels = if self.falls.len() > 1 { self.shape()[1] } else { gain.len() };
        let gain = (0..channels)
            .map(|channel| {
                let own = gain[channel % gain.len()].clone();
                if self.falls[channel % self.falls.len()] { -own } else { own }
            })
            .collect();
        let tail = tail(Curve::affine(gain, offset), &codes);
        let shape = self.shape();
        self.push(Op::Requantize(Requantize::Exact(tail)), vec![], shape, Type::Codes(codes));
        self
    }

    pub(super) fn max_pool(self, size: [usize; 2]) -> Self {
        self.pool(Window { size, stride: size, pads: [0; 4], dilation: [1, 1] })
    }

    pub(super) fn padded_max_pool(self, size: [usize; 2], pads: [usize; 4]) -> Self {
        self.pool(Window { size, stride: size, pads, dilation: [1, 1] })
    }

    fn pool(mut self, window: Window) -> Self {
        let x = self.shape();
        let [height, width] = window.output([x[2], x[3]]).unwrap();
        let ty = self.ty();
        let op = Op::MaxPool(Pool { window, layout: Layout::ChannelsFirst });
        self.push(op, vec![], vec![1, x[1], height, width], ty);
        self
    }

    pub(super) fn reshape(mut self, shape: &[usize]) -> Self {
        let ty = self.ty();
        self.push(Op::Reshape, vec![], shape.to_vec(), ty);
        self
    }

    pub(super) fn transpose(mut self, perm: &[usize]) -> Self {
        let (x, ty) = (self.shape(), self.ty());
        let shape = perm.iter().map(|axis| x[*axis]).collect();
        self.push(Op::Transpose { perm: perm.to_vec() }, vec![], shape, ty);
        self
    }

    pub(super) fn quantized(mut self) -> Graph {
        self.graph.outputs.push(self.last);
        self.graph
    }

    pub(super) fn integer(self) -> Graph {
        let mut graph = self.quantized();
        passes::advance(&mut graph, Level::Integer, &crate::target::Target::portable()).unwrap();
        graph
    }
}

/// Whether the pattern of weights holds what the tests claim.
#[test]
fn weights_stay_within_four_bits() {
    let range = |net: Net| match &net.graph.values.iter().find(|value| value.name == "w").unwrap().constant {
        Some(Constant::Codes(codes)) => {
            IntRange::new(i64::from(*codes.iter().min().unwrap()), i64::from(*codes.iter().max().unwrap()))
        }
        _ => None,
    };
    let net = || Net::new(&[1, 24], "uint4");
    assert_eq!(range(net().dense_sums(4)), IntRange::new(-3, 3));
    assert_eq!(range(net().widest_weights().dense_sums(4)), IntRange::new(-8, 3));
}
