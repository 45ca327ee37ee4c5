//! Runs a loaded program in an arena. Nothing here can fail or panic: loading has checked everything.

use core::marker::PhantomData;

use exactum_format::{Program, Tensor};
use exactum_kernels::isa::{Isa, Native};
use exactum_num::codes::{Codes, CodesMut};

use crate::arena::move_within;
use crate::error::{ArenaError, BufferError, InputError, Side};
use crate::memory::{Space, reset};
use crate::observe::Observer;
use crate::run::run;
use crate::steps::Steps;

/// A program and its working memory.
///
/// Fill the inputs, [`run`](Self::run), read the outputs. Inputs share the arena with everything else, so fill
/// them before every run. `K` are the instructions it runs with; the codes are those of every other instruction set.
/// `P` says where inputs and outputs are: in the arena, or some of them [`Outside`].
#[derive(Debug)]
pub struct Engine<'p, 'a, K = Native, P = Inside> {
    pub(crate) program: Program<'p>,
    pub(crate) arena: &'a mut [u8],
    isa: K,
    ports: PhantomData<P>,
}

/// All inputs and outputs lie in the arena.
#[derive(Clone, Copy, Debug)]
pub enum Inside {}

/// Inputs and outputs may lie outside the arena, in buffers that are given for each run: a program that
/// `exactum build --outside inputs,outputs` makes.
#[derive(Clone, Copy, Debug)]
pub enum Outside {}

impl<'p, 'a> Engine<'p, 'a> {
    /// An engine for the target this is built for, as [`Engine::with_isa`] makes one for given instructions.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned, or the program has ports outside it.
    pub fn new(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::with_isa(Native::default(), program, arena)
    }

    /// An engine that goes on where another one of `program` stopped: `arena` is as that one has left it, states with it.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn resume(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::resume_with_isa(Native::default(), program, arena)
    }
}

impl<'p, 'a> Engine<'p, 'a, Native, Outside> {
    /// An engine that is given buffers for each run, [`run_on`](Self::run_on) them: of any program.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn outside(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::outside_with_isa(Native::default(), program, arena)
    }

    /// The same, going on where another one of `program` stopped, as [`Engine::resume`].
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn resume_outside(program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        Self::in_arena(Native::default(), program, arena)
    }
}

impl<'p, 'a, K: Isa> Engine<'p, 'a, K> {
    /// An engine that computes with the instructions `isa` and works in `arena`: at least [`Program::arena_bytes`] bytes aligned to 8, as in an
    /// [`Arena`](crate::Arena).
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned, or the program has ports outside it.
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
    /// As [`with_isa`](Self::with_isa).
    pub fn resume_with_isa(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        if program.has_ports_outside() {
            return Err(ArenaError::PortsOutside);
        }
        Self::in_arena(isa, program, arena)
    }
}

impl<'p, 'a, K: Isa> Engine<'p, 'a, K, Outside> {
    /// As [`Engine::outside`], with the instructions `isa`.
    ///
    /// # Errors
    ///
    /// The arena is too small or misaligned.
    pub fn outside_with_isa(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        let mut engine = Self::in_arena(isa, program, arena)?;
        engine.reset();
        Ok(engine)
    }
}

impl<'p, 'a, K, P> Engine<'p, 'a, K, P> {
    fn in_arena(isa: K, program: &Program<'p>, arena: &'a mut [u8]) -> Result<Self, ArenaError> {
        let need_bytes = program.arena_bytes() as usize;
        let have_bytes = arena.len();
        if need_bytes > 0 && !arena.as_ptr().addr().is_multiple_of(8) {
            return Err(ArenaError::Misaligned);
        }
        let arena = arena.get_mut(..need_bytes).ok_or(ArenaError::TooSmall { need_bytes, have_bytes })?;
        Ok(Self { program: *program, arena, isa, ports: PhantomData })
    }

    /// Fills the states with what they hold before the first run. A new engine has done that.
    pub fn reset(&mut self) {
        reset(&self.program, self.arena);
    }

    /// The program.
    pub const fn program(&self) -> &Program<'p> {
        &self.program
    }

    /// The codes of input `index`, to be filled; `None` if there is no such input in the arena.
    ///
    /// Codes must lie in the input tensor's range: accumulators are proven for those only. Others give
    /// unspecified outputs, never a panic; [`set_input`](Self::set_input) refuses them.
    pub fn input_mut(&mut self, index: usize) -> Option<CodesMut<'_>> {
        let tensor = self.program.input_tensor(index).filter(|tensor| !tensor.role.is_outside())?;
        CodesMut::from_bytes(tensor.element, self.arena.get_mut(tensor.place())?)
    }

    /// Copies output `output` to input `input`, for models that keep a state outside.
    ///
    /// # Errors
    ///
    /// There is no such output or input, one of them lies outside the arena, they differ in element type or number of elements, the input must not hold all codes
    /// that the output can have, or both say what their integers stand for, and not the same.
    pub fn feed_back(&mut self, output: usize, input: usize) -> Result<(), InputError> {
        let from = self.program.output_tensor(output).ok_or(InputError::NoOutput)?;
        let to = self.program.input(input).ok_or(InputError::NoInput)?;
        let source = self.program.tensor(from).ok_or(InputError::NoOutput)?;
        let target = self.program.input_tensor(input).ok_or(InputError::NoInput)?;
        if source.role.is_outside() || target.role.is_outside() {
            return Err(InputError::Outside);
        }
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

    /// All memory of a run with no buffer beside the arena.
    fn space(&mut self) -> Space<'_, 'static> {
        Space { arena: self.arena, inputs: &[], outputs: &mut [] }
    }
}

