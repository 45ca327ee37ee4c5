//! Two programs that hold every op between them, and what loading says of changes of them.

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Form, Requant};
use exactum_runtime::program::op::{
    Add, Bias, Concat, Conv2d, ConvTranspose2d, Dense, Layer, MaxPool2d, Mul, Multipliers, Op, Rearrange,
    Requantize, SumPool2d, TopK, Weights,
};
use exactum_runtime::program::{Input, InputRule, Model, Output, Source, State, Tensor, TensorId, Window2d};
use exactum_runtime::{Element, LoadError, OpFault};

use crate::support::image::{Image, end_bytes, in_order, tensor};

pub(crate) const INT8: IntRange = IntRange { lo: -128, hi: 127 };
pub(crate) const HEADER_BYTES: usize = 96;
const TENSOR_BYTES: usize = 32;
const INPUT_BYTES: usize = 88;
const OUTPUT_BYTES: usize = 64;

/// Positions of ops in [`chain`].
pub(crate) const FIRST_REARRANGE: u16 = 0;
pub(crate) const CONV: u16 = 1;
pub(crate) const MAX_POOL: u16 = 2;
pub(crate) const REQUANTIZE: u16 = 3;
pub(crate) const DENSE: u16 = 4;

/// Positions of ops in [`branches`].
pub(crate) const ADD: u16 = 0;
pub(crate) const MUL: u16 = 1;
pub(crate) const SUM_POOL: u16 = 2;
pub(crate) const CONCAT: u16 = 3;
pub(crate) const CONV_TRANSPOSE: u16 = 4;
pub(crate) const REARRANGE: u16 = 5;
pub(crate) const TOP_K: u16 = 6;

/// A program that tests change before it is written.
pub(crate) struct Network {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) inputs: Vec<Input<'static>>,
    pub(crate) states: Vec<State>,
    pub(crate) outputs: Vec<Output<'static>>,
    pub(crate) ops: Vec<Op<'static>>,
    pub(crate) model: Model<'static>,
}

impl Network {
    pub(crate) fn image(&self) -> Image {
        Image::of(&Source {
            arena_bytes: end_bytes(&self.tensors),
            tensors: &self.tensors,
            inputs: &self.inputs,
            states: &self.states,
            outputs: &self.outputs,
            ops: &self.ops,
            model: self.model,
        })
    }

    /// The error of loading it after `change`.
    pub(crate) fn refused(mut self, change: impl FnOnce(&mut Self)) -> LoadError {
        change(&mut self);
        error(&self.image())
    }

    /// The fault of op `op` after `change`.
    pub(crate) fn fault(self, op: u16, change: impl FnOnce(&mut Self)) -> OpFault {
        fault_of(op, self.refused(change))
    }

    /// The error of loading it with other bytes from `at` on and the checksum that they have.
    pub(crate) fn overwritten(&self, at: usize, bytes: &[u8]) -> LoadError {
        let mut image = self.image();
        image.bytes_mut()[at..at + bytes.len()].copy_from_slice(bytes);
        image.seal();
        error(&image)
    }

    /// The fault of op `op` with another byte at `at` of its record.
    pub(crate) fn fault_of_byte(&self, op: u16, at: usize, byte: u8) -> OpFault {
        fault_of(op, self.overwritten(self.op_at(op) + at, &[byte]))
    }

    /// Where the record of tensor `tensor` starts.
    pub(crate) fn tensor_at(&self, tensor: usize) -> usize {
        HEADER_BYTES + tensor * TENSOR_BYTES
    }

    /// Where the record of input `input` starts.
    pub(crate) fn input_at(&self, input: usize) -> usize {
        self.tensor_at(self.tensors.len()) + input * INPUT_BYTES
    }

    fn op_at(&self, op: u16) -> usize {
        let image = self.image();
        let first = self.input_at(self.inputs.len()) + self.outputs.len() * OUTPUT_BYTES;
        (0..op).fold(first, |at, _| {
            at + (u32::from_le_bytes(image.bytes()[at + 8..at + 12].try_into().unwrap()) as usize)
        })
    }
}

fn error(image: &Image) -> LoadError {
    image.load().map(|_| ()).unwrap_err()
}

fn fault_of(op: u16, error: LoadError) -> OpFault {
    match error {
        LoadError::Op { op: found, fault } if found == op => fault,
        other => panic!("{other}"),
    }
}

pub(crate) fn change<T>(op: &mut T, change: impl FnOnce(&mut T)) {
    change(op);
}

/// Demands of every change of one op the fault beside it: program, position, variant, then `change => fault;`.
macro_rules! refused_op {
    ($network:ident, $position:ident, $kind:ident, $($change:expr => $fault:expr;)*) => {$(
        let fault = $network().fault($position, |network| match &mut network.ops[usize::from($position)] {
            exactum_runtime::program::op::Op::$kind(op) => $crate::networks::change(op, $change),
            other => panic!("{other}"),
        });
        assert_eq!(fault, $fault, "{}", stringify!($change));
    )*};
}

pub(crate) const CONV_WEIGHTS: [i8; 54] = {
    let mut weights = [0; 54];
    let mut index = 0;
    while index < 54 {
        weights[index] = (index * 37 % 15) as i8 - 7;
        index += 1;
    }
    weights
};

