//! Runs a loaded program in an arena. Nothing here can fail or panic: loading has checked everything.

use exactum_format::op::OpRecords;
use exactum_format::{ElementQuantizer, Program, Tensor, TensorId};
use exactum_kernels::isa::{Isa, Native};
use exactum_num::codes::{Code, Codes, CodesMut};
use exactum_num::{Real, Unit, nearest_quotient, with_codes};

use crate::arena::move_within;
use crate::error::{ArenaError, InputError};
use crate::observe::Observer;
use crate::run::run;

/// A program and its working memory.
///
/// Fill the inputs, [`run`](Self::run), read the outputs. Inputs share the arena with everything else, so fill
/// them before every run. `K` are the instructions it runs with; the codes are those of every other instruction set.
#[derive(Debug)]
pub struct Engine<'p, 'a, K = Native> {
    program: Program<'p>,
    arena: &'a mut [u8],
    isa: K,
}

impl<'p, 'a> Engine<'p, 'a> {
    /// An engine for the target this is built for, as [`Engine::with_isa`] makes one for given instructions.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn new(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::with_isa(Native::default(), program, arena)
    }

    /// An engine that goes on where another one of `program` stopped: `arena` is as that one has left it, states with it.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn resume(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::resume_with_isa(Native::default(), program, arena)
    }
}

impl<'p, 'a, K: Isa> Engine<'p, 'a, K> {
    /// An engine that computes with the instructions `isa` and works in `arena`: at least [`Program::arena_bytes`] bytes aligned to 8, as in an
    /// [`Arena`](crate::Arena).
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn with_isa(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        let mut engine = Self::resume_with_isa(isa, program, arena)?;
        engine.reset();
        Ok(engine)
    }

