//! A model of two classes: the first adds the samples of a run, the second is always 0.

use embedded_hal_mock::eh1::digital::{Mock as Pin, State, Transaction};
use exactum_application::clock::Clock;
use exactum_application::decide::Rule;
use exactum_application::window::Order;
use exactum_application::{Application, I16F16, Settings};
use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Bias, Dense, Layer, Weights};
use exactum_runtime::program::{
    Input, InputRule, Meaning, Model, Output, PortNumbers, Role, Shape, Source, Tensor, TensorId, encode,
    words_as_bytes, words_as_bytes_mut,
};
use exactum_runtime::{Arena, Element, Engine, Program};
use std::cell::Cell;

pub(crate) const SAMPLES: usize = 6;

/// A clock that ticks 100 times each time it is read.
#[derive(Default)]
pub(crate) struct Ticks(Cell<u32>);

impl Clock for Ticks {
    fn ticks(&self) -> u32 {
        self.0.replace(self.0.get() + 100)
    }

    fn hertz(&self) -> u32 {
        25_000
    }
}

/// Two frames of three axes at 50 hertz; the pin is high for class 0.
pub(crate) const SETTINGS: Settings = Settings {
    channels: 3,
    frames: 2,
    hop: 2,
    order: Order::ChannelsLast,
    fraction_bits: 13,
    rate_hz: 50,
    warm_up: 1,
    rule: Rule { lead: I16F16::ONE, runs: 2 },
    target: 0,
};

/// The image of the model, whose codes are eighths of its input: `sample / 2^13 * 8`.
pub(crate) fn image() -> Vec<u64> {
    let image = image_of(Model::default());
    let mut words = vec![0u64; image.len().div_ceil(8)];
    words_as_bytes_mut(&mut words)[..image.len()].copy_from_slice(&image);
    words
}

/// The same, of a model that is known by `model`.
pub(crate) fn image_of(model: Model<'_>) -> Vec<u8> {
    let tensor = |elems, element, offset_bytes, lo, hi| Tensor {
        element,
        shape: Shape::new(&[elems]).unwrap(),
        offset_bytes,
        range: IntRange { lo, hi },
        role: Role::Value,
    };
    let dense = Dense {
        input: TensorId(0),
        output: TensorId(1),
        scratch: Some(TensorId(2)),
        in_features: SAMPLES as u32,
        out_features: 2,
        layer: Layer {
            input_zero_point: 0,
            weights: Weights::i8s(&[1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]),
            bias: Bias::None,
            requant: None,
            wide: false,
        },
    };
    let bound = 6 * 128;
    let numbers = PortNumbers {
        unit: exactum_runtime::num::Unit { mantissa: 1, exponent: -3 },
        multipliers: &[1],
        offsets: &[0],
        channels: 1,
        inner: 1,
        exact: true,
    };
    let output = Output {
        meaning: Meaning { numbers: Some(numbers), ..Meaning::default() },
        ..Output::new(TensorId(1))
    };
    let source = Source {
        arena_bytes: 40,
        tensors: &[
            tensor(SAMPLES as u32, Element::I8, 0, -128, 127),
            tensor(2, Element::I32, 8, -bound, bound),
            Tensor::scratch(24, 16).unwrap(),
        ],
        inputs: &[Input {
            quantizer: Some(InputRule::Uniform { scale: 0.125, zero_point: 0, ties_to_odd: false }),
            ..Input::default()
        }],
        states: &[],
        outputs: &[output],
        ops: &[dense.into()],
        model,
    };
    let mut image = Vec::new();
    encode(&source, &mut image).unwrap();
    image
}

/// Gives an application with the model and a pin that expects `pins` to `test`.
pub(crate) fn with_application(
    pins: &[State],
    test: impl FnOnce(&mut Application<Engine<'_, '_>, Pin, Ticks, 16>),
) {
    let words = image();
    let bytes = words_as_bytes(&words);
    let program = Program::load(Program::image_in(bytes).unwrap()).unwrap();
    let mut arena = Arena::<64>::new();
    let engine = Engine::new(&program, arena.as_mut_slice()).unwrap();
    let pins: Vec<Transaction> = pins.iter().map(|state| Transaction::set(*state)).collect();
    let mut pin = Pin::new(&pins);
    let mut application = Application::new(SETTINGS, engine, pin.clone(), Ticks::default()).unwrap();
    test(&mut application);
    pin.done();
}
