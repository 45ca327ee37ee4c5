//! Ways to run a program, which give the same codes: at once, in steps of any size, with ports inside and outside the arena.

use exactum_runtime::program::{Role, words_as_bytes_mut};
use exactum_runtime::{Codes, CodesMut, Element, Engine, Program};

use super::image::Image;

/// Most work of the steps that are tried.
const LIMITS: [u32; 7] = [0, 1, 3, 10, 37, 200, u32::MAX];

/// An arena of bytes that no op may rely on.
pub(crate) fn arena(program: &Program<'_>) -> Vec<u64> {
    vec![0x5a5a_5a5a_5a5a_5a5a; (program.arena_bytes() as usize).div_ceil(8)]
}

fn integers(codes: Codes<'_>) -> Vec<i64> {
    codes.iter().map(i64::from).collect()
}

pub(crate) fn fill(engine: &mut Engine<'_, '_>, inputs: &[&[i64]]) {
    for (index, input) in inputs.iter().enumerate() {
        engine.set_input(index, input.iter().map(|code| *code as i32)).unwrap();
    }
}

pub(crate) fn outputs(engine: &Engine<'_, '_>) -> Vec<Vec<i64>> {
    (0..engine.program().outputs().len()).map(|index| integers(engine.output(index).unwrap())).collect()
}

/// The codes of all outputs, run at once.
pub(crate) fn at_once(program: &Program<'_>, inputs: &[&[i64]]) -> Vec<Vec<i64>> {
    let mut words = arena(program);
    let mut engine = Engine::new(program, words_as_bytes_mut(&mut words)).unwrap();
    fill(&mut engine, inputs);
    engine.run();
    outputs(&engine)
}

/// Steps of any size give `expected`, one after the other in the order of ops; runs that are given up leave no trace.
pub(crate) fn same_in_steps(program: &Program<'_>, inputs: &[&[i64]], expected: &[Vec<i64>]) {
    for limit in LIMITS {
        let mut words = arena(program);
        let mut engine = Engine::new(program, words_as_bytes_mut(&mut words)).unwrap();
        fill(&mut engine, inputs);
        let steps: Vec<usize> = engine.steps().within(limit).collect();
        assert_eq!(outputs(&engine), expected, "steps within {limit}\n{program}");
        assert!(steps.is_sorted() && steps.last() == Some(&(program.op_count() - 1)), "{steps:?}");
        if limit == u32::MAX {
            assert_eq!(steps.len(), program.op_count());
        }
        engine.reset();
        for given_up in [1, steps.len() / 2, steps.len().saturating_sub(1)] {
            fill(&mut engine, inputs);
            assert_eq!(engine.steps().within(limit).take(given_up).count(), given_up.min(steps.len()));
            fill(&mut engine, inputs);
            engine.run();
            assert_eq!(outputs(&engine), expected, "after {given_up} steps within {limit}\n{program}");
            engine.reset();
        }
    }
}

/// The image of `program` with the inputs and outputs outside the arena for which `outside` says so; none of its states.
pub(crate) fn outside(program: &Program<'_>, outside: impl Fn(Role, usize) -> bool) -> Image {
    let mut image = Image::new(program.image());
    let mut set = |tensor: usize, role: u8, number: u32| {
        let at = 96 + 32 * tensor;
        image.bytes_mut()[at + 2] = role;
        image.bytes_mut()[at + 4..at + 8].copy_from_slice(&number.to_le_bytes());
    };
    let inputs = program.inputs().len();
    let given = (0..inputs).filter(|index| outside(Role::OutsideInput, *index));
    let is_output = |tensor: usize| program.outputs().any(|output| usize::from(output.tensor.0) == tensor);
    given.filter(|index| !is_output(*index)).zip(0..).for_each(|(index, number)| set(index, 2, number));
    let states = inputs + program.states().len();
    let ids: Vec<usize> = program.outputs().map(|output| output.tensor.0.into()).collect();
    let is_once = |id: &usize| ids.iter().filter(|other| *other == id).count() == 1;
    let gotten = ids
        .iter()
        .enumerate()
        .filter(|(index, id)| **id >= states && is_once(id) && outside(Role::OutsideOutput, *index));
    gotten.zip(0..).for_each(|((_, id), number)| set(*id, 3, number));
    image.seal();
    image
}

