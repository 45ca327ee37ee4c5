//! Gradients of quantizers against their formulas at chosen points, and of whole layers against finite differences.
//!
//! Inside the range the gradient of a value with respect to its scale is `code - x / scale`, at the ends it is the code;
//! the gradient of `x` passes inside and stops outside. Weights that follow their own maximum let it pass everywhere.

use crate::common::values;
use crate::{assert_close, leaf};
use exactum_training::backend::Tensor;
use exactum_training::burn::module::Module;
use exactum_training::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{Int8WeightPerTensorFloat, RestrictValueType};
use exactum_training::{Activation, Init, Parameter, named_parameters};

fn only_parameter(module: &impl Module) -> Parameter {
    let [named] = &named_parameters(module)[..] else { panic!("one parameter") };
    named.parameter.clone()
}

/// 4-bit codes of scale 0.1: inside, rounded both ways, at an end, outside on both sides.
const INPUTS: [f32; 6] = [0.31, 0.26, -0.44, 0.7, 0.9, -1.3];

#[test]
fn activation_gradients_stop_outside_the_range() {
    let identity = QuantIdentity::builder("id").bit_width(4).max_val(0.8).build().unwrap();
    let x = leaf(&INPUTS, [1, 6]);
    let gradients = identity.forward(&Activation::train(x.clone())).unwrap().value().sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn learned_scale_has_the_gradient_of_learned_step_sizes() {
    let identity = QuantIdentity::builder("id").bit_width(4).max_val(0.8).build().unwrap();
    let threshold = only_parameter(&identity);
    let upstream = leaf(&[1.0, -2.0, 3.0, 0.5, 1.5, 2.5], [1, 6]).detach();
    let y = identity.forward(&Activation::train(leaf(&INPUTS, [1, 6]))).unwrap().value();
    let gradients = (y * upstream.clone()).sum().backward();
    let per_scale = [3.0 - 3.1, 3.0 - 2.6, -4.0 + 4.4, 7.0 - 7.0, 7.0, -8.0];
    let needed: f32 = per_scale.iter().zip(values(upstream)).map(|(g, u)| g * u).sum::<f32>() / 8.0;
    assert_close(&values(threshold.gradient(&gradients).unwrap()), &[needed], 1e-5);
}

#[test]
fn power_of_two_scale_learns_through_the_rounding_of_its_logarithm() {
    let identity = QuantIdentity::builder("id")
        .bit_width(4)
        .restrict_scaling_type(RestrictValueType::PowerOfTwo)
        .max_val(0.7)
        .build()
        .unwrap();
    let logarithm = only_parameter(&identity);
    let y = identity.forward(&Activation::train(leaf(&[0.3, 2.0], [1, 2]))).unwrap();
    assert_eq!(y.quant().unwrap().scale(), [0.125]);
    let gradients = y.value().sum().backward();
    // The threshold is 2^ceil(v) = 1, its derivative ln 2; scale = threshold / 8.
    let needed = (2.0 - 0.3 / 0.125 + 7.0) / 8.0 * std::f32::consts::LN_2;
    assert_close(&values(logarithm.gradient(&gradients).unwrap()), &[needed], 1e-5);
}

#[test]
fn rectifier_stops_negative_gradients() {
    let relu = QuantReLU::builder("relu").max_val(1.0).build().unwrap();
    let x = leaf(&[-0.4, 0.3, 0.9, 1.2], [1, 4]);
    let gradients = relu.forward(&Activation::train(x.clone())).unwrap().value().sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [0.0, 1.0, 1.0, 0.0]);
}

#[test]
fn weights_also_learn_through_their_maximum() {
    let weight = [0.31f32, -0.7, 0.26, 0.04];
    let fc = QuantLinear::builder("fc", 4, 1)
        .bias(false)
        .weight_quant(Int8WeightPerTensorFloat)
        .weight_bit_width(4)
        .with_parameters(Parameter::new(weight.to_vec(), &[1, 4]), None)
        .unwrap();
    let upstream = [1.0f32, 2.0, -1.0, 3.0];
    let y = fc.forward(&Activation::train(leaf(&upstream, [1, 4]))).unwrap().value();
    let gradients = y.sum().backward();
    // Scale 0.1; the largest magnitude is the second weight's, and it is negative.
    let through_scale: f32 =
        weight.iter().zip(upstream).map(|(w, u)| ((w / 0.1).round() - w / 0.1) * u).sum();
    let needed = [1.0, 2.0 - through_scale / 7.0, -1.0, 3.0];
    assert_close(&values(fc.weight().gradient(&gradients).unwrap()), &needed, 1e-5);
}

/// The mean of squares of a small float network's output.
fn float_network(conv: &QuantConv2d, fc: &QuantLinear, x: &Tensor<4>) -> Tensor<1> {
    let x = conv.forward(&Activation::train(x.clone())).unwrap();
    let x = MaxPool2d::new("pool", [2, 2], [2, 2]).forward(&x).unwrap();
    let x = QuantReLU::builder("relu").act_quant(None).build().unwrap().forward(&x).unwrap();
    let y = fc.forward(&Flatten::new("flatten").forward(&x)).unwrap().value();
    (y.clone() * y).mean()
}

#[test]
fn float_layers_match_finite_differences() {
    let mut init = Init::from_seed(3);
    let conv = QuantConv2d::builder("conv", 2, 3, [3, 3])
        .padding([1, 1])
        .weight_quant(None)
        .build(&mut init)
        .unwrap();
    let fc = QuantLinear::builder("fc", 12, 4).weight_quant(None).build(&mut init).unwrap();
    let x = init.fan_in_uniform(&[2, 2, 4, 4], 1).values();
    let x = leaf(&x, [2, 2, 4, 4]);
    let gradients = float_network(&conv, &fc, &x).backward();
    for named in named_parameters(&conv).into_iter().chain(named_parameters(&fc)) {
        let analytic = values(named.parameter.gradient(&gradients).unwrap());
        let start = named.parameter.values();
        for index in (0..start.len()).step_by(5) {
            let loss = |step: f32| {
                let mut moved = start.clone();
                moved[index] += step;
                named.parameter.set(moved);
                f64::from(values(float_network(&conv, &fc, &x))[0])
            };
            let step = 1e-3;
            let difference = (loss(step) - loss(-step)) / (2.0 * f64::from(step));
            named.parameter.set(start.clone());
            let found = f64::from(analytic[index]);
            assert!(
                (found - difference).abs() < 2e-3,
                "{}[{index}]: {found} is not {difference}",
                named.path
            );
        }
    }
}