    /// As [`with_isa`](Self::with_isa), in an arena that an engine of `program` has left: states are what its last run made of
    /// them.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn resume_with_isa(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        let need_bytes = program.arena_bytes() as usize;
        let have_bytes = arena.len();
        if !arena.as_ptr().addr().is_multiple_of(8) {
            return Err(ArenaError::Misaligned);
        }
        let arena = arena.get_mut(..need_bytes).ok_or(ArenaError::TooSmall { need_bytes, have_bytes })?;
        Ok(Self { program: *program, arena, isa })
    }

    /// Fills the states with what they hold before the first run. A new engine has done that.
    pub fn reset(&mut self) {
        for (index, state) in self.program.states().enumerate() {
            let Some(tensor) = self.program.tensor(self.program.state_tensor(index)) else { continue };
            let Some(bytes) = self.arena.get_mut(tensor.place()) else { continue };
            if let Some(mut codes) = CodesMut::from_bytes(tensor.element, bytes) {
                codes.fill(state.fill);
            }
        }
    }

    /// The program.
    pub const fn program(&self) -> &Program<'p> {
        &self.program
    }

    /// The codes of input `index`, to be filled; `None` if there is no such input.
    ///
    /// Codes must lie in the input tensor's range: accumulators are proven for those only. Others give
    /// unspecified outputs, never a panic; [`set_input`](Self::set_input) refuses them.
    pub fn input_mut(&mut self, index: usize) -> Option<CodesMut<'_>> {
        let tensor = self.input_tensor(index)?;
        CodesMut::from_bytes(tensor.element, self.arena.get_mut(tensor.place())?)
    }

    /// Fills input `index` with `codes`.
    ///
    /// # Errors
    ///
    /// There is no such input, or the codes are too many, too few, or outside the input's range. Then the input
    /// is unspecified.
    pub fn set_input(
        &mut self,
        index: usize,
        codes: impl ExactSizeIterator<Item = i32>,
    ) -> Result<(), InputError> {
        let tensor = self.input_tensor(index).ok_or(InputError::NoInput)?;
        let mut input = self.input_mut(index).ok_or(InputError::NoInput)?;
        let (need_elems, have_elems) = (input.as_codes().len(), codes.len());
        if need_elems != have_elems {
            return Err(InputError::Length { need_elems, have_elems });
        }
        for (index, code) in codes.enumerate() {
            if !tensor.range.contains(code.into()) {
                return Err(InputError::Code { index, code });
            }
            input.take_front(1).fill(code);
        }
        Ok(())
    }

    /// Quantizes `values` into input `index`, exactly, by integers alone.
    ///
    /// # Errors
    ///
    /// There is no such input, it takes integers, or the values are too many or too few.
    pub fn quantize_input(&mut self, index: usize, values: &[f32]) -> Result<(), InputError> {
        let (quantizer, codes) = self.quantizer(index, values.len())?;
        match quantizer {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast();
                fill(codes, values, |_, value| quantizer.quantize(value));
            }
            ElementQuantizer::Thresholds(quantizer) => {
                fill(codes, values, |element, value| quantizer.quantize(element, value));
            }
        }
        Ok(())
    }

    /// Quantizes `bytes`, which stand for `byte / divisor`, into input `index`: the pixels of an image with 255, which are
    /// the floats that dividing by it gives.
    ///
    /// # Errors
    ///
    /// There is no such input, it takes integers, or the bytes are too many or too few.
    pub fn quantize_bytes(&mut self, index: usize, bytes: &[u8], divisor: u16) -> Result<(), InputError> {
        let (quantizer, codes) = self.quantizer(index, bytes.len())?;
        let value = |byte: u8| nearest_quotient(byte.into(), divisor);
        match quantizer {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast();
                // Codes of more than 16 bits are rare, and need a table of their own.
                if bytes.len() < BYTES || matches!(codes, CodesMut::I32(_)) {
                    fill(codes, bytes, |_, byte| quantizer.quantize(value(byte)));
                    return Ok(());
                }
                // A code for each byte, once.
                let mut table = [0; BYTES];
                for (byte, code) in (0..=u8::MAX).zip(&mut table) {
                    *code = quantizer.quantize(value(byte)) as i16;
                }
                fill(codes, bytes, |_, byte| {
                    table.get(usize::from(byte)).copied().unwrap_or_default().into()
                });
            }
            ElementQuantizer::Thresholds(quantizer) => {
                fill(codes, bytes, |element, byte| quantizer.quantize(element, value(byte)));
            }
        }
        Ok(())
    }

    /// Quantizes `samples`, which stand for `sample / 2^fraction_bits`, into input `index`: audio and converters, with 15 for
    /// numbers from -1 to 1.
    ///
    /// # Errors
    ///
    /// There is no such input, it takes integers, or the samples are too many or too few.
    pub fn quantize_samples(
        &mut self,
        index: usize,
        samples: &[i16],
        fraction_bits: u8,
    ) -> Result<(), InputError> {
        let (quantizer, codes) = self.quantizer(index, samples.len())?;
        match quantizer {
            ElementQuantizer::Uniform(quantizer) => {
                let quantizer = quantizer.fast().of_samples(fraction_bits);
                fill(codes, samples, |_, sample| quantizer.quantize(sample));
            }
            ElementQuantizer::Thresholds(quantizer) => {
                let unit = Unit { mantissa: 1, exponent: i16::from(fraction_bits).wrapping_neg() };
                fill(codes, samples, |element, sample| {
                    quantizer.quantize(element, Real { count: sample.into(), unit }.to_f32())
                });
            }
        }
        Ok(())
    }

    /// The quantizer of input `index` and the places of its codes, which are as many as `have_elems`.
    fn quantizer(
        &mut self,
        index: usize,
        have_elems: usize,
    ) -> Result<(ElementQuantizer<'p>, CodesMut<'_>), InputError> {
        let tensor = self.input_tensor(index).ok_or(InputError::NoInput)?;
        let input = self.program.input(index).ok_or(InputError::NoInput)?;
        let quantizer = input.quantizer(tensor.range).ok_or(InputError::NoScale)?;
        let need_elems = tensor.shape.elems() as usize;
        if need_elems != have_elems {
            return Err(InputError::Length { need_elems, have_elems });
        }
        Ok((quantizer, self.input_mut(index).ok_or(InputError::NoInput)?))
    }

    /// Runs every op once.
    pub fn run(&mut self) {
        self.run_observed(&mut ());
    }

    /// Runs every op once and calls `observer` around each.
    pub fn run_observed(&mut self, observer: &mut impl Observer) {
        for (index, record) in self.program.op_records().flatten().enumerate() {
            observer.before(index);
            run(self.isa, record, self.program.tensor_table(), self.arena);
            if let Some(output) = self.tensor_codes(record.output()) {
                observer.after(index, output);
            }
        }
    }

    /// A run in steps of one op each, so that something else can be done between them, or the run be given up.
    ///
    /// Outputs mean something once all steps are done. A run that was given up leaves states as the ops that ran have made
    /// them.
    pub fn steps(&mut self) -> Steps<'_, 'p, 'a, K> {
        Steps { records: self.program.op_records(), index: 0, engine: self }
    }

    /// The codes of output `index` after a run; `None` if there is no such output.
    pub fn output(&self, index: usize) -> Option<Codes<'_>> {
        self.tensor_codes(self.program.output_tensor(index)?)
    }

    /// The real number that element `element` of output `index` stands for, exactly; `None` if there is no such element or
    /// the program does not say what it stands for.
    pub fn output_real(&self, index: usize, element: usize) -> Option<Real> {
        let numbers = self.program.output_numbers(index)?;
        Some(numbers.real(element, self.output(index)?.get(element)?))
    }

    /// Writes the positions of the largest elements of output `index` to `best`, the largest first and of equal ones the one
    /// that comes first; how many there are.
    ///
    /// Compares the real numbers that the integers stand for, exactly; the integers themselves where the program does not
    /// say what these are.
    pub fn largest(&self, index: usize, best: &mut [usize]) -> usize {
        let Some(codes) = self.output(index) else { return 0 };
        let numbers = self.program.output_numbers(index);
        let score = |element: usize, code: i32| {
            numbers.map_or(code.into(), |numbers| numbers.real(element, code).count)
        };
        let at = |element: usize| score(element, codes.get(element).unwrap_or_default());
        let mut found = 0usize;
        for (element, code) in codes.iter().enumerate() {
            let own = score(element, code);
            let known = best.get(..found).unwrap_or_default();
            let place = known.partition_point(|other| at(*other) >= own);
            // What is best so far moves by one, the last of it out if there is no room.
            found = found.saturating_add(1).min(best.len());
            let mut moved = element;
            for later in best.get_mut(place..found).unwrap_or_default() {
                moved = core::mem::replace(later, moved);
            }
        }
        found
    }

    /// The position of the largest element of output `index`, as [`largest`](Self::largest) finds it.
    pub fn argmax(&self, index: usize) -> Option<usize> {
        let mut best = [0];
        (self.largest(index, &mut best) > 0).then_some(best[0])
    }

    /// Copies output `output` to input `input`, for models that keep a state outside.
    ///
    /// # Errors
    ///
    /// There is no such output or input, they differ in element type or number of elements, the input must not hold all codes
    /// that the output can have, or both say what their integers stand for, and not the same.
    pub fn feed_back(&mut self, output: usize, input: usize) -> Result<(), InputError> {
        let from = self.program.output_tensor(output).ok_or(InputError::NoOutput)?;
        let to = self.program.input(input).ok_or(InputError::NoInput)?;
        let source = self.program.tensor(from).ok_or(InputError::NoOutput)?;
        let target = self.input_tensor(input).ok_or(InputError::NoInput)?;
        let (need_elems, have_elems) = (target.shape.elems() as usize, source.shape.elems() as usize);
        if need_elems != have_elems {
            return Err(InputError::Length { need_elems, have_elems });
        }
        let same_numbers = match (self.program.output_numbers(output), to.meaning.numbers) {
            (Some(from), Some(to)) => from.agrees_with(&to),
            _ => true,
        };
        if source.element != target.element || !target.range.contains_range(source.range) || !same_numbers {
            return Err(InputError::Differs);
        }
        move_within(self.arena, source.place(), target.place());
        Ok(())
    }

    fn input_tensor(&self, index: usize) -> Option<Tensor> {
        self.program.input_tensor(index)
    }

    fn tensor_codes(&self, id: TensorId) -> Option<Codes<'_>> {
        let tensor = self.program.tensor(id)?;
        Codes::from_bytes(tensor.element, self.arena.get(tensor.place())?)
    }
}

/// Values that a byte has.
const BYTES: usize = 256;

/// Writes the code of each value; quantizers give codes of the tensor's range, which its elements hold.
#[inline(never)]
fn fill<V: Copy>(codes: CodesMut<'_>, values: &[V], code: impl Fn(usize, V) -> i32) {
    with_codes!(CodesMut, codes, codes => write(codes, values, code));
}

fn write<T: Code, V: Copy>(codes: &mut [T], values: &[V], code: impl Fn(usize, V) -> i32) {
    for (index, (to, value)) in codes.iter_mut().zip(values).enumerate() {
        *to = T::truncate(code(index, *value));
    }
}

/// A run in steps; each item is the number of the op that has just run.
#[derive(Debug)]
pub struct Steps<'e, 'p, 'a, K = Native> {
    engine: &'e mut Engine<'p, 'a, K>,
    records: OpRecords<'p>,
    index: usize,
}

impl<K: Isa> Iterator for Steps<'_, '_, '_, K> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let record = self.records.next()?.ok()?;
        run(self.engine.isa, record, self.engine.program.tensor_table(), self.engine.arena);
        let index = self.index;
        self.index = index.wrapping_add(1);
        Some(index)
    }
}