pub(crate) const WEIGHTS: [i16; 24] = {
    let mut weights = [0; 24];
    let mut index = 0;
    while index < 24 {
        weights[index] = (index * 7919 % 601) as i16 - 300;
        index += 1;
    }
    weights
};

/// 0.25, 0.5, 1 and -1, 0, 1: the bits of positive floats are their keys.
pub(crate) const THRESHOLDS: [i32; 6] = [0x3e80_0000, 0x3f00_0000, 0x3f80_0000, -0x3f80_0000, 0, 0x3f80_0000];

pub(crate) fn requant(form: Form<'static>, lo: i32, hi: i32) -> Option<Requant<'static>> {
    Some(Requant { form, lo, hi })
}

/// Two channels of 16 pixels from channels first to channels last.
pub(crate) fn channels_last(output: u16) -> Rearrange {
    let dims = [1, 1, 1, 1, 16, 2];
    Rearrange {
        input: TensorId(0),
        output: TensorId(output),
        dims,
        strides: [0, 0, 0, 0, 1, 16],
        first: 0,
        before: [0; 6],
        sizes: dims,
        fill: 0,
    }
}

/// Two channels of 4x4 in channels-first order to three accumulators, one op behind the other.
pub(crate) fn chain() -> Network {
    let form = Form::Multiply64 { multipliers: &[3, 5, 7], offsets: &[9, -1, 4], shifts: &[4] };
    let requant = Requant { form, lo: -128, hi: 127 };
    let halves = Requant {
        form: Form::ShiftHalfEven { multipliers: &[1], offsets: &[0], shifts: &[1] },
        lo: -64,
        hi: 64,
    };
    let id = TensorId;
    let window = Window2d { pads: [1; 4], ..Window2d::new([3, 3]) };
    Network {
        tensors: vec![
            tensor(Element::U8, &[2, 4, 4], 0, IntRange { lo: 0, hi: 15 }),
            tensor(Element::U8, &[4, 4, 2], 32, IntRange { lo: 0, hi: 15 }),
            tensor(Element::I8, &[4, 4, 3], 64, INT8),
            Tensor::scratch(112, 36).unwrap(),
            tensor(Element::I8, &[2, 2, 3], 0, INT8),
            tensor(Element::I8, &[2, 2, 3], 0, IntRange { lo: -64, hi: 64 }),
            tensor(Element::I32, &[3], 16, IntRange { lo: -(1 << 20), hi: 1 << 20 }),
            Tensor::scratch(32, 24).unwrap(),
        ],
        inputs: vec![Input {
            quantizer: Some(InputRule::Uniform { scale: 0.1, zero_point: 3, ties_to_odd: false }),
            ..Input::default()
        }],
        states: vec![],
        outputs: vec![Output::new(id(6))],
        ops: vec![
            channels_last(1).into(),
            Conv2d {
                input: id(1),
                output: id(2),
                scratch: Some(id(3)),
                window,
                groups: 1,
                layer: Layer {
                    input_zero_point: 3,
                    weights: Weights::i8s(&CONV_WEIGHTS),
                    bias: Bias::I32(&[5, -9, 0]),
                    requant: Some(requant),
                    wide: false,
                },
            }
            .into(),
            MaxPool2d {
                input: id(2),
                output: id(4),
                window: Window2d { stride: [2; 2], ..Window2d::new([2, 2]) },
            }
            .into(),
            Requantize { input: id(4), output: id(5), channels: 3, requant: halves }.into(),
            Dense {
                input: id(5),
                output: id(6),
                scratch: Some(id(7)),
                in_features: 12,
                out_features: 3,
                layer: Layer {
                    input_zero_point: -2,
                    weights: Weights::i8s(CONV_WEIGHTS.first_chunk::<36>().unwrap()),
                    bias: Bias::I16(&[1, 2, 3]),
                    requant: None,
                    wide: false,
                },
            }
            .into(),
        ],
        model: Model { name: "chain", version: 3, digest: [7; 32] },
    }
}

/// Two inputs to three outputs, by ops of several inputs, sums, changes of layout.
pub(crate) fn branches() -> Network {
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
            Tensor::scratch(0, 4).unwrap(),
            tensor(Element::I8, &[3, 6, 4], 0, INT8),
            tensor(Element::I32, &[18, 2], 0, IntRange { lo: 0, hi: 3 }),
        ]),
        inputs: vec![
            Input {
                quantizer: Some(InputRule::Thresholds {
                    thresholds: &THRESHOLDS,
                    channels: 2,
                    inner: 1,
                    falling: false,
                    nan: 2,
                }),
                ..Input::default()
            },
            Input::default(),
        ],
        states: vec![],
        outputs: [3, 5, 9].map(|tensor| Output::new(id(tensor))).to_vec(),
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
                scratch: Some(id(7)),
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
                output: id(8),
                dims: [1, 1, 1, 3, 6, 4],
                strides: [0, 0, 0, 1, 12, 3],
                first: 0,
                before: [0, 0, 0, 0, 1, 0],
                sizes: [1, 1, 1, 3, 4, 4],
                fill: -3,
            }
            .into(),
            TopK {
                input: id(8),
                output: id(9),
                elems: 4,
                k: 2,
                largest: true,
                values: false,
                multipliers: &[3],
                offsets: &[0, 1, 2, -400],
            }
            .into(),
        ],
        model: Model::default(),
    }
}
