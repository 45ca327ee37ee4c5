//! Quantizer definitions: premade ones, sharing, biases, keywords, the enumeration attributes, learned widths.

#[path = "../common/mod.rs"]
mod common;

mod accumulator_aware;
mod attributes;
mod bias;
mod enumerations;
mod keywords;
mod learned;
mod per_channel;
mod premade;
mod sharing;

use common::{GOLDEN, parameter};
use exactum_training::nn::QuantLinear;
use exactum_training::quant::WeightQuant;

/// A bias-free layer with the weight of a cell.
fn layer(cell: &str, quant: WeightQuant) -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(quant)
        .with_parameters(parameter(&GOLDEN[cell]["weight"]), None)
        .unwrap()
}
