//! The program format: a flash image that is checked once and then read in place.
//!
//! [`Program::load`] is the only door: it proves every offset, shape and range, and that no accumulator can
//! overflow. After it, running cannot fail. `docs/program-format.md` is the normative description. Nothing here computes:
//! kernels and the engine stand above this crate, the integer vocabulary `exactum-num` below it.
//!
//! - [`op`], [`Layer`], [`packing`]: what a program does, each op's fields declared once;
//! - [`Tensor`], [`Input`], [`Output`], [`Window2d`]: what it does it with;
//! - [`Program`]: reader, checks and listing; [`encode()`]: the writer, with feature `encode`.
#![cfg_attr(not(feature = "encode"), allow(rustdoc::broken_intra_doc_links))]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

mod align;
mod bias;
mod bounds;
mod constants;
#[cfg(test)]
mod documentation;
#[cfg(feature = "encode")]
mod encode;
mod error;
mod id;
mod kind;
mod layer;
mod meaning;
pub mod op;
pub mod packing;
mod patch;
mod port;
mod program;
mod record;
mod requant;
mod state;
mod stored;
mod tensor;
mod window;
mod work;
#[cfg(feature = "encode")]
mod writer;

pub use align::{Aligned, words_as_bytes, words_as_bytes_mut};
pub use bias::Bias;
#[cfg(feature = "encode")]
pub use encode::{EncodeError, Model, Source, encode};
pub use error::{LoadError, OpFault, PortFault, TensorFault};
pub use id::{MAGIC, TensorId, VERSION};
pub use kind::OpKind;
pub use layer::Layer;
pub use meaning::{After, Axes, Labels, Meaning, PortNumbers};
pub use op::{Op, OpRecord, Ops};
pub use packing::{Packing, Weights};
pub use patch::{TILE_ELEMS, pair_elems, patch_elems};
pub use port::{ElementQuantizer, Input, InputRule, Output};
pub use program::{Limits, Program};
pub use state::State;
pub use tensor::{Role, Shape, Tensor, Tensors};
pub use window::{Axis, Inside, Window2d};
