//! A small program for the firmware tests, the host's answers to it, and inputs that exercise it.

use exactum_runner::noise;
use exactum_runtime::{
    Arena, Element, Engine, Program,
    kernels::Portable,
    num::{
        IntRange,
        requant::{Form, Requant},
    },
    program::{
        Aligned, Input, InputRule, Model, Output, Role, Shape, Source, Tensor, TensorId, Window2d, encode,
        op::{Bias, Concat, Conv2d, Dense, Layer, Weights},
        words_as_bytes, words_as_bytes_mut,
    },
};

/// Codes of one sample.
pub(crate) const INPUT_ELEMS: usize = 64;
/// The largest input code: 4 bits without a sign.
pub(crate) const INPUT_HI: u8 = 15;
/// Codes of one answer.
pub(crate) const OUTPUT_ELEMS: usize = 10;
/// Real value of one input step.
pub(crate) const INPUT_SCALE: f32 = 1.0 / 16.0;

const HIDDEN_ELEMS: usize = 32;
const ARENA_BYTES: usize = 224;

/// `samples` samples of valid input codes.
pub(crate) fn input(samples: usize) -> Vec<u8> {
    noise(2).map(|byte| byte & INPUT_HI).take(samples * INPUT_ELEMS).collect()
}

/// Two dense layers, 64 to 32 to 10, requantized by different forms.
pub(crate) fn program() -> Vec<u8> {
    let tensor = |elems: usize, element, offset_bytes, (lo, hi)| Tensor {
        element,
        shape: Shape::new(&[elems as u32]).unwrap(),
        offset_bytes,
        range: IntRange { lo, hi },
        role: Role::Value,
    };
    let weights: Vec<i8> =
        noise(1).map(|byte| byte as i8 / 16).take((INPUT_ELEMS + OUTPUT_ELEMS) * HIDDEN_ELEMS).collect();
    let (first, second) = weights.split_at(INPUT_ELEMS * HIDDEN_ELEMS);
    let bias: Vec<i16> = (0..HIDDEN_ELEMS as i16).map(|channel| 40 * channel - 600).collect();
    let hidden = Dense {
        input: TensorId(0),
        output: TensorId(1),
        scratch: Some(TensorId(2)),
        in_features: INPUT_ELEMS as u32,
        out_features: HIDDEN_ELEMS as u32,
        layer: Layer {
            input_zero_point: 0,
            weights: Weights::i8s(first),
            bias: Bias::I16(&bias),
            requant: Some(Requant {
                form: Form::ShiftHalfEven { multipliers: &[1], offsets: &[15], shifts: &[5] },
                lo: 0,
                hi: 127,
            }),
            wide: false,
        },
    };
    let last = Dense {
        input: TensorId(1),
        output: TensorId(3),
        scratch: Some(TensorId(4)),
        in_features: HIDDEN_ELEMS as u32,
        out_features: OUTPUT_ELEMS as u32,
        layer: Layer {
            input_zero_point: 0,
            weights: Weights::i8s(second),
            bias: Bias::None,
            requant: None,
            wide: false,
        },
    };
    let source = Source {
        arena_bytes: ARENA_BYTES as u32,
        tensors: &[
            tensor(INPUT_ELEMS, Element::U8, 0, (0, i64::from(INPUT_HI))),
            tensor(HIDDEN_ELEMS, Element::I8, 64, (0, 127)),
            Tensor::scratch(96, 2 * INPUT_ELEMS as u32).unwrap(),
            tensor(OUTPUT_ELEMS, Element::I32, 0, (i64::from(i32::MIN), i64::from(i32::MAX))),
            Tensor::scratch(96, 2 * HIDDEN_ELEMS as u32).unwrap(),
        ],
        inputs: &[Input {
            quantizer: Some(InputRule::Uniform { scale: INPUT_SCALE, zero_point: 0, ties_to_odd: false }),
            ..Input::default()
        }],
        states: &[],
        outputs: &[Output::new(TensorId(3))],
        ops: &[hidden.into(), last.into()],
        model: Model::default(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// `layers` dense layers of one product, each of which gives its own input.
pub(crate) fn smallest_layers(layers: u16) -> Vec<u8> {
    let codes = |layer: u16| Tensor {
        element: Element::U8,
        shape: Shape::new(&[1]).unwrap(),
        offset_bytes: 8 * u32::from(layer),
        range: IntRange { lo: 0, hi: INPUT_HI.into() },
        role: Role::Value,
    };
    // Each has an output and something to work in.
    let output = |layer: u16| TensorId(if layer == 0 { 0 } else { 2 * layer - 1 });
    let scratch_bytes = 8 * u32::from(layers + 1);
    let layer = |layer| Dense {
        input: output(layer),
        output: output(layer + 1),
        scratch: Some(TensorId(2 * layer + 2)),
        in_features: 1,
        out_features: 1,
        layer: Layer {
            input_zero_point: 0,
            weights: Weights::i8s(&[1]),
            bias: Bias::I16(&[0]),
            requant: Some(Requant {
                form: Form::ShiftHalfEven { multipliers: &[2], offsets: &[0], shifts: &[1] },
                lo: 0,
                hi: INPUT_HI.into(),
            }),
            wide: false,
        },
    };
    let source = Source {
        arena_bytes: scratch_bytes + 8,
        tensors: &std::iter::once(codes(0))
            .chain((1..=layers).flat_map(|layer| [codes(layer), Tensor::scratch(scratch_bytes, 2).unwrap()]))
            .collect::<Vec<_>>(),
        inputs: &[Input::default()],
        states: &[],
        outputs: &[Output::new(output(layers))],
        ops: &(0..layers).map(|id| layer(id).into()).collect::<Vec<_>>(),
        model: Model::default(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// A program that gives its input of `elems` bytes, quantized with `scale`.
pub(crate) fn copy(elems: usize, scale: f32) -> Vec<u8> {
    let codes = |offset_bytes| Tensor {
        element: Element::I8,
        shape: Shape::new(&[elems as u32]).unwrap(),
        offset_bytes,
        range: Element::I8.range(),
        role: Role::Value,
    };
    let source = Source {
        arena_bytes: 2 * elems as u32,
        tensors: &[codes(0), codes(elems as u32)],
        inputs: &[Input {
            quantizer: Some(InputRule::Uniform { scale, zero_point: 0, ties_to_odd: false }),
            ..Input::default()
        }],
        states: &[],
        outputs: &[Output::new(TensorId(1))],
        ops: &[Concat { input: TensorId(0), rest: &[], output: TensorId(1), rows: 1 }.into()],
        model: Model::default(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// Longest window of [`blocks`].
const WINDOWS: usize = 21;

/// Convolutions with windows of every length up to [`WINDOWS`] and up to ten channels: every number of products and of
/// filters that a block of instructions can leave over. Weights are often, codes minus zero point always near the ends of
/// their types.
pub(crate) fn blocks() -> Vec<u8> {
    let width = INPUT_ELEMS;
    let weights: Vec<i8> = noise(3)
        .enumerate()
        .map(|(index, byte)| match index % 9 {
            0 => i8::MIN,
            1 => i8::MAX,
            _ => byte as i8,
        })
        .take(WINDOWS * WINDOWS)
        .collect();
    let mut tensors = vec![Tensor {
        element: Element::U8,
        shape: Shape::new(&[1, width as u32, 1]).unwrap(),
        offset_bytes: 0,
        range: IntRange { lo: 0, hi: 255 },
        role: Role::Value,
    }];
    let mut ops = Vec::new();
    let mut arena_bytes = width as u32;
    for window in 1..=WINDOWS {
        let channels = window % 10 + 1;
        let tensor = Tensor {
            element: Element::I32,
            shape: Shape::new(&[1, (width - window + 1) as u32, channels as u32]).unwrap(),
            offset_bytes: arena_bytes,
            range: Element::I32.range(),
            role: Role::Value,
        };
        arena_bytes += tensor.size_bytes().next_multiple_of(8);
        let layer = Layer {
            input_zero_point: if window % 2 == 0 { -32_512 } else { 32_768 },
            weights: Weights::i8s(&weights[..channels * window]),
            bias: Bias::None,
            requant: None,
            wide: false,
        };
        let id = tensors.len() as u16;
        let (input, output, scratch) = (TensorId(0), TensorId(id), Some(TensorId(id + 1)));
        let window = Window2d::new([1, window as u16]);
        ops.push(Conv2d { input, output, scratch, window, layer, groups: 1 }.into());
        tensors.push(tensor);
        tensors.push(Tensor::scratch(arena_bytes, 2 * WINDOWS as u32).unwrap());
        // The next output lies behind it, so that no output is overwritten.
        arena_bytes += (2 * WINDOWS as u32).next_multiple_of(8);
    }
    let outputs: Vec<_> = (1..=WINDOWS as u16).map(|op| Output::new(TensorId(2 * op - 1))).collect();
    let source = Source {
        arena_bytes,
        tensors: &tensors,
        inputs: &[Input::default()],
        states: &[],
        outputs: &outputs,
        ops: &ops,
        model: Model::default(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// The outputs of `program` by the portable kernels for one sample.
pub(crate) fn portable(program: &[u8], sample: &[u8]) -> Vec<u8> {
    let mut words = vec![0; program.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..program.len()].copy_from_slice(program);
    let program = Program::load(&words_as_bytes(&words)[..program.len()]).unwrap();
    let mut arena = vec![0; program.arena_bytes().div_ceil(8) as usize];
    let mut engine = Engine::with_isa(Portable, &program, words_as_bytes_mut(&mut arena)).unwrap();
    engine.set_input(0, sample.iter().map(|code| i32::from(*code))).unwrap();
    engine.run();
    let outputs = (0..program.outputs().len()).filter_map(|index| engine.output(index));
    outputs.flat_map(|codes| codes.as_bytes().to_vec()).collect()
}

/// The output of `program` on the host for each sample of `input`.
pub(crate) fn host(program: &[u8], input: &[u8]) -> Vec<u8> {
    let mut aligned = Aligned([0; 8192]);
    aligned[..program.len()].copy_from_slice(program);
    let program = Program::load(&aligned[..program.len()]).unwrap();
    let mut arena = Arena::<ARENA_BYTES>::new();
    let mut engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    let mut output = Vec::new();
    for sample in input.chunks_exact(INPUT_ELEMS) {
        engine.set_input(0, sample.iter().map(|code| i32::from(*code))).unwrap();
        engine.run();
        output.extend_from_slice(engine.output(0).unwrap().as_bytes());
    }
    output
}
