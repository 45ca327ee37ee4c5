//! What loading refuses of ops with several inputs, of sums, of changes of layout and of quantizers of inputs.

mod support;

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Form, Requant};
use exactum_runtime::program::op::{
    Add, Bias, Concat, ConvTranspose2d, Layer, Mul, Multipliers, Op, Rearrange, SumPool2d, TopK, Weights,
};
use exactum_runtime::program::{
    Input, InputRule, Output, Packing, Source, Tensor, TensorId, Window2d, encode, words_as_bytes_mut,
};
use exactum_runtime::{Codes, Element, Engine, LoadError, OpFault, PortFault};
use proptest::prelude::*;
use support::image::{Image, in_order, run_all, tensor};

const INT8: IntRange = IntRange { lo: -128, hi: 127 };
const HEADER_BYTES: usize = 40;
const TENSOR_BYTES: usize = 32;
const INPUT_BYTES: usize = 32;
const OUTPUT_BYTES: usize = 8;

/// Positions of the ops in the network.
const ADD: u16 = 0;
const MUL: u16 = 1;
const SUM_POOL: u16 = 2;
const CONCAT: u16 = 3;
const CONV_TRANSPOSE: u16 = 4;
const REARRANGE: u16 = 5;
const TOP_K: u16 = 6;

/// A program with every op that `load.rs` does not cover.
struct Network {
    tensors: Vec<Tensor>,
    inputs: Vec<Input<'static>>,
    outputs: Vec<Output>,
    ops: Vec<Op<'static>>,
}

const WEIGHTS: [i16; 24] = {
    let mut weights = [0; 24];
    let mut index = 0;
    while index < 24 {
        weights[index] = (index * 7919 % 601) as i16 - 300;
        index += 1;
    }
    weights
};

/// 0.25, 0.5, 1 and -1, 0, 1: the bits of positive floats are their keys.
const THRESHOLDS: [i32; 6] = [0x3e80_0000, 0x3f00_0000, 0x3f80_0000, -0x3f80_0000, 0, 0x3f80_0000];

