//! The memory of a run: the arena and the buffers of ports outside, and of both what an op reads and writes.

use core::ops::Range;

use exactum_format::{Program, Role, Tensor, TensorId, Tensors};
use exactum_kernels::elementwise::Buffers;
use exactum_num::codes::{Codes, CodesMut, Element};

use crate::arena::{Pieces, disjoint, disjoint_with_scratch};

/// All memory of a run.
#[derive(Debug)]
pub(crate) struct Space<'s, 'b> {
    pub(crate) arena: &'s mut [u8],
    /// Buffers of the inputs outside.
    pub(crate) inputs: &'s [Codes<'s>],
    /// Buffers of the outputs outside.
    pub(crate) outputs: &'s mut [CodesMut<'b>],
}

impl<'b> Space<'_, 'b> {
    /// The same for a shorter time.
    pub(crate) const fn reborrow(&mut self) -> Space<'_, 'b> {
        Space { arena: self.arena, inputs: self.inputs, outputs: self.outputs }
    }

    /// The codes of `tensor`.
    pub(crate) fn codes(&self, tensor: &Tensor) -> Option<Codes<'_>> {
        let number = tensor.offset_bytes as usize;
        match tensor.role {
            Role::Value | Role::Scratch => Codes::from_bytes(tensor.element, self.arena.get(tensor.place())?),
            Role::OutsideInput => self.inputs.get(number).copied(),
            Role::OutsideOutput => self.outputs.get(number).map(CodesMut::as_codes),
        }
    }
}

/// The tensors of an op and where they lie.
pub(crate) struct Memory<'a, 'b, 'p> {
    pub(crate) tensors: Tensors<'p>,
    pub(crate) input: &'a Tensor,
    pub(crate) output: &'a Tensor,
    pub(crate) space: Space<'a, 'b>,
}

impl<'a, 'b> Memory<'a, 'b, '_> {
    const fn is_inside(&self) -> bool {
        !self.input.role.is_outside() && !self.output.role.is_outside()
    }

    /// The bytes of the input and, to be written, of the output; `None` if they share bytes or lie outside their memory.
    pub(crate) fn bytes(self) -> Option<(&'a [u8], &'a mut [u8])> {
        if self.is_inside() {
            return disjoint(self.space.arena, self.input.place(), self.output.place());
        }
        let (read, write, _) = self.apart(0..0)?;
        Some((read, write))
    }

    /// The codes of the input and, to be written, of the output.
    pub(crate) fn views(self) -> Option<(Codes<'a>, CodesMut<'a>)> {
        let (from, to) = (self.input.element, self.output.element);
        let (read, write) = self.bytes()?;
        Some((Codes::from_bytes(from, read)?, CodesMut::from_bytes(to, write)?))
    }

    /// The same with scratch for 16-bit codes: that of the tensor `scratch`, or none.
    pub(crate) fn views_and_scratch(
        self,
        scratch: Option<TensorId>,
    ) -> Option<(Codes<'a>, CodesMut<'a>, &'a mut [i16])> {
        let Some(scratch) = scratch else {
            let (input, output) = self.views()?;
            return Some((input, output, &mut []));
        };
        let place = self.tensors.get(scratch)?.place();
        let (from, to) = (self.input.element, self.output.element);
        let (read, write, scratch) = if self.is_inside() {
            disjoint_with_scratch(self.space.arena, self.input.place(), self.output.place(), place)?
        } else {
            self.apart(place)?
        };
        let CodesMut::I16(scratch) = CodesMut::from_bytes(Element::I16, scratch)? else { return None };
        Some((Codes::from_bytes(from, read)?, CodesMut::from_bytes(to, write)?, scratch))
    }

    /// The bytes of the input, of the output and of scratch, of which one at least lies outside the arena.
    #[cold]
    #[inline(never)]
    fn apart(self, scratch: Range<usize>) -> Option<(&'a [u8], &'a mut [u8], &'a mut [u8])> {
        let input = self.input;
        let (reads, write, scratch) = self.split(scratch)?;
        Some((reads.bytes(input)?, write, scratch))
    }

    /// The bytes of the output, and everything else, to be read.
    pub(crate) fn written(self) -> Option<(Reads<'a, 'b>, &'a mut [u8])> {
        let (reads, write, _) = self.split(0..0)?;
        Some((reads, write))
    }

    /// The bytes of the output and those of `scratch`, which may be none, and everything else, to be read.
    #[inline(never)]
    fn split(self, scratch: Range<usize>) -> Option<(Reads<'a, 'b>, &'a mut [u8], &'a mut [u8])> {
        let Space { arena, inputs, outputs } = self.space;
        let mut pieces = Pieces::new(arena);
        let number = self.output.offset_bytes as usize;
        let (write, before, after): (_, &mut [CodesMut<'b>], &mut [CodesMut<'b>]) = match self.output.role {
            Role::OutsideOutput => {
                let (before, rest) = outputs.split_at_mut_checked(number)?;
                let (own, after) = rest.split_first_mut()?;
                (own.as_bytes_mut(), before, after)
            }
            Role::Value | Role::Scratch | Role::OutsideInput => {
                (pieces.take(self.output.place())?, outputs, &mut [])
            }
        };
        let scratch = if scratch.is_empty() { &mut [] } else { pieces.take(scratch)? };
        Some((Reads { pieces: pieces.shared(), inputs, before, after }, write, scratch))
    }

    /// The tensors of an op of two operands.
    pub(crate) fn buffers(self, second: &Tensor) -> Option<Buffers<'a>> {
        let (first, output) = (self.input, self.output);
        let (reads, write) = self.written()?;
        let read = |tensor: &Tensor| match tensor.lies_at(output) {
            true => Some(None),
            false => reads.bytes(tensor).map(Some),
        };
        Some(Buffers { first: read(first)?, second: read(second)?, output: write })
    }
}

/// What an op does not write.
pub(crate) struct Reads<'a, 'b> {
    pieces: Pieces<&'a [u8]>,
    inputs: &'a [Codes<'a>],
    /// Buffers of outputs before the one that is written.
    before: &'a [CodesMut<'b>],
    /// Those behind it.
    after: &'a [CodesMut<'b>],
}

impl<'a> Reads<'a, '_> {
    /// The bytes of `tensor`.
    pub(crate) fn bytes(&self, tensor: &Tensor) -> Option<&'a [u8]> {
        let number = tensor.offset_bytes as usize;
        match tensor.role {
            Role::Value | Role::Scratch => self.pieces.get(tensor.place()),
            Role::OutsideInput => self.inputs.get(number).map(|codes| codes.as_bytes()),
            Role::OutsideOutput => {
                let behind = |number: usize| number.checked_sub(self.before.len())?.checked_sub(1);
                let later = || self.after.get(behind(number)?);
                self.before.get(number).or_else(later).map(|codes| codes.as_codes().as_bytes())
            }
        }
    }
}

/// Fills the states of `program` with what they hold before the first run.
pub(crate) fn reset(program: &Program<'_>, arena: &mut [u8]) {
    for (index, state) in program.states().enumerate() {
        let Some(tensor) = program.tensor(program.state_tensor(index)) else { continue };
        let Some(bytes) = arena.get_mut(tensor.place()) else { continue };
        if let Some(mut codes) = CodesMut::from_bytes(tensor.element, bytes) {
            codes.fill(state.fill);
        }
    }
}
