//! Every premade quantizer of weights and of activations, and the attributes that change the codes.

use exactum_training::nn::{QuantConv2d, QuantIdentity, QuantLinear};
use exactum_training::quant::*;
use exactum_training::{Init, NamedParameter, named_parameters};

use super::{Error, Export, between, export, input};

pub(super) fn exports() -> Result<Vec<Export>, Error> {
    Ok([weights()?, activations()?, widths()?, learned()?].concat())
}

/// Definitions with their names.
macro_rules! named {
    ($($quant:ident),* $(,)?) => { [$((stringify!($quant), $quant)),*] };
}

fn weights() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(7);
    let mut exports = vec![];
    for (name, quant) in named![
        Int8WeightPerTensorFloat,
        Int8WeightPerChannelFloat,
        Int8WeightPerTensorFixedPoint,
        Int8WeightPerChannelFixedPoint,
        Int8WeightPerTensorFloatMSE,
        Int8WeightPerChannelFloatMSE,
        Int8WeightPerTensorFixedPointMSE,
        Int8WeightPerChannelFixedPointMSE,
        ShiftedUint8WeightPerTensorFloat,
        ShiftedUint8WeightPerChannelFloat,
        SignedBinaryWeightPerTensorConst,
        SignedTernaryWeightPerTensorConst,
        Int8AccumulatorAwareWeightQuant,
        Int8AccumulatorAwareZeroCenterWeightQuant,
    ] {
        let fc =
            QuantLinear::builder("fc", 6, 4).weight_quant(quant.clone()).bias_quant(Int16Bias).build(init)?;
        let conv = QuantConv2d::builder("conv", 2, 3, 2).weight_quant(quant).bias(false).build(init)?;
        exports.push(between(format!("weight_linear_{name}"), [1, 6], |x| fc.forward(x))?);
        exports.push(between(format!("weight_conv_{name}"), [1, 2, 3, 3], |x| conv.forward(x))?);
    }
    Ok(exports)
}

/// Each as the output of a dense layer, and as the input of one.
fn activations() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(8);
    let start = input()?;
    let ranged = |quant: ActQuant| ActQuant { min_val: Some(-0.9), max_val: Some(0.8), ..quant };
    let above_zero = |quant: ActQuant| ActQuant { max_val: Some(0.8), ..quant };
    let collected = named![
        Int8ActPerTensorFloat,
        Uint8ActPerTensorFloat,
        Int8ActPerTensorFixedPoint,
        Uint8ActPerTensorFixedPoint,
        Int8ActPerTensorFloatMSE,
        Uint8ActPerTensorFloatMSE,
        Int8ActPerTensorFixedPointMSE,
        Uint8ActPerTensorFixedPointMSE,
        ShiftedUint8ActPerTensorFloat,
        ShiftedUint8ActPerTensorFixedPoint,
        SignedBinaryActPerTensorConst,
        SignedTernaryActPerTensorConst,
    ];
    let given = [
        ("Int8ActPerTensorFloatMinMaxInit", ranged(Int8ActPerTensorFloatMinMaxInit)),
        ("Uint8ActPerTensorFloatMaxInit", above_zero(Uint8ActPerTensorFloatMaxInit)),
        ("Int8ActPerTensorFixedPointMinMaxInit", ranged(Int8ActPerTensorFixedPointMinMaxInit)),
        ("Uint8ActPerTensorFixedPointMaxInit", above_zero(Uint8ActPerTensorFixedPointMaxInit)),
    ];
    let mut exports = vec![];
    for (name, quant) in collected.into_iter().chain(given) {
        let fc = QuantLinear::builder("fc", 6, 4).build(init)?;
        let act = QuantIdentity::builder("act").act_quant(quant.clone()).build()?;
        let first = QuantIdentity::builder("act").act_quant(quant).build()?;
        exports.push(export(format!("act_output_{name}"), [1, 6], |x| {
            act.forward(&fc.forward(&start.forward(x)?)?)
        })?);
        exports.push(export(format!("act_input_{name}"), [1, 6], |x| fc.forward(&first.forward(x)?))?);
    }
    let channels = QuantIdentity::builder("act")
        .scaling_per_output_channel(true)
        .scaling_stats_op(StatsOp::Max)
        .scaling_stats_permute_dims(vec![1, 0, 2, 3])
        .per_channel_broadcastable_shape(vec![1, 3, 1, 1])
        .build()?;
    exports.push(export("act_per_channel", [1, 3, 2, 2], |x| channels.forward(x))?);
    Ok(exports)
}

