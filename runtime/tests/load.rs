//! What loading refuses, and that whatever it accepts runs.

mod support;

use exactum_runtime::num::IntRange;
use exactum_runtime::num::requant::{Entries, Form, Requant};
use exactum_runtime::program::op::{
    Bias, Conv2d, Dense, Layer, MaxPool2d, Op, Rearrange, Requantize, Weights,
};
use exactum_runtime::program::{
    Input, InputRule, OpKind, Output, Packing, Source, Tensor, TensorId, VERSION, Window2d, encode,
    words_as_bytes_mut,
};
use exactum_runtime::{
    Arena, ArenaError, Element, Engine, InputError, LoadError, OpFault, PortFault, Program, TensorFault,
};
use proptest::prelude::*;
use support::image::{Image, run, tensor};

const INT8: IntRange = IntRange { lo: -128, hi: 127 };
const HEADER_BYTES: usize = 40;
const TENSOR_BYTES: usize = 32;

/// A program with every op: 2 channels of 4x4 in channels-first order to 3 accumulators.
struct Network {
    tensors: Vec<Tensor>,
    inputs: Vec<Input<'static>>,
    outputs: Vec<Output>,
    ops: Vec<Op<'static>>,
}

const CONV_WEIGHTS: [i8; 54] = {
    let mut weights = [0; 54];
    let mut index = 0;
    while index < 54 {
        weights[index] = (index * 37 % 15) as i8 - 7;
        index += 1;
    }
    weights
};

/// Two channels of 16 pixels from channels first to channels last.
fn channels_last(output: u16) -> Rearrange {
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

fn network() -> Network {
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
            tensor(Element::I8, &[2, 2, 3], 0, INT8),
            tensor(Element::I8, &[2, 2, 3], 0, IntRange { lo: -64, hi: 64 }),
            tensor(Element::I32, &[3], 16, IntRange { lo: -(1 << 20), hi: 1 << 20 }),
        ],
        inputs: vec![Input {
            tensor: id(0),
            quantizer: Some(InputRule::Uniform { scale: 0.1, zero_point: 3, ties_to_odd: false }),
        }],
        outputs: vec![Output { tensor: id(5) }],
        ops: vec![
            channels_last(1).into(),
            Conv2d {
                input: id(1),
                output: id(2),
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
                output: id(3),
                window: Window2d { stride: [2; 2], ..Window2d::new([2, 2]) },
            }
            .into(),
            Requantize { input: id(3), output: id(4), channels: 3, requant: halves }.into(),
            Dense {
                input: id(4),
                output: id(5),
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
    }
}

impl Network {
    fn image(&self) -> Image {
        Image::of(&Source {
            arena_bytes: 112,
            tensors: &self.tensors,
            inputs: &self.inputs,
            outputs: &self.outputs,
            ops: &self.ops,
        })
    }
}

/// The error of loading `network` after `change`.
fn refused(change: impl FnOnce(&mut Network)) -> LoadError {
    let mut network = network();
    change(&mut network);
    network.image().load().map(|_| ()).unwrap_err()
}

fn op_refused(op: u16, change: impl FnOnce(&mut Op<'static>)) -> OpFault {
    match refused(|network| change(&mut network.ops[usize::from(op)])) {
        LoadError::Op { op: found, fault } if found == op => fault,
        other => panic!("{other}"),
    }
}

fn conv<'a>(op: &'a mut Op<'static>) -> &'a mut Conv2d<'static> {
    match op {
        Op::Conv2d(op) => op,
        other => panic!("{other}"),
    }
}

fn dense<'a>(op: &'a mut Op<'static>) -> &'a mut Dense<'static> {
    match op {
        Op::Dense(op) => op,
        other => panic!("{other}"),
    }
}