fn requant(form: Form<'static>, lo: i32, hi: i32) -> Option<Requant<'static>> {
    Some(Requant { form, lo, hi })
}

fn network() -> Network {
    let id = TensorId;
    let halves = Form::ShiftHalfEven64 { multipliers: &[1], offsets: &[0], shifts: &[1] };
    let quarters = Form::ShiftHalfEven { multipliers: &[1], offsets: &[1], shifts: &[2] };
    let long =
        Form::Multiply128 { multipliers: &[1 << 40], offsets: &[[-1, 0], [0, -1], [9, 9]], shifts: &[47] };
    Network {
        tensors: in_order(vec![
            tensor(Element::U8, &[4, 4, 2], 0, IntRange { lo: 0, hi: 3 }),
            tensor(Element::I8, &[2], 0, IntRange { lo: -2, hi: 2 }),
            tensor(Element::I8, &[4, 4, 2], 0, IntRange { lo: -8, hi: 7 }),
            tensor(Element::I16, &[4, 4, 2], 0, IntRange { lo: -64, hi: 64 }),
            tensor(Element::I8, &[2, 2, 2], 0, IntRange { lo: -8, hi: 7 }),
            tensor(Element::I8, &[4, 10], 0, IntRange { lo: -8, hi: 7 }),
            tensor(Element::I8, &[4, 4, 3], 0, INT8),
            tensor(Element::I8, &[3, 6, 4], 0, INT8),
            tensor(Element::I32, &[18, 2], 0, IntRange { lo: 0, hi: 3 }),
        ]),
        inputs: vec![
            Input {
                tensor: id(0),
                quantizer: Some(InputRule::Thresholds {
                    thresholds: &THRESHOLDS,
                    channels: 2,
                    inner: 1,
                    falling: false,
                    nan: 2,
                }),
            },
            Input { tensor: id(1), quantizer: None },
        ],
        outputs: [3, 5, 8].map(|tensor| Output { tensor: id(tensor) }).to_vec(),
        ops: vec![
            Add {
                input: id(0),
                second: id(1),
                output: id(2),
                multipliers: Multipliers::I32(&[[1, 2]]),
                channels: 2,
                requant: requant(Form::Offset { offsets: &[1, 0] }, -8, 7),
            }
            .into(),
            Mul {
                input: id(2),
                second: id(2),
                output: id(3),
                zero_points: [1, 0],
                channels: 1,
                requant: requant(halves, -64, 64),
                wide: false,
            }
            .into(),
            SumPool2d {
                input: id(2),
                output: id(4),
                input_zero_point: 0,
                window: Window2d { stride: [2; 2], ..Window2d::new([2, 2]) },
                unit: 4,
                requant: requant(quarters, -8, 7),
            }
            .into(),
            Concat { input: id(2), rest: &[4], output: id(5), rows: 4 }.into(),
            ConvTranspose2d {
                input: id(4),
                output: id(6),
                window: Window2d { stride: [2; 2], ..Window2d::new([2, 2]) },
                groups: 1,
                layer: Layer {
                    input_zero_point: -1,
                    weights: Weights::i16s(&WEIGHTS),
                    bias: Bias::I32(&[1, i32::MAX, i32::MIN]),
                    requant: requant(long, -128, 127),
                    wide: true,
                },
            }
            .into(),
            Rearrange {
                input: id(6),
                output: id(7),
                dims: [1, 1, 1, 3, 6, 4],
                strides: [0, 0, 0, 1, 12, 3],
                first: 0,
                before: [0, 0, 0, 0, 1, 0],
                sizes: [1, 1, 1, 3, 4, 4],
                fill: -3,
            }
            .into(),
            TopK {
                input: id(7),
                output: id(8),
                elems: 4,
                k: 2,
                largest: true,
                values: false,
                multipliers: &[3],
                offsets: &[0, 1, 2, -400],
            }
            .into(),
        ],
    }
}

impl Network {
    fn image(&self) -> Image {
        let end = |tensor: &Tensor| (tensor.offset_bytes + tensor.size_bytes()).next_multiple_of(8);
        Image::of(&Source {
            arena_bytes: self.tensors.iter().map(end).max().unwrap(),
            tensors: &self.tensors,
            inputs: &self.inputs,
            outputs: &self.outputs,
            ops: &self.ops,
        })
    }

    /// Where the record of op `op` starts.
    fn record(&self, op: u16) -> usize {
        let image = self.image();
        let tables = [
            (self.tensors.len(), TENSOR_BYTES),
            (self.inputs.len(), INPUT_BYTES),
            (self.outputs.len(), OUTPUT_BYTES),
        ];
        let start = tables.iter().fold(HEADER_BYTES, |start, (count, bytes)| start + count * bytes);
        (0..op).fold(start, |at, _| {
            at + usize::from(u16::from_le_bytes([image.bytes()[at + 2], image.bytes()[at + 3]]))
        })
    }
}

/// The fault of op `op` after `change`.
fn refused(op: u16, change: impl FnOnce(&mut Network)) -> OpFault {
    let mut network = network();
    change(&mut network);
    match network.image().load().map(|_| ()) {
        Err(LoadError::Op { op: found, fault }) if found == op => fault,
        other => panic!("{other:?}"),
    }
}

macro_rules! refused_op {
    ($position:ident, $kind:ident, $($change:expr => $fault:expr;)*) => {$(
        let fault = refused($position, |network| match &mut network.ops[usize::from($position)] {
            Op::$kind(op) => {
                let change: fn(&mut $kind<'static>) = $change;
                change(op);
            }
            other => panic!("{other}"),
        });
        assert_eq!(fault, $fault, "{}", stringify!($change));
    )*};
}

#[test]
fn the_network_loads_lists_and_is_written_again() {
    let image = network().image();
    let program = image.load().unwrap();
    let listing = program.to_string();
    for line in [
        "input %0 6 thresholds, 2 channels by 1, rising, NaN 2",
        "0: add %0, %1 -> %2 multipliers 1 and 2, 2 channels, offset to -8..=7",
        "1: mul %2, %2 -> %3 zero points 1 and 0, 1 channels, shift-half-even64 to -64..=64",
        "2: sum-pool2d %2 -> %4 window 2x2 stride 2x2, averages by 4, shift-half-even to -8..=7",
        "3: concat %2, %4 -> %5 4 rows",
        "4: conv-transpose2d %4 -> %6 window 2x2 stride 2x2, 24 i16 weights, i32 bias, 64-bit sums, multiply128 to",
        "5: rearrange %6 -> %7 dims [1, 1, 1, 3, 6, 4] strides [0, 0, 0, 1, 12, 3] from 0, \
         sizes [1, 1, 1, 3, 4, 4] after [0, 0, 0, 0, 1, 0], else -3",
        "6: top-k %7 -> %8 positions of the 2 largest of 4, 4 lines",
    ] {
        assert!(listing.contains(line), "{line}\n{listing}");
    }
    let (tensors, inputs): (Vec<_>, Vec<_>) = (program.tensors().collect(), program.inputs().collect());
    let (outputs, ops): (Vec<_>, Vec<_>) = (program.outputs().collect(), program.ops().collect());
    let mut again = Vec::new();
    let source = Source {
        arena_bytes: program.arena_bytes(),
        tensors: &tensors,
        inputs: &inputs,
        outputs: &outputs,
        ops: &ops,
    };
    encode(&source, &mut again).unwrap();
    assert_eq!(image.bytes(), again);
    let inputs: Vec<Vec<TensorId>> = program.ops().map(|op| op.inputs().collect()).collect();
    assert_eq!(inputs[usize::from(ADD)], [0, 1].map(TensorId));
    assert_eq!(inputs[usize::from(CONCAT)], [2, 4].map(TensorId));
    assert_eq!(inputs[usize::from(TOP_K)], [TensorId(7)]);
}

/// The first output of the network, calculated by hand from the definitions.
#[test]
fn the_network_runs() {
    let image = network().image();
    let codes: Vec<i64> = (0..32).map(|index| index % 4).collect();
    let expected: Vec<i64> = codes
        .iter()
        .enumerate()
        .map(|(index, code)| {
            let sum = if index % 2 == 0 { code + 2 * 2 + 1 } else { code - 2 };
            let product = (sum - 1) * sum;
            // No half: one of two neighbours is even.
            product / 2
        })
        .collect();
    // Offsets of `halves` leave out the rounding's constant, 0 for a shift by 1.
    assert_eq!(run_all(&image.load().unwrap(), &[&codes, &[2, -1]]), expected);
}

#[test]
fn every_input_is_checked() {
    let with = |op, change: fn(&mut Network), fault| assert_eq!(refused(op, change), fault);
    with(ADD, |n| n.inputs.truncate(1), OpFault::NotWritten);
    // The concatenation comes before the pool, whose output it reads second.
    with(SUM_POOL, |n| n.ops.swap(2, 3), OpFault::NotWritten);
}

#[test]
fn elementwise_ops_are_checked() {
    refused_op! { ADD, Add,
        |op| op.second = TensorId(9) => OpFault::NoTensor { tensor: TensorId(9) };
        |op| op.second = TensorId(4) => OpFault::NotWritten;
        |op| op.second = op.output => OpFault::NotWritten;
        |op| (op.input, op.second) = (op.second, op.input) => OpFault::OutputShape;
        |op| op.channels = 0 => OpFault::Geometry;
        |op| op.channels = 3 => OpFault::Geometry;
        |op| op.multipliers = Multipliers::I32(&[[i32::MAX, 1]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I32(&[[0, 1], [0, i32::MIN]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I32(&[]) => OpFault::RequantParameters;
        |op| op.multipliers = Multipliers::I32(&[[1, 2]; 3]) => OpFault::RequantParameters;
        |op| op.multipliers = Multipliers::I64(&[[i64::MAX, 1]]) => OpFault::Accumulator;
        |op| op.multipliers = Multipliers::I64(&[[i32::MAX as i64, 1]]) => OpFault::RequantWraps;
        |op| (op.multipliers, op.requant) = (Multipliers::I64(&[[1, 1]]), None) => OpFault::Form;
        |op| op.requant = None => OpFault::Element;
        |op| op.requant = requant(Form::Offset { offsets: &[0, 1, 2] }, 0, 1) => OpFault::RequantParameters;
        |op| op.requant = requant(Form::Offset { offsets: &[0, i32::MAX] }, 0, 1) => OpFault::RequantWraps;
        |op| op.requant = requant(Form::Offset { offsets: &[] }, -9, 7) => OpFault::OutputRange;
    }
    refused_op! { MUL, Mul,
        |op| op.second = TensorId(10) => OpFault::NoTensor { tensor: TensorId(10) };
        |op| op.second = TensorId(8) => OpFault::NotWritten;
        |op| op.zero_points = [i32::MIN, 0] => OpFault::Accumulator;
        |op| op.zero_points = [i32::MIN; 2] => OpFault::Accumulator;
        |op| op.requant = requant(Form::ShiftHalfEven64 { multipliers: &[i64::MAX], offsets: &[], shifts: &[] }, 0, 1)
            => OpFault::RequantWraps;
        |op| op.requant = requant(Form::ShiftHalfEven64 { multipliers: &[], offsets: &[], shifts: &[64] }, 0, 1)
            => OpFault::RequantParameters;
    }
    // Neither repeated nor as long.
    assert_eq!(
        refused(ADD, |n| n.tensors[1] = tensor(Element::I8, &[3], n.tensors[1].offset_bytes, INT8)),
        OpFault::InputShape
    );
    // A repeated tensor in the output's place, which is as many bytes long.
    assert_eq!(
        refused(ADD, |n| {
            n.tensors[1] = tensor(Element::I32, &[8], n.tensors[2].offset_bytes, IntRange { lo: 0, hi: 1 });
        }),
        OpFault::Overlap
    );
    // The second input is overwritten between its writer and its reader.
    assert_eq!(
        refused(CONCAT + 1, |n| {
            let mut second = tensor(Element::I8, &[2, 2, 2], n.tensors[4].offset_bytes, n.tensors[4].range);
            std::mem::swap(&mut second, &mut n.tensors[4]);
            n.tensors.push(second);
            let Op::SumPool2d(pool) = n.ops[usize::from(SUM_POOL)] else { panic!() };
            n.ops.insert(3, SumPool2d { output: TensorId(9), ..pool }.into());
        }),
        OpFault::Overwritten
    );
}

#[test]
fn layouts_are_checked() {
    refused_op! { CONCAT, Concat,
        |op| op.rows = 0 => OpFault::Geometry;
        |op| op.rows = 16 => OpFault::InputShape;
        |op| op.rest = &[] => OpFault::OutputShape;
        |op| op.rest = &[4, 4] => OpFault::OutputShape;
        |op| op.rest = &[3] => OpFault::Element;
        |op| op.rest = &[77] => OpFault::NoTensor { tensor: TensorId(77) };
        |op| op.rest = &[6] => OpFault::NotWritten;
    }
    assert_eq!(refused(CONCAT, |n| n.tensors[5].range.hi = 6), OpFault::OutputRange);
    let op = |change: fn(&mut Rearrange)| {
        refused(REARRANGE, |network| match &mut network.ops[usize::from(REARRANGE)] {
            Op::Rearrange(op) => change(op),
            other => panic!("{other}"),
        })
    };
    assert_eq!(op(|op| op.dims[5] = 5), OpFault::OutputShape);
    assert_eq!(op(|op| op.dims = [u32::MAX; 6]), OpFault::OutputShape);
    assert_eq!(op(|op| op.sizes[4] = 6), OpFault::Geometry);
    assert_eq!(op(|op| op.before[4] = u32::MAX), OpFault::Geometry);
    assert_eq!(op(|op| op.first = 1), OpFault::OutsideInput);
    assert_eq!(op(|op| op.strides[3] = -1), OpFault::OutsideInput);
    assert_eq!(op(|op| op.strides[5] = i32::MIN), OpFault::OutsideInput);
    assert_eq!(op(|op| op.strides[5] = 4), OpFault::OutsideInput);
    assert_eq!(op(|op| op.fill = -129), OpFault::OutputRange);
    assert_eq!(refused(REARRANGE, |n| n.tensors[7].range.lo = -127), OpFault::OutputRange);
    assert_eq!(
        refused(REARRANGE, |n| n.tensors[7] = tensor(Element::I16, &[3, 6, 4], 1 << 10, INT8)),
        OpFault::Element
    );
}

#[test]
fn sums_are_checked() {
    refused_op! { SUM_POOL, SumPool2d,
        |op| op.unit = 6 => OpFault::Geometry;
        |op| op.unit = u32::MAX - 3 => OpFault::Accumulator;
        |op| op.window.pads = [2, 0, 0, 0] => OpFault::OutputShape;
        |op| op.window.size = [0, 2] => OpFault::Geometry;
        |op| op.window.stride = [0, 2] => OpFault::Geometry;
        |op| op.input_zero_point = i32::MIN => OpFault::Accumulator;
        |op| op.requant = None => OpFault::Element;
        |op| op.requant = requant(Form::Offset { offsets: &[] }, -9, 7) => OpFault::OutputRange;
    }
    // Two rows of padding above: the first windows hold nothing.
    let padded = |unit| {
        move |network: &mut Network| {
            network.tensors[4].shape = exactum_runtime::program::Shape::new(&[3, 2, 2]).unwrap();
            let Op::SumPool2d(op) = &mut network.ops[usize::from(SUM_POOL)] else { panic!() };
            (op.window.pads, op.unit) = ([2, 0, 0, 0], unit);
        }
    };
    assert_eq!(refused(SUM_POOL, padded(4)), OpFault::EmptyWindow);
    refused_op! { CONV_TRANSPOSE, ConvTranspose2d,
        |op| op.groups = 0 => OpFault::Geometry;
        |op| op.groups = 2 => OpFault::Geometry;
        |op| op.window.stride = [0, 2] => OpFault::Geometry;
        |op| op.window.dilation = [1, 0] => OpFault::Geometry;
        |op| op.window.size = [2, 0] => OpFault::Geometry;
        |op| op.window.stride = [3, 2] => OpFault::OutputShape;
        |op| op.layer.weights = Weights::i16s(&WEIGHTS[1..]) => OpFault::WeightCount;
        |op| op.layer.weights = Weights::i8s(&[]) => OpFault::WeightCount;
        |op| op.layer.weights.packing = Packing::TapMajor => OpFault::Packing;
        |op| op.layer.weights.packing = Packing::Nibbles => OpFault::Packing;
        |op| op.layer.bias = Bias::I16(&[0; 2]) => OpFault::Bias;
        |op| op.layer.wide = false => OpFault::Accumulator;
        |op| op.layer.requant = None => OpFault::Element;
        |op| op.layer.requant = requant(Form::Offset { offsets: &[] }, 0, 1) => OpFault::RequantWraps;
        |op| op.layer.requant = requant(Form::Multiply128 { multipliers: &[], offsets: &[], shifts: &[128] }, 0, 1)
            => OpFault::RequantParameters;
        |op| op.layer.requant = requant(
            Form::Multiply128 { multipliers: &[1], offsets: &[[-1, i64::MAX]], shifts: &[127] }, 0, 1
        ) => OpFault::RequantWraps;
        |op| op.layer.input_zero_point = 1 << 20 => OpFault::CenteredRange;
    }
    // Wide sums need a requantization even where the output could hold accumulators.
    assert_eq!(
        refused(CONV_TRANSPOSE, |n| {
            n.tensors[6] = tensor(Element::I32, &[4, 4, 3], 1 << 10, Element::I32.range());
            let Op::ConvTranspose2d(op) = &mut n.ops[usize::from(CONV_TRANSPOSE)] else { panic!() };
            op.layer.requant = None;
        }),
        OpFault::Form
    );
}

#[test]
fn top_k_is_checked() {
    refused_op! { TOP_K, TopK,
        |op| op.k = 0 => OpFault::Geometry;
        |op| op.k = 5 => OpFault::Geometry;
        |op| (op.elems, op.k) = (0, 0) => OpFault::Geometry;
        |op| op.elems = 5 => OpFault::InputShape;
        |op| op.k = 3 => OpFault::OutputShape;
        |op| op.values = true => OpFault::Element;
        |op| op.multipliers = &[1, 2] => OpFault::RequantParameters;
        |op| op.offsets = &[1; 5] => OpFault::RequantParameters;
        |op| op.multipliers = &[i64::MAX] => OpFault::Accumulator;
        |op| op.offsets = &[0, 0, 0, i64::MIN] => OpFault::Accumulator;
    }
    assert_eq!(refused(TOP_K, |n| n.tensors[8].range.hi = 2), OpFault::OutputRange);
    assert_eq!(refused(TOP_K, |n| n.tensors[8].element = Element::I16), OpFault::Element);
}

#[test]
fn reserved_bytes_are_checked() {
    let load = |op: u16, at: usize, value: u8| {
        let network = network();
        let mut image = network.image();
        image.bytes_mut()[network.record(op) + at] = value;
        image.seal();
        match image.load().map(|_| ()).unwrap_err() {
            LoadError::Op { op: found, fault } if found == op => fault,
            other => panic!("{other}"),
        }
    };
    assert_eq!(load(ADD, 12, 2), OpFault::Reserved);
    assert_eq!(load(ADD, 13, 1), OpFault::Reserved);
    assert_eq!(load(ADD, 98, 1), OpFault::Reserved);
    assert_eq!(load(MUL, 94, 2), OpFault::Reserved);
    assert_eq!(load(MUL, 95, 1), OpFault::Reserved);
    assert_eq!(load(SUM_POOL, 108, 1), OpFault::Reserved);
    assert_eq!(load(CONCAT, 20, 1), OpFault::Reserved);
    assert_eq!(load(CONCAT, 16, 200), OpFault::Constant);
    assert_eq!(load(CONV_TRANSPOSE, 33, 4), OpFault::Element);
    assert_eq!(load(CONV_TRANSPOSE, 33, 2), OpFault::Packing);
    assert_eq!(load(CONV_TRANSPOSE, 34, 200), OpFault::Packing);
    assert_eq!(load(CONV_TRANSPOSE, 35, 2), OpFault::Reserved);
    assert_eq!(load(CONV_TRANSPOSE, 127, 1), OpFault::Reserved);
    assert_eq!(load(TOP_K, 32, 2), OpFault::Reserved);
    assert_eq!(load(TOP_K, 33, 2), OpFault::Reserved);
    assert_eq!(load(TOP_K, 34, 1), OpFault::Reserved);
    assert_eq!(load(ADD, 0, 200), OpFault::Kind { found: 200 });
    assert_eq!(load(ADD, 2, 16), OpFault::Record);
}

#[test]
fn input_rules_are_checked() {
    let fault = |rule: InputRule<'static>| {
        let mut network = network();
        network.inputs[0].quantizer = Some(rule);
        match network.image().load().map(|_| ()) {
            Ok(()) => None,
            Err(LoadError::Input { input: 0, fault }) => Some(fault),
            Err(other) => panic!("{other}"),
        }
    };
    let rule = |thresholds, channels, inner, nan| InputRule::Thresholds {
        thresholds,
        channels,
        inner,
        falling: true,
        nan,
    };
    assert_eq!(fault(rule(&THRESHOLDS, 2, 16, 3)), None);
    assert_eq!(fault(rule(&[1, 1, 2], 5, 1, 0)), None);
    for bad in [
        rule(&THRESHOLDS, 3, 1, 0),
        rule(&THRESHOLDS, 0, 1, 0),
        rule(&THRESHOLDS, 2, 0, 0),
        rule(&THRESHOLDS, 2, 1, 4),
        rule(&THRESHOLDS, 2, 1, -1),
        rule(&THRESHOLDS[..2], 1, 1, 0),
        rule(&[], 1, 1, 0),
        rule(&[1, 3, 2], 1, 1, 0),
        rule(&[1, 2, 3, 1, 3, 2], 2, 1, 0),
    ] {
        assert_eq!(fault(bad), Some(PortFault::Thresholds), "{bad:?}");
    }
    let record = |input: usize, at: usize, value: u8| {
        let network = network();
        let mut image = network.image();
        let start = HEADER_BYTES + network.tensors.len() * TENSOR_BYTES + input * INPUT_BYTES;
        image.bytes_mut()[start + at] = value;
        image.seal();
        match image.load().map(|_| ()).unwrap_err() {
            LoadError::Input { input: found, fault } if usize::from(found) == input => fault,
            other => panic!("{other}"),
        }
    };
    assert_eq!(record(0, 2, 3), PortFault::Rule);
    assert_eq!(record(0, 2, 0), PortFault::Rule);
    assert_eq!(record(0, 3, 2), PortFault::Rule);
    assert_eq!(record(0, 4, 1), PortFault::Rule);
    assert_eq!(record(0, 8, 1), PortFault::Rule);
    assert_eq!(record(0, 24, 4), PortFault::Constant);
    assert_eq!(record(0, 29, 4), PortFault::Constant);
    for at in [3, 4, 8, 12, 16, 20, 28] {
        assert_eq!(record(1, at, 1), PortFault::Rule, "byte {at}");
    }
    assert_eq!(record(1, 2, 1), PortFault::Scale);
}

/// Codes of floats on the device, by counting with comparisons of floats.
#[test]
fn thresholds_quantize_inputs() {
    let values: Vec<f32> = [
        0.0,
        -0.0,
        0.25,
        0.249,
        0.75,
        1.0,
        9.0,
        -1.0,
        -1.1,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
    ]
    .into_iter()
    .cycle()
    .take(32)
    .collect();
    for (falling, inner) in [(false, 1), (true, 1), (false, 16), (true, 3)] {
        let mut network = network();
        network.inputs[0].quantizer =
            Some(InputRule::Thresholds { thresholds: &THRESHOLDS, channels: 2, inner, falling, nan: 2 });
        let image = network.image();
        let program = image.load().unwrap();
        let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
        engine.quantize_input(0, &values).unwrap();
        let expected: Vec<u8> = values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let groups = [[0.25f32, 0.5, 1.0], [-1.0, 0.0, 1.0]];
                let passed =
                    groups[index / inner as usize % 2].iter().filter(|at| *at <= value).count() as u8;
                match (value.is_nan(), falling) {
                    (true, _) => 2,
                    (false, true) => 3 - passed,
                    (false, false) => passed,
                }
            })
            .collect();
        assert_eq!(engine.input_mut(0).unwrap().as_codes(), Codes::U8(&expected), "{falling} {inner}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// Bytes changed before the checksum was made: either refused, or a program that runs to its end, whatever
    /// its inputs hold.
    #[test]
    fn whatever_is_accepted_runs(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        input in any::<u8>(),
    ) {
        support::image::accepted_runs(network().image(), &changes, input)?;
    }
}
