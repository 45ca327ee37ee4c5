//! Runs any program on files of the host: one image for a whole conformance suite, without recompiling.
//!
//! Command line: `PROGRAM INPUT OUTPUT [COUNTS]`, paths without blanks. INPUT holds the codes of all inputs,
//! sample after sample, little endian; OUTPUT receives those of all outputs. COUNTS receives words of 32
//! bits: the number of ops, the ticks of an empty pair of observer calls, then for each sample the ticks of
//! the inference, the bytes of stack it takes, and the ticks of each op.

use exactum_runtime::{Engine, Program};
use semihosting::fs::File;

use crate::{
    counter::{Counter, OpTicks},
    failure::Failure,
    files::{Path, read_up_to, write},
    stack::Stack,
};

/// The board's memory for a run. The program and the arena are aligned to 8 bytes.
#[derive(Debug)]
pub struct Memory<'m> {
    /// Takes the program file.
    pub program: &'m mut [u8],
    /// The engine's working memory.
    pub arena: &'m mut [u8],
    /// Takes the input codes of one sample.
    pub sample: &'m mut [u8],
}

/// Runs the program of the command line on every sample of its input file; counts those of up to `OPS` ops.
///
/// # Errors
/// Every [`Failure`] of files, memory, program and input; the reason is logged where the code alone says too
/// little.
pub fn run<const OPS: usize>(
    counter: &mut impl Counter,
    stack: &mut impl Stack,
    memory: Memory<'_>,
) -> Result<(), Failure> {
    let path = |index| Path::from_command_line(index)?.ok_or(Failure::CommandLine);
    let length_bytes = read_up_to(&mut path(1)?.open()?, memory.program)?;
    if length_bytes == memory.program.len() {
        return Err(Failure::Capacity);
    }
    let image = memory.program.get(..length_bytes).ok_or(Failure::Capacity)?;
    let program = Program::load(image).map_err(|error| {
        defmt::error!("{}", defmt::Display2Format(&error));
        Failure::Load
    })?;
    let mut engine = Engine::new(&program, memory.arena).map_err(|error| {
        defmt::error!("{}", defmt::Display2Format(&error));
        Failure::Capacity
    })?;

    let sample_bytes = input_bytes(&mut engine)?;
    let sample = memory.sample.get_mut(..sample_bytes).ok_or(Failure::Capacity)?;
    let (mut input, mut output) = (path(2)?.open()?, path(3)?.create()?);
    let mut counts = Path::from_command_line(4)?.map(|path| path.create()).transpose()?;
    if let Some(counts) = &mut counts {
        count_header::<OPS>(counts, &program, counter)?;
    }
    loop {
        match read_up_to(&mut input, sample)? {
            0 => return Ok(()),
            bytes if bytes == sample_bytes => {}
            _ => return Err(Failure::InputLength),
        }
        if let Some(counts) = &mut counts {
            fill_inputs(&mut engine, sample)?;
            count::<OPS>(counts, &mut engine, sample, counter, stack)?;
        }
        fill_inputs(&mut engine, sample)?;
        engine.run();
        for index in 0..program.outputs().len() {
            write(&mut output, engine.output(index).ok_or(Failure::Load)?.as_bytes())?;
        }
    }
}

/// Bytes of all inputs of one sample.
pub(crate) fn input_bytes(engine: &mut Engine<'_, '_>) -> Result<usize, Failure> {
    let mut total = 0usize;
    for index in 0..engine.program().inputs().len() {
        let input = engine.input_mut(index).ok_or(Failure::Load)?;
        total = total.checked_add(input.as_codes().as_bytes().len()).ok_or(Failure::Capacity)?;
    }
    // A program without input gives one output and no end of samples.
    if total == 0 { Err(Failure::Application) } else { Ok(total) }
}

/// Copies `sample` into the inputs. They share the arena with everything else, so before every run.
pub(crate) fn fill_inputs(engine: &mut Engine<'_, '_>, mut sample: &[u8]) -> Result<(), Failure> {
    let program = *engine.program();
    for index in 0..program.inputs().len() {
        let range = program.input_tensor(index).ok_or(Failure::Load)?.range;
        let mut codes = engine.input_mut(index).ok_or(Failure::Load)?;
        let bytes = codes.as_bytes_mut();
        let (front, rest) = sample.split_at_checked(bytes.len()).ok_or(Failure::InputLength)?;
        bytes.copy_from_slice(front);
        sample = rest;
        if !codes.as_codes().iter().all(|code| range.contains(code.into())) {
            return Err(Failure::InputCode);
        }
    }
    Ok(())
}

fn count_header<const OPS: usize>(
    counts: &mut File,
    program: &Program<'_>,
    counter: &impl Counter,
) -> Result<(), Failure> {
    let ops = u32::try_from(program.op_count()).map_err(|_| Failure::Capacity)?;
    if program.op_count() > OPS {
        return Err(Failure::Capacity);
    }
    write(counts, &ops.to_le_bytes())?;
    write(counts, &OpTicks::<_, OPS>::new(counter).empty_pair().to_le_bytes())
}

/// Bytes of stack that a run takes below this frame.
#[inline(never)]
fn stack_of_run(engine: &mut Engine<'_, '_>, stack: &mut impl Stack) -> u32 {
    stack.paint();
    engine.run();
    stack.used_bytes()
}

/// Measures the sample that fills the inputs: first op by op, then whole and without an observer.
fn count<const OPS: usize>(
    counts: &mut File,
    engine: &mut Engine<'_, '_>,
    sample: &[u8],
    counter: &mut impl Counter,
    stack: &mut impl Stack,
) -> Result<(), Failure> {
    counter.restart();
    let mut ops = OpTicks::<_, OPS>::new(&*counter);
    engine.run_observed(&mut ops);
    let inference = {
        fill_inputs(engine, sample)?;
        let start = counter.ticks();
        engine.run();
        counter.ticks().wrapping_sub(start)
    };
    if counter.wrapped() {
        return Err(Failure::CounterWrapped);
    }
    fill_inputs(engine, sample)?;
    let stack_bytes = stack_of_run(engine, stack);
    write(counts, &inference.to_le_bytes())?;
    write(counts, &stack_bytes.to_le_bytes())?;
    (0..engine.program().op_count()).try_for_each(|op| write(counts, &ops.ticks(op).to_le_bytes()))
}

/// The binary `generic` of a board: its memory as statics, of these sizes in bytes, its counter and its stack.
#[macro_export]
macro_rules! generic {
    (program: $program:expr, arena: $arena:expr, sample: $sample:expr, ops: $ops:expr, counter: $counter:expr, stack: $stack:expr $(,)?) => {{
        use $crate::failure::{Failure, exit};
        use $crate::generic::{Memory, run};
        use $crate::{Arena, ConstStaticCell};

        static PROGRAM: ConstStaticCell<Arena<{ $program }>> = ConstStaticCell::new(Arena::new());
        static ARENA: ConstStaticCell<Arena<{ $arena }>> = ConstStaticCell::new(Arena::new());
        static SAMPLE: ConstStaticCell<Arena<{ $sample }>> = ConstStaticCell::new(Arena::new());
        let generic = || {
            let mut counter = $counter.ok_or(Failure::Capacity)?;
            let memory = Memory {
                program: PROGRAM.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
                arena: ARENA.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
                sample: SAMPLE.try_take().ok_or(Failure::Capacity)?.as_mut_slice(),
            };
            run::<{ $ops }>(&mut counter, &mut $stack, memory)
        };
        exit(generic())
    }};
}
