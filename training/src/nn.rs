//! Layers.
//!
//! Layers with weights share one mechanism, [`Wbiol`]: quantizable **w**eight, **b**ias, **i**nput and **o**utput. A
//! layer without any quantizer is the float layer of the same shape.

mod adaptive_pool;
mod avg_pool;
mod batch_norm;
mod conv;
mod conv1d;
mod conv2d;
mod conv_transpose;
mod conv_transpose1d;
mod conv_transpose2d;
mod dropout;
mod eltwise;
mod embedding;
mod flatten;
mod function;
mod hard_tanh;
mod keywords;
mod linear;
mod max_pool;
mod quant_act;
mod sigmoid;
mod tanh;
mod trunc_avg_pool;
mod upsample;
mod wbiol;
mod window;

pub use adaptive_pool::{AdaptiveAvgPool2d, AdaptiveMaxPool2d};
pub use avg_pool::{AvgPool, AvgPool1d, AvgPool2d};
pub use batch_norm::{BatchNorm, BatchNorm1d, BatchNorm2d};
pub use conv::Conv;
pub use conv_transpose::ConvTranspose;
pub use conv_transpose1d::{ConvTranspose1d, QuantConvTranspose1d};
pub use conv_transpose2d::{ConvTranspose2d, QuantConvTranspose2d};
pub use conv1d::{Conv1d, QuantConv1d};
pub use conv2d::{Conv2d, QuantConv2d};
pub use dropout::Dropout;
pub use eltwise::{AlignedBuilder, QuantCat, QuantEltwiseAdd};
pub use embedding::{EmbeddingBuilder, QuantEmbedding};
pub use flatten::Flatten;
pub use hard_tanh::QuantHardTanh;
pub use linear::{Linear, QuantLinear};
pub use max_pool::{MaxPool, MaxPool1d, MaxPool2d};
pub use quant_act::{ActBuilder, QuantIdentity, QuantReLU};
pub use sigmoid::QuantSigmoid;
pub use tanh::QuantTanh;
pub use trunc_avg_pool::{TruncAvgPool, TruncAvgPool1d, TruncAvgPool2d};
pub use upsample::QuantUpsample;
pub use wbiol::{OperatorShape, Wbiol, WbiolBuilder, WeightedOperator};
pub use window::{Padding, PerAxis};
