//! Images in aligned memory, and programs of one op.

use exactum_runtime::num::IntRange;
use exactum_runtime::program::{
    Input, Model, Op, OpKind, Output, Role, Shape, Source, State, Tensor, TensorId, encode, words_as_bytes,
    words_as_bytes_mut,
};
use exactum_runtime::{Element, Engine, LoadError, Program};
use proptest::prelude::*;
use proptest::sample::Index;

use super::ways;

/// A copy of an image, aligned to 8 bytes.
pub(crate) struct Image {
    words: Vec<u64>,
    length: usize,
}

impl Image {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut words = vec![0; bytes.len().div_ceil(8)];
        words_as_bytes_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words, length: bytes.len() }
    }

    pub(crate) fn of(source: &Source<'_>) -> Self {
        let mut bytes = Vec::new();
        encode(source, &mut bytes).unwrap();
        Self::new(&bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &words_as_bytes(&self.words)[..self.length]
    }

    pub(crate) fn load(&self) -> Result<Program<'_>, LoadError> {
        Program::load(self.bytes())
    }

    /// Writes the checksum that the bytes have, by a bitwise CRC-32 of its own.
    pub(crate) fn seal(&mut self) {
        let length = self.length;
        let bytes = &mut words_as_bytes_mut(&mut self.words)[..length];
        if length < 20 {
            return;
        }
        let mut crc = !0u32;
        for byte in &bytes[20..] {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            }
        }
        bytes[16..20].copy_from_slice(&(!crc).to_le_bytes());
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        let length = self.length;
        &mut words_as_bytes_mut(&mut self.words)[..length]
    }
}

pub(crate) fn tensor(element: Element, dims: &[usize], offset_bytes: u32, range: IntRange) -> Tensor {
    let dims: Vec<u32> = dims.iter().map(|dim| *dim as u32).collect();
    Tensor { element, shape: Shape::new(&dims).unwrap(), offset_bytes, range, role: Role::Value }
}

/// Tensors 0 and 1 of a program of one op, one behind the other.
pub(crate) fn pair(input: Tensor, mut output: Tensor) -> [Tensor; 2] {
    output.offset_bytes = input.size_bytes().next_multiple_of(8);
    [input, output]
}

/// Tensors one behind the other.
pub(crate) fn in_order(mut tensors: Vec<Tensor>) -> Vec<Tensor> {
    let mut next_bytes = 0;
    for tensor in &mut tensors {
        tensor.offset_bytes = next_bytes;
        next_bytes += tensor.size_bytes().next_multiple_of(8);
    }
    tensors
}

/// The first byte behind all of `tensors`, a multiple of 8.
pub(crate) fn end_bytes(tensors: &[Tensor]) -> u32 {
    let end = |tensor: &Tensor| (tensor.place().end as u32).next_multiple_of(8);
    tensors.iter().map(end).max().unwrap()
}

/// A program of one op: the last tensor is its output, all others are inputs of the model. It gets what it needs to work in.
pub(crate) fn single_op(op: Op<'_>, tensors: &[Tensor]) -> Image {
    let output = tensors.len() as u16 - 1;
    let inputs = vec![Input::default(); tensors.len() - 1];
    // What is pushed goes to a state.
    let states = vec![State { fill: 0 }; (op.kind() == OpKind::Push).into()];
    let mut tensors = tensors.to_vec();
    let scratch = Tensor::scratch(end_bytes(&tensors), op.scratch_bytes(&tensors[0]));
    let id = scratch.as_ref().map(|_| TensorId(output + 1));
    tensors.extend(scratch);
    Image::of(&Source {
        arena_bytes: end_bytes(&tensors),
        tensors: &tensors,
        inputs: &inputs,
        states: &states,
        outputs: &[Output::new(TensorId(output))],
        ops: &[op.with_scratch(id)],
        model: Model::default(),
    })
}

/// Runs the only input through the program and returns the codes of its only output.
pub(crate) fn run(program: &Program<'_>, input: &[i64]) -> Vec<i64> {
    run_all(program, &[input])
}

/// Runs the inputs through the program in every way there is, and returns the codes of its only output.
pub(crate) fn run_all(program: &Program<'_>, inputs: &[&[i64]]) -> Vec<i64> {
    let found = ways::at_once(program, inputs);
    ways::same_in_steps(program, inputs, &found);
    ways::same_outside(program, inputs, &found);
    found.into_iter().next().unwrap()
}

/// Demands of `image`, changed in bytes and sealed again, that it is refused, or a program that runs to its end with
/// inputs that hold `input`.
pub(crate) fn accepted_runs(
    mut image: Image,
    changes: &[(Index, u8, bool)],
    input: u8,
) -> Result<(), TestCaseError> {
    // Headers and records rather than constants, which nearly any bytes may be.
    let described = image.bytes().len() - image.load().unwrap().constant_bytes();
    for (at, value, small) in changes {
        let at = 20 + at.index(described - 20);
        image.bytes_mut()[at] = if *small { value % 8 } else { *value };
    }
    image.seal();
    let Ok(program) = image.load() else { return Ok(()) };
    prop_assume!(program.arena_bytes() <= 1 << 20);
    if program.has_ports_outside() {
        let elems = |index: usize| program.input_tensor(index).map_or(0, |tensor| tensor.shape.elems());
        let inputs: Vec<Vec<i64>> =
            (0..program.inputs().len()).map(|index| vec![input.into(); elems(index) as usize]).collect();
        let inputs: Vec<&[i64]> = inputs.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(ways::run_outside(&program, &inputs, None).len(), program.outputs().len());
        return Ok(());
    }
    let mut arena = vec![0; (program.arena_bytes() as usize).div_ceil(8)];
    let mut engine = Engine::new(&program, words_as_bytes_mut(&mut arena)).unwrap();
    for index in 0..program.inputs().len() {
        engine.input_mut(index).unwrap().as_bytes_mut().fill(input);
    }
    engine.run();
    prop_assert_eq!(engine.program().outputs().len(), (0..).map_while(|index| engine.output(index)).count());
    Ok(())
}
