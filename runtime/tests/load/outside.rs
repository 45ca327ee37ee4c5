//! Inputs and outputs outside the arena: which images are refused, which engines, and which buffers.

use exactum_runtime::program::{Program, Role, TensorId, words_as_bytes_mut};
use exactum_runtime::{
    Answer, ArenaError, BufferError, Codes, CodesMut, Element, Engine, InputError, InputPlace, LoadError,
    OpFault, PortFault, Side, TensorFault,
};

use crate::networks::{Network, branches, chain};
use crate::support::ways::{arena, at_once, run_outside};

/// `branches` with its ports outside: two inputs, three outputs of which the first two are read by other ops.
fn outside() -> Network {
    let mut network = branches();
    for (number, input) in [0, 1].into_iter().enumerate() {
        (network.tensors[input].role, network.tensors[input].offset_bytes) =
            (Role::OutsideInput, number as u32);
    }
    for (number, output) in [3, 5, 9].into_iter().enumerate() {
        (network.tensors[output].role, network.tensors[output].offset_bytes) =
            (Role::OutsideOutput, number as u32);
    }
    network
}

#[test]
fn ports_outside_take_no_arena() {
    let image = branches().image();
    let inside = image.load().unwrap();
    let mut network = outside();
    let mut next_bytes = 0;
    for tensor in network.tensors.iter_mut().filter(|tensor| !tensor.role.is_outside()) {
        tensor.offset_bytes = next_bytes;
        next_bytes += tensor.size_bytes().next_multiple_of(8);
    }
    let image = network.image();
    let program = image.load().unwrap();
    assert!(program.arena_bytes() == next_bytes && program.arena_bytes() < inside.arena_bytes());
    assert!(program.has_ports_outside() && !inside.has_ports_outside());
    let text = program.to_string();
    assert!(text.contains("%1: i8[2] in -2..=2 outside, in the caller's input buffer 1"), "{text}");
    assert!(text.contains("outside, in the caller's output buffer 2"), "{text}");
    let few: Vec<i64> = (0..32).map(|code| code * 5 % 4).collect();
    let inputs: [&[i64]; 2] = [&few, &[-2, 1]];
    assert_eq!(run_outside(&program, &inputs, None), at_once(&inside, &inputs));
}

#[test]
fn images_are_refused() {
    let port = |change: fn(&mut Network)| outside().refused(change);
    let input = |input, fault| LoadError::Input { input, fault };
    let output = |output, fault| LoadError::Output { output, fault };
    assert_eq!(port(|network| network.tensors[1].offset_bytes = 0), input(1, PortFault::Outside));
    assert_eq!(port(|network| network.tensors[0].role = Role::OutsideOutput), input(0, PortFault::Outside));
    assert_eq!(port(|network| network.tensors[0].role = Role::Scratch), input(0, PortFault::NoTensor));
    assert_eq!(port(|network| network.tensors[5].offset_bytes = 2), output(1, PortFault::Outside));
    assert_eq!(port(|network| network.outputs[2].tensor = TensorId(5)), output(2, PortFault::Outside));
    assert_eq!(port(|network| network.outputs[1].tensor = TensorId(0)), output(1, PortFault::Outside));
    let op = |op, fault| LoadError::Op { op, fault };
    assert_eq!(port(|network| network.tensors[3].role = Role::OutsideInput), op(1, OpFault::Order));
    assert_eq!(port(|network| network.tensors[7].role = Role::OutsideOutput), op(4, OpFault::Order));
    // An output outside that no output is, whatever its number.
    for number in [0, 2, 3, 9, u32::MAX] {
        let error = outside().refused(|network| {
            (network.tensors[8].role, network.tensors[8].offset_bytes) = (Role::OutsideOutput, number);
        });
        let tensor = TensorId(8);
        assert_eq!(error, LoadError::Tensor { tensor, fault: TensorFault::NoPort });
    }
    let no_output = outside().refused(|network| {
        network.outputs.pop();
    });
    assert_eq!(no_output, LoadError::Tensor { tensor: TensorId(9), fault: TensorFault::NoPort });
    let unknown = outside();
    let at = unknown.tensor_at(0) + 2;
    let error = unknown.overwritten(at, &[4]);
    assert_eq!(error, LoadError::Tensor { tensor: TensorId(0), fault: TensorFault::Reserved });
}

#[test]
fn engines_want_buffers() {
    let image = outside().image();
    let program = image.load().unwrap();
    let mut words = arena(&program);
    let refused = Engine::new(&program, words_as_bytes_mut(&mut words)).err();
    assert_eq!(refused, Some(ArenaError::PortsOutside));
    assert_eq!(refused.map(|error| error.code()), Some(703));
    let mut engine = Engine::outside(&program, words_as_bytes_mut(&mut words)).unwrap();
    assert_eq!(engine.set_input(0, [0; 32].into_iter()), Err(InputError::Outside));
    assert_eq!(engine.quantize_input(0, &[0.0; 32]), Err(InputError::Outside));
    assert_eq!(engine.feed_back(0, 0), Err(InputError::Outside));
    assert!(engine.input_mut(0).is_none() && engine.output(0).is_none() && engine.argmax(0).is_none());
    // A program with all ports inside needs none.
    let image = chain().image();
    let program = image.load().unwrap();
    let mut words = arena(&program);
    let mut engine = Engine::outside(&program, words_as_bytes_mut(&mut words)).unwrap();
    engine.quantize_input(0, &[0.5; 32]).unwrap();
    assert_eq!(engine.run_on(&[], &mut []), Ok(()));
    assert!(engine.output(0).is_some());
}

