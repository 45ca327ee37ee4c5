//! Numbers of the Brevitas tutorial, measured on Brevitas 0.12.1: same inputs and weights, same scales and integers.
//!
//! Tests carry the number of the behaviour they pin. Scales and integers must be equal; sums of products in floats may
//! differ in the last places.

mod common;

use common::{GOLDEN, assert_close, assert_golden, floats, input, parameter, values};
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{ActQuant, Int8ActPerTensorFloat, Int8WeightPerTensorFloat, WeightQuant};

/// A bias-free layer with the weight of a cell.
fn layer(cell: &str, weight: WeightQuant, input: Option<ActQuant>) -> QuantLinear {
    QuantLinear::builder("fc", 2, 4)
        .bias(false)
        .weight_quant(weight)
        .input_quant(input)
        .with_parameters(parameter(&GOLDEN[cell]["weight"]), None)
        .unwrap()
}

#[test]
fn s08_s09_s10_default_weight_quantizer() {
    let fc = QuantLinear::builder("fc", 2, 4)
        .with_parameters(
            parameter(&GOLDEN["c02_default_weight"]["weight"]),
            Some(parameter(&GOLDEN["c02_default_weight"]["bias"])),
        )
        .unwrap();
    assert_eq!(fc.weight().values(), floats(&GOLDEN["c02_default_weight"]["weight"]));
    assert_golden(&fc.quant_weight::<2>().unwrap(), &GOLDEN["c02_default_weight"]["q"]);
}

#[test]
fn s12_float_input_gives_float_output() {
    let fc = layer("c04_float_input", Int8WeightPerTensorFloat, None);
    let y = fc.forward(&input("c04_float_input")).unwrap();
    assert!(y.quant().is_none());
    assert_close(&values(y.value()), &floats(&GOLDEN["c04_float_input"]["out"]));
}

#[test]
fn s19_s20_input_quantizer_inside_the_layer() {
    let cell = "c08_input_quant";
    let fc = layer(cell, Int8WeightPerTensorFloat, Some(Int8ActPerTensorFloat));
    assert_close(&values(fc.forward(&input(cell)).unwrap().value()), &floats(&GOLDEN[cell]["out"]));
}

#[test]
fn s21_accumulator_as_quantized_tensor() {
    let cell = "c09_return_qt";
    let fc = layer(cell, Int8WeightPerTensorFloat, Some(Int8ActPerTensorFloat));
    assert_golden(fc.forward(&input(cell)).unwrap().quant().unwrap(), &GOLDEN[cell]["q"]);
}

#[test]
fn s22_s23_quantizer_before_the_layer() {
    let cell = "c10_identity";
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    assert_golden(x.quant().unwrap(), &GOLDEN[cell]["qin"]);
    let fc = layer(cell, Int8WeightPerTensorFloat, None);
    assert_golden(fc.forward(&x).unwrap().quant().unwrap(), &GOLDEN[cell]["qout"]);
}

#[test]
fn s24_rectifier_is_unsigned() {
    let y = QuantReLU::builder("relu").build().unwrap().forward(&input("c11_relu")).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN["c11_relu"]["q"]);
}

#[test]
fn s25_requantization() {
    let cell = "c12_requant";
    let x = QuantIdentity::builder("id").build().unwrap().forward(&input(cell)).unwrap();
    assert_golden(x.quant().unwrap(), &GOLDEN[cell]["q1"]);
    let y = QuantReLU::builder("relu").build().unwrap().forward(&x).unwrap();
    assert_golden(y.quant().unwrap(), &GOLDEN[cell]["q2"]);
}
