//! The program format: a flash image that is checked once and then read in place.
//!
//! [`Program::load`] is the only door: it proves every offset, shape and range, and that no accumulator can
//! overflow. After it, running cannot fail. `docs/program-format.md` is the normative description.

mod align;
mod bounds;
mod constants;
#[cfg(test)]
mod documentation;
#[cfg(feature = "encode")]
mod encode;
mod header;
mod listing;
pub mod op;
mod port;
mod record;
mod tail;
mod tensor;
mod verify;
mod weights;
mod window;

pub use align::{Aligned, words_as_bytes, words_as_bytes_mut};
#[cfg(feature = "encode")]
pub use encode::{EncodeError, Source, encode};
pub use header::{MAGIC, VERSION};
pub use op::{Op, OpKind};
pub use port::{ElementQuantizer, Input, InputRule, Output};
pub use tensor::{Shape, Tensor, TensorId};
pub use window::Window2d;

use crate::error::LoadError;
use constants::Constants;
use op::{OpRecords, Ops};
use port::{InputRecord, OutputRecord};
use tensor::{TensorRecord, Tensors};

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
    /// The image must be aligned to 8 bytes; [`Aligned`] and [`include_program!`](crate::include_program) see to
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
    pub(crate) const fn tensor_table(&self) -> Tensors<'p> {
        self.tensors
    }

    /// All ops in the order they run.
    pub fn ops(&self) -> Ops<'p> {
        Ops(self.op_records())
    }

    /// The records of all ops in the order they run.
    pub(crate) const fn op_records(&self) -> OpRecords<'p> {
        OpRecords::new(self.ops, self.constants)
    }
}
