//! Programs: cut into sections, checked, read.

mod header;
mod listing;
mod verify;

pub(crate) use header::Header;
#[cfg(feature = "encode")]
pub(crate) use header::{CHECKED_FROM, CHECKSUM};

use crate::constants::Constants;
use crate::error::LoadError;
use crate::id::TensorId;
use crate::meaning::PortNumbers;
use crate::op::{OpRecords, Ops};
use crate::port::{Input, InputRecord, Output, OutputRecord};
use crate::state::{State, StateRecord};
use crate::tensor::{Tensor, TensorRecord, Tensors};

/// What a caller can afford.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
    /// Longest image; the time that loading takes is in proportion to it.
    pub image_bytes: u32,
    /// Largest arena.
    pub arena_bytes: u32,
}

impl Default for Limits {
    /// What the format can state.
    fn default() -> Self {
        Self { image_bytes: u32::MAX, arena_bytes: i32::MAX as u32 }
    }
}

/// A checked program, borrowed from its image.
#[derive(Clone, Copy, Debug)]
pub struct Program<'p> {
    image: &'p [u8],
    header: &'p Header,
    tensors: Tensors<'p>,
    inputs: &'p [InputRecord],
    states: &'p [StateRecord],
    outputs: &'p [OutputRecord],
    ops: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> Program<'p> {
    /// Checks `image` completely and borrows it.
    ///
    /// The image must be aligned to 8 bytes; [`Aligned`](crate::Aligned) and [`include_program!`](crate::include_program) see to
    /// that. Takes time in proportion to the image's size, whatever it says.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the image, and in which tensor or op.
    pub fn load(image: &'p [u8]) -> Result<Self, LoadError> {
        Self::load_within(image, &Limits::default())
    }

    /// The same, refusing at once what needs more than `limits`.
    ///
    /// # Errors
    ///
    /// The image or its arena is larger, or as [`load`](Self::load) says.
    pub fn load_within(image: &'p [u8], limits: &Limits) -> Result<Self, LoadError> {
        let program = header::sections(image, limits)?;
        verify::verify(&program)?;
        Ok(program)
    }

    /// Borrows an image of which the caller knows that it is a program, because it was loaded once, on a host or before it
    /// was written to flash: only header and checksum are checked.
    ///
    /// Of an image that [`load`](Self::load) would refuse the outputs are unspecified; running it stays within the arena
    /// and does not panic.
    ///
    /// # Errors
    ///
    /// The header is not that of a program, or the image was changed after it was written.
    pub fn trust(image: &'p [u8]) -> Result<Self, LoadError> {
        header::sections(image, &Limits::default())
    }

    /// The image that `slot` starts with: what flash holds behind it does not matter.
    ///
    /// # Errors
    ///
    /// There is none, or it is longer than the slot.
    pub fn image_in(slot: &[u8]) -> Result<&[u8], LoadError> {
        let length = header::length_bytes(slot)?;
        Ok(slot.get(..length).unwrap_or_default())
    }

    /// The image this was loaded from.
    pub const fn image(&self) -> &'p [u8] {
        self.image
    }

    /// Bytes of working memory an engine needs, aligned to 8.
    pub const fn arena_bytes(&self) -> u32 {
        self.header.arena_bytes
    }

    /// Bytes of weights, biases and requantization parameters.
    pub const fn constant_bytes(&self) -> usize {
        self.constants.0.len()
    }

    /// Number of ops.
    pub const fn op_count(&self) -> usize {
        self.header.op_count as usize
    }

    /// Number of tensors.
    pub const fn tensor_count(&self) -> usize {
        self.tensors.0.len()
    }

    /// Tensor `id`, or `None` if there is none.
    pub fn tensor(&self, id: TensorId) -> Option<Tensor> {
        self.tensors.get(id)
    }

    /// All tensors in order.
    pub fn tensors(&self) -> impl Iterator<Item = Tensor> + Clone + 'p {
        self.tensors.0.iter().filter_map(TensorRecord::decode)
    }

    /// The model's inputs in order.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = Input<'p>> + Clone + 'p {
        let constants = self.constants;
        self.inputs.iter().map(move |record| record.decode_or_integers(constants))
    }

    /// Whether an input or output lies outside the arena, in a buffer that the caller gives for each run.
    pub fn has_ports_outside(&self) -> bool {
        self.tensors().any(|tensor| tensor.role.is_outside())
    }

    /// Bytes of the inputs and outputs outside the arena.
    pub fn outside_bytes(&self) -> u64 {
        let outside = self.tensors().filter(|tensor| tensor.role.is_outside());
        outside.fold(0, |bytes, tensor| bytes.saturating_add(tensor.size_bytes().into()))
    }

    /// The tensor of input `index`: they come first.
    pub fn input_tensor(&self, index: usize) -> Option<Tensor> {
        self.tensor(TensorId(u16::try_from(index).ok().filter(|_| index < self.inputs.len())?))
    }

    /// What lives from run to run, in order.
    pub fn states(&self) -> impl ExactSizeIterator<Item = State> + Clone + 'p {
        self.states.iter().map(StateRecord::decode)
    }

    /// The tensor of state `index`: those of the inputs come first.
    pub const fn state_tensor(&self, index: usize) -> TensorId {
        TensorId(self.inputs.len().wrapping_add(index) as u16)
    }

    /// The model's outputs in order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Output<'p>> + Clone + 'p {
        let constants = self.constants;
        self.outputs.iter().map(move |record| record.decode(constants))
    }

    /// Input `index`.
    pub fn input(&self, index: usize) -> Option<Input<'p>> {
        self.inputs.get(index).map(|record| record.decode_or_integers(self.constants))
    }

    /// What the integers of output `index` stand for, without its names: every element asks for it.
    pub fn output_numbers(&self, index: usize) -> Option<PortNumbers<'p>> {
        self.outputs.get(index)?.numbers(self.constants)
    }

    /// The tensor of output `index`.
    pub fn output_tensor(&self, index: usize) -> Option<TensorId> {
        self.outputs.get(index).map(OutputRecord::tensor)
    }

    /// The model's name; empty if it has none.
    pub fn model_name(&self) -> &'p str {
        let bytes = self.constants.slice(self.header.model_name).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The model's version, as its file states it; 0 if it does not.
    pub const fn model_version(&self) -> i64 {
        self.header.model_version
    }

    /// SHA-256 of the model's file; zeros if it is not known.
    pub const fn model_digest(&self) -> &'p [u8; 32] {
        &self.header.model_digest
    }

    /// The tensor table.
    pub const fn tensor_table(&self) -> Tensors<'p> {
        self.tensors
    }

    /// All ops in the order they run.
    pub fn ops(&self) -> Ops<'p> {
        Ops(self.op_records())
    }

    /// The records of all ops in the order they run, each to be decoded by whoever runs it.
    pub const fn op_records(&self) -> OpRecords<'p> {
        OpRecords::new(self.ops, self.constants)
    }
}
