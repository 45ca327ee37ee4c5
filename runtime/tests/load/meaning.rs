//! What programs say of the model and its outputs, and what engines make of it.

use exactum_runtime::num::{IntRange, Unit};
use exactum_runtime::program::op::Concat;
use exactum_runtime::program::{
    After, Axes, Input, Labels, Meaning, Model, Output, PortNumbers, TensorId, words_as_bytes_mut,
};
use exactum_runtime::{Element, Engine, InputError, LoadError, PortFault};

use crate::networks::{INT8, Network};
use crate::support::image::tensor;

/// Real values of three channels: q * 2^-4, (2 q - 9) * 2^-4, (-q) * 2^-4.
const CHANNELS: PortNumbers<'static> = PortNumbers {
    multipliers: &[1, 2, -1],
    offsets: &[0, -9, 0],
    unit: Unit { mantissa: 1, exponent: -4 },
    channels: 3,
    inner: 1,
    exact: true,
};

/// Six codes that come out as they go in.
fn copy(output: Meaning<'static>) -> Network {
    Network {
        tensors: vec![tensor(Element::I8, &[6], 0, INT8), tensor(Element::I8, &[6], 8, INT8)],
        inputs: vec![Input::default()],
        states: vec![],
        outputs: vec![Output { tensor: TensorId(1), meaning: output }],
        ops: vec![Concat { input: TensorId(0), rest: &[], output: TensorId(1), rows: 1 }.into()],
        model: Model { name: "copy", version: -2, digest: [9; 32] },
    }
}