/// Bit widths, narrow ranges and signs of weights and activations.
fn widths() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(9);
    let start = input()?;
    let mut exports = vec![];
    for bits in [2, 3, 4, 7, 12, 16] {
        let fc = QuantLinear::builder("fc", 6, 4)
            .weight_bit_width(bits)
            .weight_narrow_range(bits % 2 == 0)
            .bias_quant(Int32Bias)
            .build(init)?;
        let act = QuantIdentity::builder("act")
            .bit_width(bits)
            .narrow_range(bits % 4 == 0)
            .signed(bits != 3)
            .build()?;
        exports.push(export(format!("width_{bits}"), [1, 6], |x| {
            act.forward(&fc.forward(&start.forward(x)?)?)
        })?);
    }
    for (name, narrow) in [("narrow_unsigned", true), ("wide_unsigned", false)] {
        let act = QuantIdentity::builder("act").signed(false).bit_width(4).narrow_range(narrow).build()?;
        exports.push(export(format!("width_{name}"), [1, 12], |x| act.forward(x))?);
    }
    let ternary = QuantIdentity::builder("act")
        .act_quant(ActQuant { quant_type: QuantType::Ternary, ..SignedTernaryActPerTensorConst })
        .build()?;
    exports.push(export("width_ternary", [1, 12], |x| ternary.forward(x))?);
    Ok(exports)
}

/// Scales and bit widths that are learned: the values they have after a pass of training.
fn learned() -> Result<Vec<Export>, Error> {
    let init = &mut Init::from_seed(10);
    let weight = WeightQuant {
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        restrict_scaling_type: RestrictValueType::LogFp,
        scaling_per_output_type: ScalingPerOutputType::Channel,
        bit_width_impl_type: BitWidthImplType::Parameter,
        bit_width: 6,
        ..Int8WeightPerTensorFloat
    };
    let act = ActQuant {
        restrict_scaling_type: RestrictValueType::LogFp,
        bit_width_impl_type: BitWidthImplType::Parameter,
        bit_width: 5,
        ..Int8ActPerTensorFloat
    };
    let fc = QuantLinear::builder("fc", 6, 4)
        .weight_quant(weight)
        .output_quant(act)
        .bias_quant(Int16Bias)
        .build(init)?;
    let start = input()?;
    let affine = QuantLinear::builder("fc", 6, 4)
        .weight_scaling_impl_type(ScalingImplType::AffineStats)
        .weight_scaling_affine_rescaling_init(0.8)
        .build(init)?;
    let moved = QuantLinear::builder("fc", 6, 4)
        .weight_scaling_impl_type(ScalingImplType::ParameterFromStats)
        .build(init)?;
    // As an optimizer would: no longer the statistic the scale started from.
    for NamedParameter { path, parameter } in named_parameters(&moved) {
        if path.contains("scaling_impl") {
            parameter.set(parameter.values().iter().map(|value| value * 0.83).collect());
        }
    }
    Ok(vec![
        export("learned_log_scale_and_width", [1, 6], |x| fc.forward(&start.forward(x)?))?,
        between("learned_affine_scale", [1, 6], |x| affine.forward(x))?,
        between("learned_scale_moved", [1, 6], |x| moved.forward(x))?,
    ])
}
