//! Quantization-aware training whose evaluation is the integer program.
//!
//! Networks are built from layers with quantizers, and quantizers from components; names are those of Brevitas.
//! Training runs on fake-quantized floats inside an autograd graph. Evaluation runs on integer codes and rounds the
//! exact real value once per requantization, so that an integer program can be proven equal to it. Export walks the
//! same forward code and writes QONNX.
//!
//! ```
//! use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
//! use exactum_training::quant::Int16Bias;
//! use exactum_training::{Activation, Init};
//!
//! let mut init = Init::from_seed(1);
//! let input = QuantIdentity::builder("input").max_val(1.0).build()?;
//! let fc = QuantLinear::builder("fc", 4, 2).weight_bit_width(4).bias_quant(Int16Bias).build(&mut init)?;
//! let relu = QuantReLU::builder("relu").bit_width(4).max_val(1.0).build()?;
//!
//! let x = Activation::from_values(vec![0.5, -0.25, 1.0, 0.0], [1, 4]);
//! let accumulator = fc.forward(&input.forward(&x)?)?;
//! let codes = relu.forward(&accumulator)?.quant().expect("a quantized layer").codes()?;
//! assert!(codes.iter().all(|code| (0..=15).contains(code)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`nn`] | layers |
//! | [`quant`] | quantizers, their components and premade descriptions |
//! | [`mod@train`], [`eval`] | the training loop, exact evaluation |
//! | [`calibrate`] | quantizers of a trained network from sample data, bias correction |
//! | [`state`] | saving and loading, PyTorch and safetensors files |
//! | [`export`], [`trace`] | QONNX from a recorded forward pass |
//! | [`float`] | float networks from ONNX files, transformed and replaced by quantized layers |
//! | [`models`], [`data`] | networks and data for the examples and tests |
//! | [`backend`] | the tensor library |
//!
//! Training allocates large tensors at every step; a program that trains should set a global allocator that keeps
//! their pages, as the `digits` example does.

pub mod activation;
pub mod backend;
pub mod calibrate;
mod codes;
pub mod component;
pub mod data;
pub mod error;
pub mod eval;
pub mod exact;
pub mod export;
pub mod float;
pub mod init;
mod kernels;
mod math;
pub mod models;
pub mod network;
pub mod nn;
pub mod parameter;
mod pass;
pub mod progress;
mod purpose;
pub mod quant;
pub mod quant_tensor;
mod real;
pub mod state;
pub mod trace;
pub mod train;

pub use burn;

pub use activation::Activation;
pub use calibrate::{
    CalibrateConfig, CalibrateError, bias_correction_mode, calibrate_model, calibration_mode,
};
pub use component::{Component, Layer, NamedParameter, Tree, layers, named_buffers, named_parameters};
pub use error::{BuildError, ForwardError};
pub use eval::{Evaluation, IntegerOutputs, accuracy, evaluate};
pub use export::{ExportError, to_qcdq, to_qonnx};
pub use init::Init;
pub use network::Network;
pub use parameter::Parameter;
pub use pass::Mode;
pub use progress::progress_bar;
pub use quant_tensor::{NotInteger, OperandError, QuantTensor};
pub use state::{LoadPolicy, StateDict, load_state, state_dict};
pub use train::{Progress, TrainConfig, TrainError, Trainer, train};

/// The code of the page for people who know Brevitas, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/brevitas.md")]
struct BrevitasTutorial;