fn with_numbers(numbers: PortNumbers<'static>) -> Meaning<'static> {
    Meaning { numbers: Some(numbers), ..Meaning::default() }
}

#[test]
fn programs_say_what_they_are() {
    let meaning = Meaning {
        name: "logits",
        labels: Labels("cat\0dog\0\0"),
        after: After::Softmax,
        axes: Axes::ChannelsLast,
        file_type: 1,
        numbers: Some(CHANNELS),
    };
    let image = copy(meaning).image();
    let program = image.load().unwrap();
    assert_eq!((program.model_name(), program.model_version()), ("copy", -2));
    assert_eq!(program.model_digest(), &[9; 32]);
    let read = program.outputs().next().unwrap().meaning;
    assert_eq!(read, meaning);
    assert_eq!([0, 1, 2, 3].map(|class| read.labels.get(class)), [Some("cat"), Some("dog"), Some(""), None]);
    let line = "output %1 \"logits\", (q and a line for each of 3 channels) * 1 * 2^-4, then softmax, channels last, 3 labels";
    assert!(program.to_string().contains(line), "{program}");
}

#[test]
fn outputs_are_compared_as_the_reals_they_stand_for() {
    let image = copy(with_numbers(CHANNELS)).image();
    let program = image.load().unwrap();
    let mut words = [0; 2];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    engine.set_input(0, [7, 8, -8, 1, 8, -7].into_iter()).unwrap();
    engine.run();
    // In sixteenths: 7, 7, 8, 1, 7, 7.
    assert_eq!(
        (0..6).map(|element| engine.output_real(0, element).unwrap().to_f32() * 16.0).collect::<Vec<_>>(),
        [7.0, 7.0, 8.0, 1.0, 7.0, 7.0]
    );
    assert_eq!(engine.argmax(0), Some(2));
    for (room, expected) in [(0, vec![]), (1, vec![2]), (3, vec![2, 0, 1]), (8, vec![2, 0, 1, 4, 5, 3])] {
        let mut best = vec![99; room];
        let found = engine.largest(0, &mut best);
        assert_eq!(best[..found], expected);
    }
    assert_eq!((engine.output_real(0, 6), engine.output_real(1, 0), engine.argmax(1)), (None, None, None));
    // Without numbers the integers are compared.
    let image = copy(Meaning::default()).image();
    let program = image.load().unwrap();
    let mut words = [0; 2];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    engine.set_input(0, [7, 8, -8, 1, 8, -7].into_iter()).unwrap();
    engine.run();
    assert_eq!((engine.argmax(0), engine.output_real(0, 0)), (Some(1), None));
}

#[test]
fn meanings_are_checked() {
    let fault = |meaning: Meaning<'static>| match copy(meaning).image().load().map(|_| ()) {
        Ok(()) => None,
        Err(LoadError::Output { output: 0, fault }) => Some(fault),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(fault(with_numbers(CHANNELS)), None);
    let whole = PortNumbers { multipliers: &[1], offsets: &[], channels: 6, ..CHANNELS };
    assert_eq!(fault(with_numbers(whole)), None);
    for bad in [
        PortNumbers { channels: 0, ..CHANNELS },
        PortNumbers { inner: 0, ..CHANNELS },
        PortNumbers { inner: 4, ..CHANNELS },
        PortNumbers { channels: 4, ..CHANNELS },
        PortNumbers { channels: u32::MAX, inner: u32::MAX, ..whole },
        PortNumbers { multipliers: &[1, 2], ..CHANNELS },
        PortNumbers { offsets: &[1, 2], ..CHANNELS },
        PortNumbers { unit: Unit { mantissa: 0, exponent: 0 }, ..CHANNELS },
    ] {
        assert_eq!(fault(with_numbers(bad)), Some(PortFault::Numbers), "{bad:?}");
    }
    let network = copy(Meaning { name: "logits", ..with_numbers(CHANNELS) });
    let record = network.input_at(1) + 8;
    let byte = |at: usize, value: u8| match network.overwritten(record + at, &[value]) {
        LoadError::Output { output: 0, fault } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(byte(1, 0xff), PortFault::Constant);
    assert_eq!(byte(17, 0xff), PortFault::Constant);
    assert_eq!(byte(42, 2), PortFault::Reserved);
    assert_eq!(byte(43, 4), PortFault::Reserved);
    assert_eq!(byte(44, 2), PortFault::Reserved);
    assert_eq!(byte(46, 1), PortFault::Reserved);
    let name = network.image().bytes().windows(6).position(|bytes| bytes == b"logits").unwrap();
    match network.overwritten(name, &[0xff]) {
        LoadError::Output { output: 0, fault: PortFault::Text } => {}
        other => panic!("{other}"),
    }
}

#[test]
fn outputs_become_inputs_where_they_mean_the_same() {
    let feed = |input: Meaning<'static>, output: Meaning<'static>, change: fn(&mut Network)| {
        let mut network = copy(output);
        network.inputs[0].meaning = input;
        change(&mut network);
        let image = network.image();
        let program = image.load().unwrap();
        let mut words = vec![0; 4];
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
        let codes = (0..program.input_tensor(0).unwrap().shape.elems()).map(|code| code as i32 - 3);
        engine.set_input(0, codes.collect::<Vec<_>>().into_iter()).unwrap();
        engine.run();
        engine.input_mut(0).unwrap().fill(0);
        let result = engine.feed_back(0, 0);
        (result.is_ok())
            .then(|| engine.input_mut(0).unwrap().as_codes().iter().collect::<Vec<_>>())
            .ok_or(result)
    };
    let same = with_numbers(CHANNELS);
    assert_eq!(feed(same, same, |_| ()), Ok((-3..3).collect()));
    assert_eq!(feed(Meaning::default(), same, |_| ()), Ok((-3..3).collect()));
    // The same lines said in another way.
    let six = PortNumbers {
        multipliers: &[1, 2, -1, 1, 2, -1],
        offsets: &[0, -9, 0, 0, -9, 0],
        channels: 6,
        ..CHANNELS
    };
    assert_eq!(feed(with_numbers(six), same, |_| ()), Ok((-3..3).collect()));
    let other = PortNumbers { offsets: &[0, -9, 1], ..CHANNELS };
    assert_eq!(feed(with_numbers(other), same, |_| ()), Err(Err(InputError::Differs)));
    let narrow = |network: &mut Network| network.tensors[0].range = IntRange { lo: -3, hi: 3 };
    assert_eq!(feed(same, same, narrow), Err(Err(InputError::Differs)));
}
