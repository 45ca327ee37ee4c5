//! Runs proven integer programs on microcontrollers: always `no_std`, no alloc, no float.
//!
//! A program is an image in flash. [`Program::load`] checks it once and completely: every offset, shape and
//! range, and that no accumulator and no requantization can overflow. After that running cannot fail, panic or
//! read outside the image and the [`Arena`], and every target computes the same integers.
//!
//! Four floors, each a crate that depends on those below it; this is the top one and the only name that users need:
//!
//! - [`num`] (`exactum-num`): the integer vocabulary that every crate of the workspace shares;
//! - [`program`] (`exactum-format`): the program format, its reader, checks, listing and writer;
//! - [`kernels`] (`exactum-kernels`): the arithmetic, portable or by the instructions of a processor, the only floor with
//!   `unsafe`;
//! - [`engine`], [`arena`], [`observe`]: running a program.
//!
//! # Example
//!
//! Firmware gets its program from [`include_program!`]; this one is written on the spot, with feature `encode`.
//!
#![cfg_attr(feature = "encode", doc = "```")]
#![cfg_attr(not(feature = "encode"), doc = "```ignore")]
//! use exactum_runtime::num::requant::{Form, Requant};
//! use exactum_runtime::num::IntRange;
//! use exactum_runtime::program::op::{Bias, Dense, Layer, Weights};
//! use exactum_runtime::program::{Input, InputRule, Model, Output, Role, Shape, Source, Tensor, TensorId, encode};
//! use exactum_runtime::program::{words_as_bytes, words_as_bytes_mut};
//! use exactum_runtime::{Arena, Codes, Element, Engine, Program};
//!
//! // Two outputs from three unsigned 4-bit codes; codes are halved, ties to even, and clamped to int4.
//! let tensor = |elems, element, offset_bytes, lo, hi| Tensor {
//!     element,
//!     shape: Shape::new(&[elems]).unwrap(),
//!     offset_bytes,
//!     range: IntRange { lo, hi },
//!     role: Role::Value,
//! };
//! let dense = Dense {
//!     input: TensorId(0),
//!     output: TensorId(1),
//!     scratch: Some(TensorId(2)), // in which the three codes are gathered
//!     in_features: 3,
//!     out_features: 2,
//!     layer: Layer {
//!         input_zero_point: 0,
//!         weights: Weights::i8s(&[1, -2, 1, 0, 3, -1]),
//!         bias: Bias::I16(&[1, 0]),
//!         requant: Some(Requant {
//!             form: Form::ShiftHalfEven { multipliers: &[1], offsets: &[0], shifts: &[1] },
//!             lo: -8,
//!             hi: 7,
//!         }),
//!         wide: false,
//!     },
//! };
//! let source = Source {
//!     arena_bytes: 24,
//!     tensors: &[
//!         tensor(3, Element::U8, 0, 0, 15),
//!         tensor(2, Element::I8, 8, -8, 7),
//!         Tensor::scratch(16, 6).unwrap(),
//!     ],
//!     inputs: &[Input {
//!         quantizer: Some(InputRule::Uniform { scale: 0.25, zero_point: 0, ties_to_odd: false }),
//!         ..Input::default()
//!     }],
//!     states: &[],
//!     outputs: &[Output::new(TensorId(1))],
//!     ops: &[dense.into()],
//!     model: Model::default(),
//! };
//! let mut image = Vec::new();
//! encode(&source, &mut image)?;
//!
//! let mut words = vec![0u64; image.len().div_ceil(8)]; // programs are aligned to 8 bytes
//! words_as_bytes_mut(&mut words).copy_from_slice(&image);
//! let program = Program::load(words_as_bytes(&words))?;
//! let mut arena = Arena::<24>::new();
//! let mut engine = Engine::new(&program, arena.as_mut_slice())?;
//! engine.quantize_input(0, &[1.0, 0.5, 0.25])?; // codes 4, 2, 1
//! engine.run();
//! assert_eq!(engine.output(0), Some(Codes::I8(&[1, 2]))); // 2 / 2 and 5 / 2
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | the name of an op, as [`program::OpKind::name`] gives it | yes | the kernel of that op; a program that needs one left out is refused |
//! | `encode` | no | `program::encode`: writing images, on hosts |
//! | `defmt` | no | `defmt::Format` on errors and small types |
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

pub mod arena;
pub mod engine;
mod error;
pub mod generated;
mod inputs;
mod memory;
pub mod observe;
mod outputs;
mod parts;
mod run;
mod steps;

pub use exactum_format as program;
pub use exactum_format::{LoadError, OpFault, PortFault, Program, TensorFault, include_program};
pub use exactum_kernels as kernels;
pub use exactum_num as num;
pub use exactum_num::codes;
pub use exactum_num::codes::{Codes, CodesMut, Element};

pub use arena::Arena;
pub use engine::{Engine, Inside, Outside};
pub use error::{ArenaError, BufferError, InputError, Side};
pub use inputs::InputPlace;
pub use observe::Observer;
pub use outputs::Answer;
pub use steps::Steps;
