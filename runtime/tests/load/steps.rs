//! Runs in steps, and runs that are given up.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{Concat, Push};
use exactum_runtime::program::{Input, Model, Output, State, TensorId, words_as_bytes_mut};
use exactum_runtime::{Element, Engine};

use crate::networks::{Network, branches, chain};
use crate::support::image::tensor;
use crate::support::ways::{arena, at_once, fill, outputs, same_in_steps, same_outside};

const CODES: IntRange = IntRange { lo: -5, hi: 5 };

/// Two inputs that are pushed to a state each, one after the other, and both states joined.
fn two_states() -> Network {
    let id = TensorId;
    let [first, second] = [id(2), id(3)];
    Network {
        tensors: vec![
            tensor(Element::I8, &[2], 0, CODES),
            tensor(Element::I8, &[3], 8, CODES),
            tensor(Element::I8, &[4], 24, CODES),
            tensor(Element::I8, &[6], 32, CODES),
            tensor(Element::I8, &[10], 8, CODES),
        ],
        inputs: vec![Input::default(); 2],
        states: vec![State { fill: 1 }, State { fill: -2 }],
        outputs: vec![Output::new(id(4))],
        ops: vec![
            Push { input: id(0), output: first }.into(),
            Push { input: id(1), output: second }.into(),
            Concat { input: first, rest: &[3], output: id(4), rows: 1 }.into(),
        ],
        model: Model::default(),
    }
}

#[test]
fn networks_are_the_same_in_every_way() {
    let pixels: Vec<i64> = (0..32).map(|code| code * 7 % 16).collect();
    let few: Vec<i64> = (0..32).map(|code| code * 5 % 4).collect();
    let all: [(Network, Vec<&[i64]>); 3] = [
        (chain(), vec![&pixels]),
        (branches(), vec![&few, &[-2, 1]]),
        (two_states(), vec![&[3, 4], &[-1, 0, 5]]),
    ];
    for (network, inputs) in all {
        let image = network.image();
        let program = image.load().unwrap();
        let expected = at_once(&program, &inputs);
        same_in_steps(&program, &inputs, &expected);
        same_outside(&program, &inputs, &expected);
    }
}

/// A run that is given up leaves states as they were, if it had pushed to none; else as before the first run.
#[test]
fn runs_that_are_given_up_leave_no_half_pushed_states() {
    let image = two_states().image();
    let program = image.load().unwrap();
    let frames: [&[i64]; 2] = [&[1, 2], &[3, 4, 5]];
    let next: [&[i64]; 2] = [&[-1, -2], &[-3, -4, -5]];
    let run = |given_up: usize| {
        let mut words = arena(&program);
        let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
        fill(&mut engine, &frames);
        engine.run();
        fill(&mut engine, &frames);
        assert_eq!(engine.steps().within(1).take(given_up).count(), given_up);
        fill(&mut engine, &next);
        engine.run();
        outputs(&engine).concat()
    };
    let kept = [1, 2, -1, -2, 3, 4, 5, -3, -4, -5];
    let anew = [1, 1, -1, -2, -2, -2, -2, -3, -4, -5];
    assert_eq!(run(0), kept);
    assert_eq!(run(1), anew);
    assert_eq!(run(2), anew);
    // A run that is done is not given up.
    assert_eq!(run(3), [1, 2, -1, -2, 3, 4, 5, -3, -4, -5]);
}

#[test]
fn steps_are_as_small_as_asked() {
    let image = chain().image();
    let program = image.load().unwrap();
    let mut words = arena(&program);
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut words)).unwrap();
    let mut count = |limit: u32| {
        let mut counts = vec![0; program.op_count()];
        engine.steps().within(limit).for_each(|op| counts[op] += 1);
        counts
    };
    // 32 elements; 16 pixels of three filters of 18 weights; four of three channels of four taps; four rows of three
    // codes; three filters of 12 weights.
    assert_eq!(count(1), [32, 16, 4, 4, 3]);
    assert_eq!(count(24), [2, 16, 2, 1, 2]);
    assert_eq!(count(108), [1, 8, 1, 1, 1]);
    assert_eq!(count(216), [1, 4, 1, 1, 1]);
    assert_eq!(count(864), [1, 1, 1, 1, 1]);
    assert_eq!(count(u32::MAX), [1; 5]);
}