#[test]
fn the_network_loads_and_lists() {
    let image = network().image();
    let program = image.load().unwrap();
    assert_eq!(run(&program, &[3; 32]).len(), 3);
    assert_eq!(program.ops().count(), 5);
    let listing = program.to_string();
    for line in [
        "%0: u8[2, 4, 4] in 0..=15 at 0",
        "input %0 scale 1e-1 zero point 3",
        "0: rearrange %0 -> %1 dims [1, 1, 1, 1, 16, 2] strides [0, 0, 0, 0, 1, 16] from 0",
        "1: conv2d %1 -> %2 window 3x3 pads 1,1,1,1, 54 weights, i32 bias, multiply64 to -128..=127",
        "2: max-pool2d %2 -> %3 window 2x2 stride 2x2",
        "3: requantize %3 -> %4 3 channels, shift-half-even to -64..=64",
        "4: dense %4 -> %5 12 -> 3 features, 36 weights, i16 bias, accumulators",
        "output %5",
    ] {
        assert!(listing.contains(line), "{line}\n{listing}");
    }
}

#[test]
fn writing_what_was_read_gives_the_same_bytes() {
    let image = network().image();
    let program = image.load().unwrap();
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
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let image = network().image();
    let mut longer = image.bytes().to_vec();
    longer.extend([0; 8]);
    for length in (0..image.bytes().len()).chain(image.bytes().len() + 1..=longer.len()) {
        let mut cut = Image::new(&longer[..length]);
        assert!(cut.load().is_err(), "{length} bytes were loaded");
        // The same with a header that tells the truth about the length.
        if length >= HEADER_BYTES {
            cut.bytes_mut()[12..16].copy_from_slice(&(length as u32).to_le_bytes());
            cut.seal();
            assert_eq!(cut.load().err(), Some(LoadError::Sections), "{length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut image = network().image();
    for bit in 0..image.bytes().len() * 8 {
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        assert!(image.load().is_err(), "bit {bit}");
        image.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(image.load().is_ok());
}

#[test]
fn the_header_is_checked() {
    let image = network().image();
    let with = |at: usize, value: u32| {
        let mut image = Image::new(image.bytes());
        image.bytes_mut()[at..at + 4].copy_from_slice(&value.to_le_bytes());
        image.seal();
        image.load().map(|_| ()).unwrap_err()
    };
    assert_eq!(with(0, 0), LoadError::Magic);
    assert_eq!(with(8, VERSION + 1), LoadError::Version { found: VERSION + 1 });
    assert_eq!(with(20, 1 << 31), LoadError::Arena { need_bytes: 1 << 31 });
    assert_eq!(with(20, 111), LoadError::Tensor { tensor: TensorId(2), fault: TensorFault::Place });
    assert_eq!(with(32, u32::MAX), LoadError::Sections);
    let mut bytes = vec![0; 8];
    bytes.extend(image.bytes());
    let shifted = Image::new(&bytes);
    assert_eq!(Program::load(&shifted.bytes()[4..]).err(), Some(LoadError::Misaligned));
    assert!(Program::load(&shifted.bytes()[8..]).is_ok());
    let mut op_count = Image::new(image.bytes());
    op_count.bytes_mut()[30] += 1;
    op_count.seal();
    assert_eq!(op_count.load().err(), Some(LoadError::Op { op: 5, fault: OpFault::Record }));
    op_count.bytes_mut()[30] -= 2;
    op_count.seal();
    assert_eq!(op_count.load().err(), Some(LoadError::Op { op: 4, fault: OpFault::Record }));
}

#[test]
fn tensors_and_ports_are_checked() {
    let image = network().image();
    let tensor = |at: usize, value: u8| {
        let mut image = Image::new(image.bytes());
        image.bytes_mut()[HEADER_BYTES + TENSOR_BYTES + at] = value;
        image.seal();
        match image.load().map(|_| ()).unwrap_err() {
            LoadError::Tensor { tensor: TensorId(1), fault } => fault,
            other => panic!("{other}"),
        }
    };
    assert_eq!(tensor(0, 9), TensorFault::Element);
    assert_eq!(tensor(1, 5), TensorFault::Shape);
    assert_eq!(tensor(2, 1), TensorFault::Reserved);
    assert_eq!(tensor(4, 33), TensorFault::Place);
    assert_eq!(tensor(8, 0), TensorFault::Shape);
    assert_eq!(tensor(1, 2), TensorFault::Reserved);
    assert_eq!(tensor(29, 1), TensorFault::Range);

    let input = |change: fn(&mut Network)| match refused(change) {
        LoadError::Input { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(input(|n| n.inputs[0].tensor = TensorId(6)), PortFault::NoTensor);
    assert_eq!(
        input(|n| n.inputs[0].quantizer =
            Some(InputRule::Uniform { scale: -1.0, zero_point: 0, ties_to_odd: false })),
        PortFault::Scale
    );
    assert_eq!(
        input(|n| n.inputs[0].quantizer =
            Some(InputRule::Uniform { scale: f32::NAN, zero_point: 0, ties_to_odd: false })),
        PortFault::Scale
    );
    assert_eq!(input(|n| n.inputs.push(n.inputs[0])), PortFault::Shared);
    let output = |change: fn(&mut Network)| match refused(change) {
        LoadError::Output { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(output(|n| n.outputs[0].tensor = TensorId(9)), PortFault::NoTensor);
    assert_eq!(output(|n| n.outputs[0].tensor = TensorId(3)), PortFault::Overwritten);
    assert_eq!(output(|n| n.ops.truncate(4)), PortFault::NotWritten);
}

#[test]
fn order_and_memory_are_checked() {
    let fault = |op, change: fn(&mut Network)| {
        assert_eq!(
            match refused(change) {
                LoadError::Op { op: found, fault } => (found, fault),
                other => panic!("{other}"),
            },
            op
        );
    };
    fault((0, OpFault::NotWritten), |n| n.ops.swap(0, 1));
    fault((5, OpFault::WrittenTwice), |n| n.ops.push(n.ops[4]));
    fault((1, OpFault::Overlap), |n| n.tensors[2].offset_bytes = 56);
    fault((4, OpFault::Overlap), |n| n.tensors[5].offset_bytes = 8);
    // A second reader of tensor 1 writes over tensor 2 before the pool reads it.
    fault((3, OpFault::Overwritten), |n| {
        n.tensors.push(tensor(Element::U8, &[4, 4, 2], 64, IntRange { lo: 0, hi: 15 }));
        let op = Rearrange { input: TensorId(1), ..channels_last(6) };
        n.ops.insert(2, op.into());
    });
    fault((0, OpFault::NoTensor { tensor: TensorId(7) }), |n| {
        n.ops[0] = channels_last(7).into();
    });
}

#[test]
fn geometry_is_checked() {
    let conv = |change: fn(&mut Conv2d<'static>)| op_refused(1, |op| change(conv(op)));
    assert_eq!(conv(|op| op.groups = 0), OpFault::Geometry);
    assert_eq!(conv(|op| op.groups = 2), OpFault::Geometry);
    assert_eq!(conv(|op| op.window.stride = [0, 1]), OpFault::Geometry);
    assert_eq!(conv(|op| op.window.dilation = [1, 0]), OpFault::Geometry);
    assert_eq!(conv(|op| op.window.size = [0, 3]), OpFault::Geometry);
    assert_eq!(conv(|op| op.window.size = [7, 3]), OpFault::Geometry);
    assert_eq!(conv(|op| op.window.stride = [2, 1]), OpFault::OutputShape);
    assert_eq!(conv(|op| op.layer.weights = Weights::i8s(&CONV_WEIGHTS[..53])), OpFault::WeightCount);
    assert_eq!(conv(|op| op.layer.weights.packing = Packing::TapMajor), OpFault::Packing);
    assert_eq!(conv(|op| op.layer.weights.packing = Packing::Nibbles), OpFault::Packing);
    assert_eq!(conv(|op| op.layer.bias = Bias::I32(&[1, 2])), OpFault::Bias);
    let dense = |change: fn(&mut Dense<'static>)| op_refused(4, |op| change(dense(op)));
    assert_eq!(dense(|op| op.in_features = 0), OpFault::Geometry);
    assert_eq!(dense(|op| op.in_features = 7), OpFault::InputShape);
    assert_eq!(dense(|op| op.out_features = 2), OpFault::OutputShape);
    assert_eq!(dense(|op| op.layer.weights = Weights::i8s(&[])), OpFault::WeightCount);
    assert_eq!(dense(|op| op.layer.weights.packing = Packing::TapMajor), OpFault::Packing);
    let fault = |op, change: fn(&mut Network)| match refused(change) {
        LoadError::Op { op: found, fault } if found == op => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(3, |n| n.tensors[4] = tensor(Element::I8, &[3], 32, INT8)), OpFault::OutputShape);
    assert_eq!(fault(0, |n| n.tensors[1].element = Element::I8), OpFault::Element);
    assert_eq!(fault(4, |n| n.tensors[5] = tensor(Element::I16, &[3], 16, INT8)), OpFault::Element);
    // Taps at -1 and 2 of an axis of two elements.
    assert_eq!(
        fault(0, |n| {
            n.tensors[0] = tensor(Element::I8, &[2, 2, 1], 0, INT8);
            n.tensors[1] = tensor(Element::I8, &[1, 1, 1], 32, INT8);
            let window = Window2d { size: [2; 2], stride: [1; 2], dilation: [3; 2], pads: [1; 4] };
            n.ops[0] = MaxPool2d { input: TensorId(0), output: TensorId(1), window }.into();
        }),
        OpFault::EmptyWindow
    );
}

#[test]
fn ranges_are_checked() {
    let conv = |change: fn(&mut Conv2d<'static>)| op_refused(1, |op| change(conv(op)));
    fn requant(op: &mut Conv2d<'static>, form: Form<'static>) {
        op.layer.requant = Some(Requant { form, lo: -128, hi: 127 });
    }
    fn line(op: &mut Conv2d<'static>, offset: &'static [i64], shifts: &'static [u8]) {
        requant(op, Form::Multiply64 { multipliers: &[i32::MAX], offsets: offset, shifts });
    }
    assert_eq!(conv(|op| op.layer.requant = None), OpFault::Element);
    assert_eq!(conv(|op| line(op, &[0], &[64])), OpFault::RequantParameters);
    assert_eq!(conv(|op| line(op, &[0, 1], &[0])), OpFault::RequantParameters);
    assert_eq!(conv(|op| line(op, &[i64::MAX], &[0])), OpFault::RequantWraps);
    assert_eq!(
        conv(|op| requant(op, Form::Thresholds { signs: &[1], thresholds: &[1, 2] })),
        OpFault::RequantParameters
    );
    assert_eq!(
        conv(|op| op.layer.requant =
            Some(Requant { form: Form::Thresholds { signs: &[1], thresholds: &[2, 1] }, lo: 0, hi: 2 })),
        OpFault::RequantParameters
    );
    assert_eq!(
        conv(|op| op.layer.requant = Some(Requant { form: Form::Offset { offsets: &[] }, lo: 5, hi: 4 })),
        OpFault::RequantParameters
    );
    assert_eq!(
        conv(|op| requant(op, Form::Table { first: 0, entries: Entries::I8(&[1, 2, 3]), domain: 0 })),
        OpFault::RequantParameters
    );
    assert_eq!(
        conv(|op| op.layer.requant = Some(Requant { form: Form::Offset { offsets: &[] }, lo: -129, hi: 4 })),
        OpFault::OutputRange
    );
    assert_eq!(conv(|op| requant(op, Form::Offset { offsets: &[i32::MAX] })), OpFault::RequantWraps);
    assert_eq!(conv(|op| op.layer.input_zero_point = 40_000), OpFault::CenteredRange);
    assert_eq!(conv(|op| op.layer.bias = Bias::I32(&[0, i32::MAX, 0])), OpFault::Accumulator);
    let fault = |op, change: fn(&mut Network)| match refused(change) {
        LoadError::Op { op: found, fault } if found == op => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(0, |n| n.tensors[1].range.hi = 14), OpFault::OutputRange);
    assert_eq!(fault(2, |n| n.tensors[3].range.lo = -127), OpFault::OutputRange);
    assert_eq!(fault(4, |n| n.tensors[5].range = INT8), OpFault::OutputRange);
}

/// The bounds of an accumulator are attained, so a range one tighter on either side is refused.
#[test]
fn accumulator_bounds_are_tight() {
    let weights: Vec<i8> = vec![3, -2, 0, 100];
    let load = |lo, hi| {
        let op = Dense {
            input: TensorId(0),
            output: TensorId(1),
            in_features: 4,
            out_features: 1,
            layer: Layer {
                input_zero_point: 1,
                weights: Weights::i8s(&weights),
                bias: Bias::I16(&[7]),
                requant: None,
                wide: false,
            },
        };
        let tensors = [
            tensor(Element::U8, &[4], 0, IntRange { lo: 0, hi: 15 }),
            tensor(Element::I32, &[1], 8, IntRange { lo, hi }),
        ];
        support::image::single_op(op.into(), &tensors).load().map(|_| ())
    };
    let (lo, hi) = (7 - 103 - 28, 7 + 14 * 103 + 2);
    assert!(load(lo, hi).is_ok());
    assert!(load(lo + 1, hi).is_err());
    assert!(load(lo, hi - 1).is_err());
}

#[test]
fn arenas_and_inputs_are_checked() {
    let image = network().image();
    let program = image.load().unwrap();
    let mut small = Arena::<111>::new();
    assert_eq!(
        Engine::new(&program, small.as_mut_slice()).err(),
        Some(ArenaError::TooSmall { need_bytes: 112, have_bytes: 111 })
    );
    let mut words = [0; 20];
    let shifted = &mut words_as_bytes_mut(&mut words)[4..];
    assert_eq!(Engine::new(&program, shifted).err(), Some(ArenaError::Misaligned));
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    assert_eq!(engine.set_input(1, [0; 32].into_iter()), Err(InputError::NoInput));
    assert_eq!(
        engine.set_input(0, [0; 31].into_iter()),
        Err(InputError::Length { need_elems: 32, have_elems: 31 })
    );
    let mut codes = [0; 32];
    codes[9] = 16;
    assert_eq!(engine.set_input(0, codes.into_iter()), Err(InputError::Code { index: 9, code: 16 }));
    assert_eq!(
        engine.quantize_input(0, &[0.0; 3]),
        Err(InputError::Length { need_elems: 32, have_elems: 3 })
    );
    assert_eq!(engine.quantize_input(0, &[0.31; 32]), Ok(()));
    assert_eq!(engine.input_mut(0).unwrap().as_codes().iter().collect::<Vec<_>>(), [6; 32]);
    assert!(engine.input_mut(1).is_none() && engine.output(1).is_none());
}

#[test]
fn integer_inputs_take_no_floats() {
    let mut network = network();
    network.inputs[0].quantizer = None;
    let image = network.image();
    let program = image.load().unwrap();
    let mut arena = Arena::<112>::new();
    let mut engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    assert_eq!(engine.quantize_input(0, &[0.0; 32]), Err(InputError::NoScale));
}

#[test]
fn kinds_have_one_number_each() {
    for kind in OpKind::ALL {
        assert_eq!(OpKind::from_code(kind.code()), Some(*kind));
    }
    assert_eq!(OpKind::from_code(0), None);
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
