//! Runs a loaded program in an arena. Nothing here can fail or panic: loading has checked everything.

use exactum_format::{Program, Tensor};
use exactum_kernels::isa::{Isa, Native};
use exactum_num::codes::{Codes, CodesMut};

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
}

impl<'p, 'a, K: Isa> Engine<'p, 'a, K> {
    /// An engine that computes with the instructions `isa` and works in `arena`: at least [`Program::arena_bytes`] bytes aligned to 8, as in an
    /// [`Arena`](crate::Arena).
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn with_isa(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        let need_bytes = program.arena_bytes() as usize;
        let have_bytes = arena.len();
        if arena.as_ptr().align_offset(8) != 0 {
            return Err(ArenaError::Misaligned);
        }
        let arena = arena.get_mut(..need_bytes).ok_or(ArenaError::TooSmall { need_bytes, have_bytes })?;
        Ok(Self { program: *program, arena, isa })
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
        let tensor = self.input_tensor(index).ok_or(InputError::NoInput)?;
        let input = self.program.inputs().nth(index).ok_or(InputError::NoInput)?;
        let quantizer = input.quantizer(tensor.range).ok_or(InputError::NoScale)?;
        let codes = values.iter().enumerate().map(|(element, value)| quantizer.quantize(element, *value));
        self.set_input(index, codes)
    }

    /// Runs every op once.
    pub fn run(&mut self) {
        self.run_observed(&mut ());
    }

    /// Runs every op once and calls `observer` around each.
    pub fn run_observed(&mut self, observer: &mut impl Observer) {
        let tensors = self.program.tensor_table();
        for (index, record) in self.program.op_records().flatten().enumerate() {
            let (Some(input), Some(output)) = (&tensors.get(record.input()), &tensors.get(record.output()))
            else {
                return;
            };
            observer.before(index);
            run(self.isa, record, tensors, input, output, self.arena);
            if let Some(output) = self.codes(output) {
                observer.after(index, output);
            }
        }
    }

    /// The codes of output `index` after a run; `None` if there is no such output.
    pub fn output(&self, index: usize) -> Option<Codes<'_>> {
        self.codes(&self.program.tensor(self.program.outputs().nth(index)?.tensor)?)
    }

    fn input_tensor(&self, index: usize) -> Option<Tensor> {
        self.program.tensor(self.program.inputs().nth(index)?.tensor)
    }

    fn codes(&self, tensor: &Tensor) -> Option<Codes<'_>> {
        Codes::from_bytes(tensor.element, self.arena.get(tensor.place())?)
    }
}