/// Memory for `elems` codes, aligned as codes of any type.
struct Buffer {
    words: Vec<u64>,
    element: Element,
    bytes: usize,
}

impl Buffer {
    fn new(element: Element, elems: u32) -> Self {
        let bytes = (elems * element.size_bytes()) as usize;
        Self { words: vec![0xa5a5_a5a5_a5a5_a5a5; bytes.div_ceil(8)], element, bytes }
    }

    fn codes(&mut self) -> CodesMut<'_> {
        CodesMut::from_bytes(self.element, &mut words_as_bytes_mut(&mut self.words)[..self.bytes]).unwrap()
    }
}

/// Ports outside give `expected`, at once and in steps: all of them, one side, every other one.
pub(crate) fn same_outside(program: &Program<'_>, inputs: &[&[i64]], expected: &[Vec<i64>]) {
    let choices: [fn(Role, usize) -> bool; 4] = [
        |_, _| true,
        |role, _| role == Role::OutsideInput,
        |role, _| role == Role::OutsideOutput,
        |_, index| index % 2 == 1,
    ];
    for (number, choice) in choices.into_iter().enumerate() {
        let image = outside(program, choice);
        let program = image.load().unwrap_or_else(|error| panic!("{error}\n{program}"));
        for limit in [None, Some(1), Some(37)] {
            assert_eq!(
                run_outside(&program, inputs, limit),
                expected,
                "choice {number}, {limit:?}\n{program}"
            );
        }
    }
}

/// The codes of all outputs, of a program with ports outside.
pub(crate) fn run_outside(program: &Program<'_>, inputs: &[&[i64]], limit: Option<u32>) -> Vec<Vec<i64>> {
    let mut words = arena(program);
    let mut engine = Engine::outside(program, words_as_bytes_mut(&mut words)).unwrap();
    let mut given: Vec<Buffer> = vec![];
    for (index, input) in inputs.iter().enumerate() {
        let tensor = program.input_tensor(index).unwrap();
        if !tensor.role.is_outside() {
            // Tests of damaged programs have codes outside the range.
            let mut codes = engine.input_mut(index).unwrap();
            input.iter().for_each(|code| codes.take_front(1).fill(*code as i32));
            continue;
        }
        assert!(engine.input_mut(index).is_none());
        let mut buffer = Buffer::new(tensor.element, tensor.shape.elems());
        let mut codes = buffer.codes();
        input.iter().for_each(|code| codes.take_front(1).fill(*code as i32));
        given.push(buffer);
    }
    let tensors: Vec<_> = program.outputs().map(|output| program.tensor(output.tensor).unwrap()).collect();
    let is_outside = |tensor: &&exactum_runtime::program::Tensor| tensor.role.is_outside();
    let gotten = tensors.iter().filter(is_outside);
    let mut gotten: Vec<Buffer> =
        gotten.map(|tensor| Buffer::new(tensor.element, tensor.shape.elems())).collect();
    {
        let mut given: Vec<CodesMut<'_>> = given.iter_mut().map(Buffer::codes).collect();
        let given: Vec<Codes<'_>> = given.iter_mut().map(|codes| codes.as_codes()).collect();
        let mut gotten: Vec<CodesMut<'_>> = gotten.iter_mut().map(Buffer::codes).collect();
        match limit {
            None => engine.run_on(&given, &mut gotten).unwrap(),
            Some(limit) => {
                engine.steps_on(&given, &mut gotten).unwrap().within(limit).for_each(drop);
            }
        }
    }
    let mut gotten = gotten.iter_mut();
    let codes = |(index, tensor): (usize, &exactum_runtime::program::Tensor)| match engine.output(index) {
        Some(codes) => integers(codes),
        None => {
            assert!(tensor.role.is_outside());
            integers(gotten.next().unwrap().codes().as_codes())
        }
    };
    tensors.iter().enumerate().map(codes).collect()
}