#[test]
fn buffers_are_checked() {
    let image = outside().image();
    let program = image.load().unwrap();
    let mut words = arena(&program);
    let mut engine = Engine::outside(&program, words_as_bytes_mut(&mut words)).unwrap();
    let (first, second) = ([1u8; 32], [2i8; 2]);
    let (mut squares, mut joined, mut best) = ([0i16; 32], [0i8; 40], [0i32; 36]);
    let mut run = |inputs: &[Codes<'_>], joined: CodesMut<'_>| {
        let mut outputs = [CodesMut::I16(&mut squares), joined, CodesMut::I32(&mut best)];
        engine.run_on(inputs, &mut outputs)
    };
    let inputs = [Codes::U8(&first), Codes::I8(&second)];
    assert_eq!(run(&inputs, CodesMut::I8(&mut joined)), Ok(()));
    let count = |have_buffers| BufferError::Count { side: Side::Input, need_buffers: 2, have_buffers };
    assert_eq!(run(&inputs[..1], CodesMut::I8(&mut joined)), Err(count(1)));
    assert_eq!(run(&[inputs[0], inputs[1], inputs[1]], CodesMut::I8(&mut joined)), Err(count(3)));
    let side = Side::Input;
    assert_eq!(
        run(&[Codes::I8(&[0; 32]), inputs[1]], CodesMut::I8(&mut joined)),
        Err(BufferError::Element { side, buffer: 0, need: Element::U8, have: Element::I8 })
    );
    assert_eq!(
        run(&[inputs[0], Codes::I8(&[0; 3])], CodesMut::I8(&mut joined)),
        Err(BufferError::Length { side, buffer: 1, need_elems: 2, have_elems: 3 })
    );
    let side = Side::Output;
    assert_eq!(
        run(&inputs, CodesMut::I8(&mut [0; 39])),
        Err(BufferError::Length { side, buffer: 1, need_elems: 40, have_elems: 39 })
    );
    assert_eq!(
        run(&inputs, CodesMut::U8(&mut [0; 40])),
        Err(BufferError::Element { side, buffer: 1, need: Element::I8, have: Element::U8 })
    );
    assert_eq!(
        engine.run_on(&inputs, &mut []),
        Err(BufferError::Count { side, need_buffers: 3, have_buffers: 0 })
    );
    assert_eq!(engine.steps_on(&[], &mut []).err(), Some(count(0)));
    let codes = [
        count(0).code(),
        BufferError::Element { side, buffer: 0, need: Element::I8, have: Element::U8 }.code(),
    ];
    assert_eq!(codes, [901, 902]);
}

/// An input outside is filled while the run before reads another buffer, and an output outside is read where it is.
#[test]
fn places_outside_are_filled_and_answers_read() {
    let mut network = chain();
    let tensors = [(0, Role::OutsideInput), (6, Role::OutsideOutput)];
    for (tensor, role) in tensors {
        (network.tensors[tensor].role, network.tensors[tensor].offset_bytes) = (role, 0);
    }
    let image = network.image();
    let program = image.load().unwrap();
    let inside = chain().image();
    let inside = inside.load().unwrap();
    let values: Vec<f32> = (0..32).map(|index| index as f32 / 16.0 - 0.3).collect();
    let expected = {
        let mut words = arena(&inside);
        let mut engine = Engine::new(&inside, words_as_bytes_mut(&mut words)).unwrap();
        engine.quantize_input(0, &values).unwrap();
        engine.run();
        (engine.output(0).map(|codes| codes.iter().collect::<Vec<_>>()).unwrap(), engine.argmax(0))
    };
    let mut words = arena(&program);
    let mut engine = Engine::outside(&program, words_as_bytes_mut(&mut words)).unwrap();
    let (mut now, mut next, mut scores) = ([0u8; 32], [0u8; 32], [0i32; 3]);
    place(&program, &mut now).unwrap().floats(&values).unwrap();
    let inputs = [Codes::U8(&now)];
    let mut outputs = [CodesMut::I32(&mut scores)];
    let mut steps = engine.steps_on(&inputs, &mut outputs).unwrap().within(10);
    steps.next();
    place(&program, &mut next).unwrap().floats(&[0.0; 32]).unwrap();
    steps.for_each(drop);
    assert_eq!(scores.to_vec(), expected.0);
    let answer = Answer::new(&program, 0, Codes::I32(&scores));
    assert_eq!(answer.argmax(), expected.1);
    assert_eq!(next, [3; 32]);
    let refused = InputPlace::new(&program, 0, CodesMut::I8(&mut [0; 32])).err();
    assert_eq!(refused, Some(InputError::Differs));
    assert_eq!(InputPlace::new(&program, 1, CodesMut::U8(&mut [0; 32])).err(), Some(InputError::NoInput));
    let short = place(&program, &mut now[..31]).unwrap().floats(&values);
    assert_eq!(short, Err(InputError::Length { need_elems: 32, have_elems: 31 }));
}

fn place<'p, 'c>(program: &Program<'p>, codes: &'c mut [u8]) -> Result<InputPlace<'p, 'c>, InputError> {
    InputPlace::new(program, 0, CodesMut::U8(codes))
}
