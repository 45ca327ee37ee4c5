//! Every rounding of activations and weights: those of the attribute, and the modes of QONNX that no attribute names.

use std::sync::Arc;

use exactum_runtime::num::Rounding;
use exactum_training::backend::Tensor;
use exactum_training::nn::{QuantIdentity, QuantLinear};
use exactum_training::quant::{CodeRounding, FloatToInt, FloatToIntImplType, Int16Bias};
use exactum_training::{Component, Init};

use super::{Error, Export, between, export};

/// Steps of the power-of-two quantizers: inputs of half steps are ties.
const STEP: f32 = 1.0 / 32.0;

pub(super) fn exports() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(12);
    let mut exports = vec![];
    for kind in [
        FloatToIntImplType::Round,
        FloatToIntImplType::Ceil,
        FloatToIntImplType::Floor,
        FloatToIntImplType::RoundToZero,
        FloatToIntImplType::Dpu,
        FloatToIntImplType::StochasticRound,
    ] {
        let act =
            QuantIdentity::builder("act").max_val(1.0).bit_width(6).float_to_int_impl_type(kind).build()?;
        exports
            .push(super::export_of(format!("rounding_act_{kind:?}"), [1, 20], ties(), |x| act.forward(x))?);
    }
    for kind in [
        FloatToIntImplType::Round,
        FloatToIntImplType::Ceil,
        FloatToIntImplType::Floor,
        FloatToIntImplType::RoundToZero,
        FloatToIntImplType::Dpu,
        FloatToIntImplType::LearnedRound,
        FloatToIntImplType::StochasticRound,
    ] {
        let fc = QuantLinear::builder("fc", 6, 4)
            .weight_float_to_int_impl_type(kind)
            .bias_quant(Int16Bias)
            .build(init)?;
        exports.push(between(format!("rounding_weight_{kind:?}"), [1, 6], |x| fc.forward(x))?);
    }
    for mode in Rounding::ALL {
        let name = mode.qonnx_name().to_lowercase();
        let act = QuantIdentity::builder("act")
            .max_val(1.0)
            .bit_width(6)
            .float_to_int_impl(Arc::new(Mode(mode)) as Arc<dyn FloatToInt>)
            .build()?;
        exports.push(super::export_of(format!("rounding_mode_{name}"), [1, 20], ties(), |x| act.forward(x))?);
        let fc = QuantLinear::builder("fc", 6, 4).build(init)?;
        let output = QuantIdentity::builder("act")
            .bit_width(6)
            .float_to_int_impl(Arc::new(Mode(mode)) as Arc<dyn FloatToInt>)
            .build()?;
        exports.push(export(format!("rounding_mode_{name}_linear"), [1, 6], |x| {
            output.forward(&fc.forward(x)?)
        })?);
    }
    Ok(exports)
}

/// Two samples of whole and half steps around zero.
fn ties() -> Vec<f32> {
    (-20..20).map(|halves| halves as f32 * STEP / 2.0).collect()
}

/// A rounding without training of its own.
struct Mode(Rounding);

impl Component for Mode {
    fn label(&self) -> String {
        format!("Mode({:?})", self.0)
    }
}

impl FloatToInt for Mode {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x
    }

    fn rounding(&self) -> CodeRounding {
        CodeRounding::Mode(self.0)
    }
}
