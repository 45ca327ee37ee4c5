//! Programs: cut into sections, checked, read.

mod header;
mod listing;
mod verify;

#[cfg(any(test, feature = "encode"))]
pub(crate) use header::Header;
#[cfg(feature = "encode")]
pub(crate) use header::{CHECKED_FROM, CHECKSUM};

use crate::constants::Constants;
use crate::error::LoadError;
use crate::id::TensorId;
use crate::op::{OpRecords, Ops};
use crate::port::{Input, InputRecord, Output, OutputRecord};
use crate::tensor::{Tensor, TensorRecord, Tensors};

/// A checked program, borrowed from its image.
#[derive(Clone, Copy, Debug)]
pub struct Program<'p> {
    image: &'p [u8],
    arena_bytes: u32,
    op_count: u16,
    tensors: Tensors<'p>,
    inputs: &'p [InputRecord],
    outputs: &'p [OutputRecord],
    ops: &'p [u8],
    constants: Constants<'p>,
}

impl<'p> Program<'p> {
    /// Checks `image` completely and borrows it.
    ///
    /// The image must be aligned to 8 bytes; [`Aligned`](crate::Aligned) and [`include_program!`](crate::include_program) see to
    /// that. Takes time proportional to the image's size, and to the height and width of what windows slide over.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the image, and in which tensor or op.
    pub fn load(image: &'p [u8]) -> Result<Self, LoadError> {
        let program = header::sections(image)?;
        verify::verify(&program)?;
        Ok(program)
    }

    /// The image this was loaded from.
    pub const fn image(&self) -> &'p [u8] {
        self.image
    }

    /// Bytes of working memory an engine needs, aligned to 8.
    pub const fn arena_bytes(&self) -> u32 {
        self.arena_bytes
    }

    /// Bytes of weights, biases and requantization parameters.
    pub const fn constant_bytes(&self) -> usize {
        self.constants.0.len()
    }

    /// Number of ops.
    pub const fn op_count(&self) -> usize {
        self.op_count as usize
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

    /// The model's outputs in order.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = Output> + Clone + 'p {
        self.outputs.iter().map(OutputRecord::decode)
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
