//! A small program for the firmware tests, the host's answers to it, and inputs that exercise it.

use exactum_runtime::{
    Arena, Element, Engine, Program,
    num::{
        IntRange,
        requant::{Form, Requant},
    },
    program::{
        Aligned, Input, InputRule, Output, Shape, Source, Tensor, TensorId, encode,
        op::{Bias, Dense, Layer, Weights},
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
const ARENA_BYTES: usize = 112;

/// A reproducible sequence of bytes.
pub(crate) fn noise(seed: u32) -> impl Iterator<Item = u8> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        // Numerical Recipes' linear congruential generator; its high bits are the random ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}

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
    };
    let weights: Vec<i8> =
        noise(1).map(|byte| byte as i8 / 16).take((INPUT_ELEMS + OUTPUT_ELEMS) * HIDDEN_ELEMS).collect();
    let (first, second) = weights.split_at(INPUT_ELEMS * HIDDEN_ELEMS);
    let bias: Vec<i16> = (0..HIDDEN_ELEMS as i16).map(|channel| 40 * channel - 600).collect();
    let hidden = Dense {
        input: TensorId(0),
        output: TensorId(1),
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
        output: TensorId(2),
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
            tensor(OUTPUT_ELEMS, Element::I32, 0, (i64::from(i32::MIN), i64::from(i32::MAX))),
        ],
        inputs: &[Input {
            tensor: TensorId(0),
            quantizer: Some(InputRule::Uniform { scale: INPUT_SCALE, zero_point: 0, ties_to_odd: false }),
        }],
        outputs: &[Output { tensor: TensorId(2) }],
        ops: &[hidden.into(), last.into()],
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// `layers` dense layers of one product, each of which gives its own input.
pub(crate) fn smallest_layers(layers: u16) -> Vec<u8> {
    let codes = |id: u16| Tensor {
        element: Element::U8,
        shape: Shape::new(&[1]).unwrap(),
        offset_bytes: 8 * u32::from(id),
        range: IntRange { lo: 0, hi: INPUT_HI.into() },
    };
    let layer = |id| Dense {
        input: TensorId(id),
        output: TensorId(id + 1),
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
        arena_bytes: 8 * u32::from(layers + 1),
        tensors: &(0..=layers).map(codes).collect::<Vec<_>>(),
        inputs: &[Input { tensor: TensorId(0), quantizer: None }],
        outputs: &[Output { tensor: TensorId(layers) }],
        ops: &(0..layers).map(|id| layer(id).into()).collect::<Vec<_>>(),
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
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
