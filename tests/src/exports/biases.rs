//! Every premade quantizer of biases, with one weight scale and with one per channel.

use exactum_training::Init;
use exactum_training::nn::QuantLinear;
use exactum_training::quant::{
    Int8Bias, Int8BiasPerTensorFixedPointInternalScaling, Int8BiasPerTensorFloatInternalScaling, Int16Bias,
    Int24Bias, Int32Bias,
};

use super::{Error, Export, between};

pub(super) fn exports() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(11);
    let mut exports = vec![];
    for (name, quant) in [
        ("Int8Bias", Int8Bias),
        ("Int16Bias", Int16Bias),
        ("Int24Bias", Int24Bias),
        ("Int32Bias", Int32Bias),
        ("Int8BiasPerTensorFloatInternalScaling", Int8BiasPerTensorFloatInternalScaling),
        ("Int8BiasPerTensorFixedPointInternalScaling", Int8BiasPerTensorFixedPointInternalScaling),
    ] {
        for (kind, per_channel) in [("tensor", false), ("channel", true)] {
            let fc = QuantLinear::builder("fc", 6, 4)
                .weight_scaling_per_output_channel(per_channel)
                .bias_quant(quant.clone())
                .build(init)?;
            exports.push(between(format!("bias_{kind}_{name}"), [1, 6], |x| fc.forward(x))?);
        }
    }
    let wide = QuantLinear::builder("fc", 6, 4)
        .bias_quant(Int8BiasPerTensorFloatInternalScaling)
        .bias_bit_width(12)
        .build(init)?;
    exports.push(between("bias_internal_12_bits", [1, 6], |x| wide.forward(x))?);
    let float = QuantLinear::builder("fc", 6, 4).build(init)?;
    exports.push(between("bias_float", [1, 6], |x| float.forward(x))?);
    Ok(exports)
}
