//! Layers.
//!
//! Layers with weights share one mechanism, [`Wbiol`]: quantizable **w**eight, **b**ias, **i**nput and **o**utput. A
//! layer without any quantizer is the float layer of the same shape.

mod conv2d;
mod flatten;
mod keywords;
mod linear;
mod max_pool2d;
mod quant_act;
mod wbiol;

pub use conv2d::{Conv2d, QuantConv2d};
pub use flatten::Flatten;
pub use linear::{Linear, QuantLinear};
pub use max_pool2d::MaxPool2d;
pub use quant_act::{ActBuilder, QuantIdentity, QuantReLU};
pub use wbiol::{OperatorShape, Wbiol, WbiolBuilder, WeightedOperator};
