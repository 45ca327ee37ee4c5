//! Keywords of layers: every attribute of a definition, with a prefix, before the definition itself.

use crate::common::{GOLDEN, assert_golden, input, parameter};
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::*;
use exactum_training::{BuildError, Parameter};

/// A prefix chooses the quantizer; layers of activations have none.
#[test]
fn s43_keywords_override_attributes() {
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias_quant(Int16Bias)
        .input_quant(Int8ActPerTensorFloat)
        .output_quant(Int8ActPerTensorFloat)
        .weight_bit_width(2)
        .input_bit_width(3)
        .output_bit_width(4)
        .bias_bit_width(5)
        .build(&mut exactum_training::Init::from_seed(1))
        .unwrap();
    let tree = exactum_training::Tree(&fc).to_string();
    let widths: Vec<&str> = tree.split("BitWidthConst(bit_width=").skip(1).map(|rest| &rest[..1]).collect();
    assert_eq!(widths, ["3", "4", "2", "5"]);
    let relu = QuantReLU::builder("relu").bit_width(6).build().unwrap();
    assert!(exactum_training::Tree(&relu).to_string().contains("BitWidthConst(bit_width=6)"));
}

#[test]
fn s44_keywords_beat_the_definition() {
    let three = WeightQuant { bit_width: 3, ..Int8WeightPerTensorFloat };
    let cell = parameter(&GOLDEN["c02_default_weight"]["weight"]);
    for builder in [
        QuantLinear::builder("fc", 2, 4).weight_quant(three.clone()).weight_bit_width(5),
        QuantLinear::builder("fc", 2, 4).weight_bit_width(5).weight_quant(three),
    ] {
        let fc = builder.bias(false).with_parameters(cell.clone(), None).unwrap();
        assert_eq!(fc.quant_weight::<2>().unwrap().bit_width(), 5.0);
    }
}

#[test]
fn s45_weight_bit_width_keyword() {
    let cell = &GOLDEN["c19_w5"];
    let fc = QuantLinear::builder("fc", 2, 4).bias(false).weight_bit_width(5);
    let fc = fc.with_parameters(parameter(&cell["weight"]), None).unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
}

#[test]
fn s46_weight_scale_per_output_channel() {
    let cell = &GOLDEN["c20_w5_pc"];
    let fc = QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_bit_width(5)
        .weight_scaling_per_output_channel(true)
        .with_parameters(parameter(&cell["weight"]), None)
        .unwrap();
    assert_golden(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
}

#[test]
fn s47_activation_bit_width() {
    let y = QuantIdentity::builder("id").bit_width(3).build().unwrap().forward(&input("c21_a3")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c21_a3"]["q"]);
}

#[test]
fn s48_scale_from_a_given_maximum() {
    let relu = QuantReLU::builder("relu").act_quant(Uint8ActPerTensorFloatMaxInit).max_val(6.0).build();
    let y = relu.unwrap().forward(&input("c22_maxinit")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c22_maxinit"]["q"]);
}

#[test]
fn s49_a_missing_attribute_is_named() {
    let missing = |built: Result<QuantReLU, BuildError>| match built.unwrap_err() {
        BuildError::Quantizer {
            layer,
            quantizer,
            source: QuantizerBuildError::Missing { attribute, .. },
        } => {
            assert_eq!((layer.as_str(), quantizer), ("relu", "act_quant"));
            attribute
        }
        other => panic!("{other}"),
    };
    let relu = |quant: ActQuant| QuantReLU::builder("relu").act_quant(quant).build();
    assert_eq!(missing(relu(Uint8ActPerTensorFloatMaxInit)), "max_val");
    let percentile = ActQuant { high_percentile_q: None, ..Uint8ActPerTensorFloat };
    assert_eq!(missing(relu(percentile)), "high_percentile_q");
    let per_channel =
        ActQuant { scaling_per_output_type: ScalingPerOutputType::Channel, ..Uint8ActPerTensorFloat };
    assert_eq!(missing(relu(per_channel)), "per_channel_broadcastable_shape");
    let error = QuantLinear::builder("fc", 1, 1)
        .bias(false)
        .weight_scaling_impl_type(ScalingImplType::Parameter)
        .with_parameters(Parameter::new(vec![1.0], &[1, 1]), None)
        .map(|_| ())
        .unwrap_err();
    assert!(error.to_string().contains("layer `fc`, weight_quant: `scaling_init` has no value"), "{error}");
}
