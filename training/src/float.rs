//! Float networks as graphs: read from ONNX or traced, transformed, replaced by quantized layers.
//!
//! ```text
//! ONNX file ----> read  --+
//!                         +--> FloatGraph --transform--> FloatGraph --quantize--> GraphNetwork
//! forward code -> trace --+
//! ```
//!
//! A [`FloatGraph`] has one node per layer and one float input and output. [`FloatGraph::run`] computes it,
//! [`transform`] rewrites it without changing what it computes, and [`quantize`](quantize()) replaces every layer by a
//! quantized one. The result is a [`Network`](crate::network::Network) like one written by hand: it is calibrated,
//! trained, evaluated exactly and exported by the same code. The `exactum-quantize` command is these steps in a row.

mod any_activation;
mod array;
mod builder;
mod error;
mod execute;
mod graph;
mod join;
mod layer;
mod network;
mod operator;
mod quantize;
mod read;
mod rearrange;
mod shape;
mod softmax;
mod summary;
pub mod transform;
mod value_trace;
mod weighted;

pub use any_activation::{AnyActivation, Ranked};
pub use array::Array;
pub use error::FloatGraphError;
pub use exactum_qonnx::Window;
pub use graph::{FloatGraph, FloatNode};
pub use join::{Add, Concat};
pub use layer::GraphLayer;
pub use network::{GraphNetwork, Observed};
pub use operator::{AveragePool, BatchNorm, FloatOp};
pub use quantize::{QuantizeConfig, quantize};
pub use read::from_onnx;
pub use rearrange::{Pad, Reshape, Transpose};
pub use softmax::Softmax;
pub use summary::{LayerSummary, summarize};
pub use value_trace::value_trace;
pub use weighted::{Weighted, WeightedKind};
