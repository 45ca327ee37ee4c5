//! One weight quantizer of several layers.

use crate::common::{GOLDEN, assert_golden, floats, parameter};
use exactum_training::Parameter;
use exactum_training::nn::QuantLinear;
use exactum_training::quant::{Int8WeightPerTensorFloat, ScalingImplType, ScalingInit, WeightQuant};

/// Two layers, the second with the quantizer of the first.
fn shared(quant: WeightQuant) -> [QuantLinear; 2] {
    let cell = &GOLDEN["c07_shared"];
    let first = QuantLinear::builder("first", 2, 4)
        .bias(false)
        .weight_quant(quant)
        .with_parameters(parameter(&cell["w1"]), None)
        .unwrap();
    assert_eq!(first.quant_weight::<2>().unwrap().scale()[0], floats(&cell["scale1_before"])[0]);
    let second = QuantLinear::builder("second", 2, 4)
        .bias(false)
        .shared_weight_quant(first.weight_quant().unwrap().clone())
        .with_parameters(parameter(&cell["w2"]), None)
        .unwrap();
    [first, second]
}

#[test]
fn s16_shared_weight_quantizer_is_one_instance() {
    let [first, second] = shared(Int8WeightPerTensorFloat);
    assert!(first.weight_quant().unwrap().is(second.weight_quant().unwrap()));
    let [q1, q2] = [first, second].map(|fc| fc.quant_weight::<2>().unwrap());
    assert_eq!((q1.scale(), q1.zero_point(), q1.bit_width()), (q2.scale(), q2.zero_point(), q2.bit_width()));
}

#[test]
fn s17_shared_weight_quantizer_looks_at_all_weights() {
    let [first, second] = shared(Int8WeightPerTensorFloat);
    assert_golden(&first.quant_weight::<2>().unwrap(), &GOLDEN["c07_shared"]["q1"]);
    assert_golden(&second.quant_weight::<2>().unwrap(), &GOLDEN["c07_shared"]["q2"]);
}

/// Statistics, learned scales and computed constants follow every layer that joins.
#[test]
fn s18_shared_quantizer_is_built_anew_when_a_layer_joins() {
    let largest = |weights: &[Parameter]| {
        vec![weights.iter().flat_map(Parameter::values).fold(0.0, |max: f32, w| max.max(w.abs()))]
    };
    let computed = |kind| WeightQuant {
        scaling_impl_type: kind,
        scaling_init: Some(ScalingInit::value(largest)),
        ..Int8WeightPerTensorFloat
    };
    let strategies = [
        Int8WeightPerTensorFloat,
        WeightQuant { scaling_impl_type: ScalingImplType::ParameterFromStats, ..Int8WeightPerTensorFloat },
        computed(ScalingImplType::Parameter),
        computed(ScalingImplType::Const),
    ];
    for quant in strategies {
        let [first, second] = shared(quant);
        let third = QuantLinear::builder("third", 1, 4)
            .bias(false)
            .shared_weight_quant(second.weight_quant().unwrap().clone())
            .with_parameters(Parameter::new(vec![0.5, -2.54, 1.0, 0.0], &[4, 1]), None)
            .unwrap();
        for fc in [first, second, third] {
            assert_eq!(fc.quant_weight::<2>().unwrap().scale(), [2.54 / 127.0]);
        }
    }
}
