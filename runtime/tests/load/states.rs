//! States: what they start with, what pushes make of them, where they lie.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Concat, Push};
use exactum_runtime::program::{Input, Model, Output, State, Tensor, TensorId, words_as_bytes_mut};
use exactum_runtime::{Codes, Element, Engine, LoadError, OpFault, PortFault};

use crate::networks::Network;
use crate::support::image::tensor;

const CODES: IntRange = IntRange { lo: -5, hi: 5 };

/// Two new codes of which a window of five is kept, read before and after.
fn window() -> Network {
    let (frames, state) = (TensorId(0), TensorId(1));
    Network {
        tensors: vec![
            tensor(Element::I8, &[2], 0, CODES),
            tensor(Element::I8, &[5], 24, CODES),
            tensor(Element::I8, &[5], 8, CODES),
            tensor(Element::I8, &[5], 16, CODES),
        ],
        inputs: vec![Input::default()],
        states: vec![State { fill: -3 }],
        outputs: [2, 3, 1].map(|id| Output::new(TensorId(id))).to_vec(),
        ops: vec![
            Concat { input: state, rest: &[], output: TensorId(2), rows: 1 }.into(),
            Push { input: frames, output: state }.into(),
            Concat { input: state, rest: &[], output: TensorId(3), rows: 1 }.into(),
        ],
        model: Model::default(),
    }
}

#[test]
fn the_newest_codes_are_kept() {
    let image = window().image();
    let program = image.load().unwrap();
    assert!(program.to_string().contains("state %1 starts with -3"), "{program}");
    assert!(program.to_string().contains("1: push %0 -> %1"), "{program}");
    let mut words = vec![0; 4];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    let mut run = |frames: [i32; 2]| {
        engine.set_input(0, frames.into_iter()).unwrap();
        engine.run();
        [0, 1, 2].map(|output| engine.output(output).map(|codes| codes.iter().collect::<Vec<_>>()).unwrap())
    };
    assert_eq!(run([1, 2]), [[-3, -3, -3, -3, -3], [-3, -3, -3, 1, 2], [-3, -3, -3, 1, 2]]);
    assert_eq!(run([3, 4]), [[-3, -3, -3, 1, 2], [-3, 1, 2, 3, 4], [-3, 1, 2, 3, 4]]);
    assert_eq!(run([5, -5])[1], [2, 3, 4, 5, -5]);
    engine.reset();
    engine.run();
    assert_eq!(engine.output(0), Some(Codes::I8(&[-3; 5])));
}

#[test]
fn whole_states_are_replaced() {
    let mut network = window();
    network.tensors[0] = tensor(Element::I8, &[5], 0, CODES);
    let image = network.image();
    let program = image.load().unwrap();
    let mut words = vec![0; 4];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    engine.set_input(0, [1, 2, 3, 4, 5].into_iter()).unwrap();
    engine.run();
    assert_eq!(engine.output(1), Some(Codes::I8(&[1, 2, 3, 4, 5])));
}

#[test]
fn states_are_checked() {
    let state = |change: fn(&mut Network)| match window().refused(change) {
        LoadError::State { state: 0, fault } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(state(|n| n.states[0].fill = 6), PortFault::State);
    assert_eq!(state(|n| n.tensors[1].offset_bytes = 16), PortFault::State);
    assert_eq!(state(|n| n.tensors[1] = Tensor::scratch(24, 5).unwrap()), PortFault::NoTensor);
    let record = window().tensor_at(4) + 88;
    let reserved = window().overwritten(record + 4, &[1]);
    assert_eq!(reserved, LoadError::State { state: 0, fault: PortFault::Reserved });
    let push = |change: fn(&mut Network)| window().fault(1, change);
    assert_eq!(push(|n| n.ops[1] = Push { input: TensorId(0), output: TensorId(2) }.into()), OpFault::Order);
    assert_eq!(push(|n| n.ops[1] = Push { input: TensorId(0), output: TensorId(0) }.into()), OpFault::Order);
    assert_eq!(
        push(|n| n.ops[1] = Push { input: TensorId(1), output: TensorId(1) }.into()),
        OpFault::Overlap
    );
    assert_eq!(push(|n| n.tensors[0].range.hi = 6), OpFault::OutputRange);
    assert_eq!(
        push(|n| n.tensors[0] = tensor(Element::U8, &[2], 0, IntRange { lo: 0, hi: 1 })),
        OpFault::Element
    );
    assert_eq!(push(|n| n.tensors[0] = tensor(Element::I8, &[6], 0, CODES)), OpFault::InputShape);
    // Only pushes write states.
    let other = window().fault(0, |n| {
        n.ops[0] = Concat { input: TensorId(1), rest: &[], output: TensorId(1), rows: 1 }.into();
    });
    assert_eq!(other, OpFault::Order);
}
