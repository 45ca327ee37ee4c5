//! Learned scales and bit widths.

use crate::common::{GOLDEN, assert_close, floats, input, ints, parameter, values};
use crate::layer;
use exactum_training::nn::QuantLinear;
use exactum_training::quant::{
    ActQuant, BitWidthImplType, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, RestrictValueType,
    ScalingImplType, ScalingPerOutputType, WeightQuant,
};
use exactum_training::{NamedParameter, Parameter, QuantTensor, named_parameters};

/// Scales per channel learned in the logarithm, and a learned bit width.
const LEARNED_WEIGHT: WeightQuant = WeightQuant {
    scaling_per_output_type: ScalingPerOutputType::Channel,
    scaling_impl_type: ScalingImplType::ParameterFromStats,
    restrict_scaling_type: RestrictValueType::LogFp,
    bit_width_impl_type: BitWidthImplType::Parameter,
    narrow_range: true,
    ..Int8WeightPerTensorFloat
};

const LEARNED_ACT: ActQuant = ActQuant {
    restrict_scaling_type: RestrictValueType::LogFp,
    bit_width_impl_type: BitWidthImplType::Parameter,
    ..Int8ActPerTensorFloat
};

fn named(layer: &QuantLinear, path: &str) -> Parameter {
    let all: Vec<NamedParameter> = named_parameters(layer);
    let found = all.iter().find(|named| named.path == path);
    found.unwrap_or_else(|| panic!("{path} among {all:?}")).parameter.clone()
}

/// As [`assert_golden`], for scales that went through logarithms: the last place may differ.
fn assert_learned<const D: usize>(found: &QuantTensor<D>, golden: &serde_json::Value) {
    assert_eq!(found.codes().unwrap(), ints(&golden["int"]));
    for (found, needed) in found.scale().iter().zip(floats(&golden["scale"])) {
        assert!((found / needed - 1.0).abs() < 1e-6, "{found} is not {needed}");
    }
    assert_eq!(vec![found.bit_width()], floats(&golden["bit_width"]));
    assert_close(&values(found.value()), &floats(&golden["value"]));
}

#[test]
fn s57_learned_scales_and_bit_width() {
    let cell = &GOLDEN["c27_learned"];
    let fc = layer("c27_learned", LEARNED_WEIGHT);
    assert_learned(&fc.quant_weight::<2>().unwrap(), &cell["q"]);
    let scale = "weight_quant.tensor_quant.scaling_impl.value";
    assert_close(&named(&fc, scale).values(), &floats(&cell["params"][scale]));
    let offset = "weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset";
    assert_eq!(named(&fc, offset).values(), floats(&cell["params"][offset]));
}

#[test]
fn s58_bit_width_carries_a_gradient() {
    let fc = layer("c27_learned", LEARNED_WEIGHT);
    let width = fc.quant_weight::<2>().unwrap().bit_width_tensor();
    let gradients = (width.clone() * width).sum().backward();
    let offset = named(&fc, "weight_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset");
    assert_eq!(values(offset.gradient(&gradients).unwrap()), [16.0]);
    // A wider code also moves the values: scale = threshold / (2^(b-1) - 1), and no weight is beyond the threshold.
    let quant = fc.quant_weight::<2>().unwrap();
    let gradients = (quant.value() * quant.value()).sum().backward();
    let found = f64::from(values(offset.gradient(&gradients).unwrap())[0]);
    let (codes, scales, weights) = (quant.codes().unwrap(), quant.scale(), fc.weight().values());
    let needed: f64 = (0..8)
        .map(|i| {
            let (code, scale, weight) = (codes[i] as f64, f64::from(scales[i / 2]), f64::from(weights[i]));
            let of_scale = -scale * std::f64::consts::LN_2 * 128.0 / 127.0;
            2.0 * code * scale * (code - weight / scale) * of_scale
        })
        .sum();
    assert!(needed.abs() > 1e-4 && (found - needed).abs() < 1e-3 * needed.abs(), "{found} is not {needed}");
}

fn learned_layer() -> QuantLinear {
    let cell = &GOLDEN["c28_learned_out"];
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(LEARNED_WEIGHT)
        .input_quant(LEARNED_ACT)
        .with_parameters(parameter(&cell["weight"]), None)
        .unwrap()
}

#[test]
fn s59_learned_operands_of_an_accumulator() {
    let cell = &GOLDEN["c28_learned_out"];
    let fc = learned_layer();
    assert_learned(&fc.quant_weight::<2>().unwrap(), &cell["qw"]);
    let y = fc.forward(&input("c28_learned_out")).unwrap();
    assert_learned(y.quant().unwrap(), &cell["q"]);
}

#[test]
fn s60_accumulator_width_has_gradients_to_both_operands() {
    let cell = &GOLDEN["c28_learned_out"];
    let fc = learned_layer();
    let y = fc.forward(&input("c28_learned_out")).unwrap();
    let gradients = y.quant().unwrap().bit_width_tensor().sum().backward();
    let golden = &cell["grad_of_bit_width"];
    for operand in ["input", "weight"] {
        let path = format!("{operand}_quant.tensor_quant.msb_clamp_bit_width_impl.bit_width_offset");
        let reference = match operand {
            "input" => path.replace("tensor_quant", "fused_activation_quant_proxy.tensor_quant"),
            _ => path.clone(),
        };
        let needed = golden[&reference].as_f64().unwrap() as f32;
        let found = values(named(&fc, &path).gradient(&gradients).unwrap())[0];
        assert!((found - needed).abs() < 1e-5, "{found} is not {needed} of {operand}");
        assert!((needed - 256.0 / 255.0).abs() < 1e-6);
    }
    assert!(fc.weight().gradient(&gradients).is_none());
}