/// Runs of programs all of whose memory is the arena.
impl<'p, 'a, K: Isa> Engine<'p, 'a, K> {
    /// Runs every op once.
    pub fn run(&mut self) {
        self.run_observed(&mut ());
    }

    /// Runs every op once and calls `observer` around each.
    pub fn run_observed(&mut self, observer: &mut impl Observer) {
        let (isa, program) = (self.isa, self.program);
        run_all(isa, &program, self.space(), observer);
    }

    /// A run in steps, of one op each if not [less](Steps::within), so that something else can be done between them, or the
    /// run be given up.
    ///
    /// Outputs mean something once all steps are done.
    pub fn steps(&mut self) -> Steps<'_, 'p, 'static, K> {
        let (isa, program) = (self.isa, self.program);
        Steps::new(isa, program, self.space())
    }
}

/// Runs of programs with inputs or outputs outside the arena.
impl<'p, 'a, K: Isa> Engine<'p, 'a, K, Outside> {
    /// Runs every op once, on `inputs`, the codes of the inputs outside the arena in their order, and `outputs`, where those of
    /// the outputs outside go. They are read and written where they are.
    ///
    /// Codes must lie in the inputs' ranges, as those of [`input_mut`](Self::input_mut).
    ///
    /// # Errors
    ///
    /// Another number of buffers than the program has ports outside, or one with another element type or number of elements
    /// than its port. Then nothing was run.
    pub fn run_on(&mut self, inputs: &[Codes<'_>], outputs: &mut [CodesMut<'_>]) -> Result<(), BufferError> {
        self.run_observed_on(inputs, outputs, &mut ())
    }

    /// The same, and calls `observer` around each op.
    ///
    /// # Errors
    ///
    /// As [`run_on`](Self::run_on).
    pub fn run_observed_on(
        &mut self,
        inputs: &[Codes<'_>],
        outputs: &mut [CodesMut<'_>],
        observer: &mut impl Observer,
    ) -> Result<(), BufferError> {
        check(&self.program, inputs, outputs)?;
        run_all(self.isa, &self.program, Space { arena: self.arena, inputs, outputs }, observer);
        Ok(())
    }

    /// A run in steps, as [`Engine::steps`] does it and on buffers as [`run_on`](Self::run_on) takes them.
    ///
    /// # Errors
    ///
    /// As [`run_on`](Self::run_on).
    pub fn steps_on<'s, 'b>(
        &'s mut self,
        inputs: &'s [Codes<'s>],
        outputs: &'s mut [CodesMut<'b>],
    ) -> Result<Steps<'s, 'p, 'b, K>, BufferError> {
        check(&self.program, inputs, outputs)?;
        Ok(Steps::new(self.isa, self.program, Space { arena: self.arena, inputs, outputs }))
    }
}

fn run_all<K: Isa>(isa: K, program: &Program<'_>, mut space: Space<'_, '_>, observer: &mut impl Observer) {
    for (index, record) in program.op_records().flatten().enumerate() {
        observer.before(index);
        run(isa, record, program.tensor_table(), space.reborrow(), None);
        if let Some(output) = program.tensor(record.output()).as_ref().and_then(|tensor| space.codes(tensor))
        {
            observer.after(index, output);
        }
    }
}

/// Whether `inputs` and `outputs` are what the ports of `program` outside the arena need.
fn check(program: &Program<'_>, inputs: &[Codes<'_>], outputs: &[CodesMut<'_>]) -> Result<(), BufferError> {
    let tensors = (0..program.inputs().len()).filter_map(|index| program.input_tensor(index));
    check_all(Side::Input, tensors, inputs.iter().copied())?;
    let tensors = (0..program.outputs().len()).filter_map(|index| program.output_tensor(index));
    let tensors = tensors.filter_map(|id| program.tensor(id));
    check_all(Side::Output, tensors, outputs.iter().map(CodesMut::as_codes))
}

fn check_all<'c>(
    side: Side,
    tensors: impl Iterator<Item = Tensor>,
    buffers: impl ExactSizeIterator<Item = Codes<'c>>,
) -> Result<(), BufferError> {
    let (mut need_buffers, have_buffers) = (0usize, buffers.len());
    let mut buffers = buffers.enumerate();
    for tensor in tensors.filter(|tensor| tensor.role.is_outside()) {
        need_buffers = need_buffers.saturating_add(1);
        let Some((buffer, codes)) = buffers.next() else { continue };
        let (need, have) = (tensor.element, codes.element());
        if need != have {
            return Err(BufferError::Element { side, buffer, need, have });
        }
        let (need_elems, have_elems) = (tensor.shape.elems() as usize, codes.len());
        if need_elems != have_elems {
            return Err(BufferError::Length { side, buffer, need_elems, have_elems });
        }
    }
    if need_buffers == have_buffers {
        Ok(())
    } else {
        Err(BufferError::Count { side, need_buffers, have_buffers })
    }
}
