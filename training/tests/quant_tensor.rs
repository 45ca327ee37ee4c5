//! Arithmetic of quantized tensors: codes, widths and requirements of sums, products and concatenations.

use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::nn::{QuantIdentity, QuantReLU};
use exactum_training::quant::{ActQuant, Int8ActPerTensorFloat, ZeroPointImpl};
use exactum_training::{Activation, Init, OperandError, QuantTensor};
use serde_json::Value;

mod common;
use common::{GOLDEN, assert_close, assert_golden, floats, ints, tensor, values};

fn identity(max: f32) -> QuantIdentity {
    QuantIdentity::builder("id").max_val(max).build().unwrap()
}

/// `values` in a row, quantized to `bits`, with the scale one.
fn codes(values: &[f32], bits: u8, signed: bool) -> QuantTensor<2> {
    let max = if signed { 2f32.powi(i32::from(bits) - 1) } else { 2f32.powi(i32::from(bits)) - 1.0 };
    let x = Activation::from_values(values.to_vec(), [1, values.len()]);
    let y = if signed {
        QuantIdentity::builder("id").bit_width(bits).max_val(max).build().unwrap().forward(&x)
    } else {
        QuantReLU::builder("id").bit_width(bits).max_val(max).build().unwrap().forward(&x)
    };
    let q = y.unwrap().quant().unwrap().clone();
    assert_eq!(q.scale(), [1.0]);
    q
}

/// The operands of the tutorial's sums, after one training pass of one quantizer.
fn aligned() -> (QuantTensor<2>, QuantTensor<2>, QuantTensor<2>, QuantTensor<2>) {
    let cell = &GOLDEN["c15_add"];
    let identity = QuantIdentity::builder("id").build().unwrap();
    let (a, b): (Tensor<2>, Tensor<2>) = (tensor(&cell["a"]), tensor(&cell["b"]));
    let quantize = |x: Activation<2>| identity.forward(&x).unwrap().quant().unwrap().clone();
    let train = [&a, &b].map(|x| quantize(Activation::train(x.clone())));
    let eval = [&a, &b].map(|x| quantize(Activation::eval(x.clone())));
    let [train_a, train_b] = train;
    let [eval_a, eval_b] = eval;
    (train_a, train_b, eval_a, eval_b)
}

/// What the tutorial prints of a tensor without integers: all but codes.
fn assert_averaged(found: &QuantTensor<2>, golden: &Value) {
    assert_eq!(found.scale(), floats(&golden["scale"]));
    assert_eq!(f64::from(found.bit_width()), golden["bit_width"].as_f64().unwrap());
    assert_close(&values(found.value()), &floats(&golden["value"]));
    assert!(found.training() && !found.is_valid());
    assert!(found.codes().is_err(), "averaged scales have no codes");
}

#[test]
fn s11_a_quantized_tensor_prints_its_six_parts() {
    let q = codes(&[1.0, -2.0], 8, true);
    let text = q.to_string();
    for part in ["value=", "scale=1.0", "zero_point=0.0", "bit_width=8.0", "signed=true", "training=false"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(q.is_valid());
}

#[test]
fn s33_sums_need_equal_scales_in_evaluation() {
    let x = Activation::from_values(vec![0.5, -0.25], [1, 2]);
    let (a, b) = (identity(1.0).forward(&x).unwrap(), identity(2.0).forward(&x).unwrap());
    let error = a.quant().unwrap().add(b.quant().unwrap()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, OperandError::Scales { .. }), "{text}");
    assert!(text.contains("Scaling factors are different") && text.contains("QuantEltwiseAdd"), "{text}");
    assert!(a.add(&b).is_err());
}

#[test]
fn s34_sums_average_scales_in_training() {
    let (a, b, ..) = aligned();
    assert_golden(&a, &GOLDEN["c15_add"]["train_a"]);
    assert_golden(&b, &GOLDEN["c15_add"]["train_b"]);
    assert_averaged(&a.add(&b).unwrap(), &GOLDEN["c15_add"]["train_add"]);
}

#[test]
fn s35_one_quantizer_aligns_operands() {
    let (.., a, b) = aligned();
    assert_golden(&a, &GOLDEN["c15_add"]["eval_a"]);
    assert_golden(&b, &GOLDEN["c15_add"]["eval_b"]);
}

#[test]
fn s36_the_width_of_a_sum_grows() {
    let (.., a, b) = aligned();
    assert_golden(&a.add(&b).unwrap(), &GOLDEN["c15_add"]["eval_add"]);
    assert_eq!(a.add(&b).unwrap().bit_width(), 9.0);
}

/// Unsigned codes of scale one whose zero is at `zero_point`.
fn shifted(values: &[f32], zero_point: f32, train: bool) -> QuantTensor<2> {
    let quant = ActQuant {
        signed: false,
        zero_point_impl: ZeroPointImpl::Parameter,
        zero_point_init: Some(zero_point),
        max_val: Some(255.0),
        ..Int8ActPerTensorFloat
    };
    let x = Activation::from_values(values.to_vec(), [1, values.len()]);
    let x = if train { Activation::train(x.value()) } else { x };
    let layer = QuantIdentity::builder("id").act_quant(quant).build().unwrap();
    let q = layer.forward(&x).unwrap().quant().unwrap().clone();
    assert_eq!((q.scale(), q.zero_point()), (vec![1.0], vec![zero_point]));
    q
}

#[test]
fn s36_zero_points_of_a_sum_add_up() {
    for train in [false, true] {
        let (a, b) = (shifted(&[-7.0, 20.0], 7.0, train), shifted(&[100.0, -30.0], 30.0, train));
        assert_eq!((a.codes().unwrap(), b.codes().unwrap()), (vec![0, 27], vec![130, 0]));
        let sum = a.add(&b).unwrap();
        assert_eq!((sum.codes().unwrap(), sum.zero_point()), (vec![130, 27], vec![37.0]));
        assert_eq!(values(sum.value()), [93.0, -10.0]);
        assert_eq!((sum.bit_width(), sum.signed(), sum.is_valid()), (9.0, false, true));
    }
}

/// Products, differences and constants; `neg` and `abs` are valid here, one bit wider than Brevitas says.
#[test]
fn s36_arithmetic_beyond_sums() {
    let golden = &GOLDEN["x_ops_beyond"];
    let (.., a, b) = aligned();
    assert_golden(&a.mul(&b).unwrap(), &golden["mul"]);
    assert_golden(&a.sub(&b).unwrap(), &golden["sub"]);
    let neg = a.neg().unwrap();
    assert_eq!(neg.codes().unwrap(), ints(&golden["neg"]["int"]));
    assert_eq!((neg.bit_width(), neg.signed(), neg.is_valid()), (9.0, true, true));
    let abs = a.abs().unwrap();
    assert_eq!(abs.codes().unwrap(), ints(&golden["abs"]["int"]));
    assert_eq!((abs.bit_width(), abs.signed(), abs.is_valid()), (8.0, false, true));
    let shifted = a.add_scalar(1.0).unwrap();
    assert_golden(&shifted, &golden["add_float"]);
    assert_close(&values(a.mul_scalar(2.0).unwrap().value()), &floats(&golden["mul_float"]));
    assert_close(&values(a.div_scalar(2.0).unwrap().value()), &floats(&golden["div_float"]));
    assert!(matches!(a.mul_scalar(0.0), Err(OperandError::Constant { .. })));
    assert!(matches!(a.add_scalar(f32::NAN), Err(OperandError::Constant { .. })));
}

/// Q4: -128 + 0 to 127 + 255 needs 10 bits. Q5: the negative of -128 needs 9, its magnitude 8 unsigned ones.
#[test]
fn s36_widths_hold_the_extreme_codes() {
    let (low, high) = (codes(&[-128.0, 127.0], 8, true), codes(&[0.0, 255.0], 8, false));
    let sum = low.add(&high).unwrap();
    assert_eq!(sum.codes().unwrap(), [-128, 382]);
    assert_eq!((sum.bit_width(), sum.signed(), sum.is_valid()), (10.0, true, true));
    let neg = low.neg().unwrap();
    assert_eq!((neg.codes().unwrap(), neg.bit_width(), neg.is_valid()), (vec![128, -127], 9.0, true));
    let abs = low.abs().unwrap();
    assert_eq!((abs.codes().unwrap(), abs.bit_width(), abs.signed()), (vec![128, 127], 8.0, false));
    let unsigned = high.neg().unwrap();
    assert_eq!((unsigned.codes().unwrap(), unsigned.bit_width()), (vec![0, -255], 9.0));
}

/// The same widths in training, where they are tensors.
#[test]
fn s36_widths_in_training() {
    let train = |values: Vec<f32>, signed: bool| {
        let x = Tensor::<2>::from_data(TensorData::new(values, [1, 2]), &evaluation_device());
        let y = if signed {
            identity(128.0).forward(&Activation::train(x))
        } else {
            QuantReLU::builder("relu").max_val(255.0).build().unwrap().forward(&Activation::train(x))
        };
        y.unwrap().quant().unwrap().clone()
    };
    let (low, high) = (train(vec![-128.0, 127.0], true), train(vec![0.0, 255.0], false));
    let sum = low.add(&high).unwrap();
    assert_eq!((sum.codes().unwrap(), sum.bit_width()), (vec![-128, 382], 10.0));
    assert_eq!(low.neg().unwrap().bit_width(), 9.0);
    assert_eq!((low.abs().unwrap().bit_width(), low.abs().unwrap().signed()), (8.0, false));
    assert_eq!(low.mul(&high).unwrap().bit_width(), 16.0);
    assert_eq!(high.neg().unwrap().bit_width(), 9.0);
}

#[test]
fn s41_concatenation_needs_equal_quantizers_in_evaluation() {
    let (.., a, b) = aligned();
    assert_golden(&QuantTensor::cat(&[&a, &b], 1).unwrap(), &GOLDEN["c18_cat"]["eval_cat"]);
    let x = Activation::from_values(vec![0.5, 0.25], [1, 2]);
    let quantize = |quant: ActQuant, bits: u8, max: f32| {
        let layer =
            QuantIdentity::builder("id").act_quant(quant).bit_width(bits).max_val(max).build().unwrap();
        layer.forward(&x).unwrap().quant().unwrap().clone()
    };
    let base = quantize(Int8ActPerTensorFloat, 8, 1.0);
    let unsigned = ActQuant { signed: false, ..Int8ActPerTensorFloat };
    let error = |other: &QuantTensor<2>| QuantTensor::cat(&[&base, other], 1).unwrap_err().to_string();
    assert!(error(&quantize(Int8ActPerTensorFloat, 8, 2.0)).contains("Scaling factors are different"));
    assert!(error(&quantize(Int8ActPerTensorFloat, 4, 0.0625)).contains("Bit widths are different"));
    assert!(error(&quantize(unsigned, 8, 255.0 / 128.0)).contains("Signs are different"));
    assert!(error(&base.neg().unwrap().add(&base).unwrap()).contains("Bit widths are different"));
    let (low, high) = (shifted(&[1.0, 2.0], 7.0, false), shifted(&[3.0, 4.0], 30.0, false));
    let error = QuantTensor::cat(&[&low, &high], 1).unwrap_err();
    assert_eq!(error, OperandError::ZeroPoints { left: vec![7.0], right: vec![30.0] });
    assert!(error.to_string().contains("Zero points are different"), "{error}");
    assert_eq!(QuantTensor::cat(&[&low, &low], 1).unwrap().codes().unwrap(), [8, 9, 8, 9]);
}

#[test]
fn s42_concatenation_averages_scales_in_training() {
    let (a, b, ..) = aligned();
    assert_averaged(&QuantTensor::cat(&[&a, &b], 1).unwrap(), &GOLDEN["c18_cat"]["train_cat"]);
    let narrow = QuantIdentity::builder("id").bit_width(4).build().unwrap();
    let c = narrow.forward(&Activation::train(tensor::<2>(&GOLDEN["c15_add"]["a"]))).unwrap();
    let error = QuantTensor::cat(&[&a, c.quant().unwrap()], 1).unwrap_err();
    assert!(matches!(error, OperandError::BitWidths { .. }), "{error}");
    let error = QuantTensor::cat(&[&a, &shifted(&[1.0, 2.0], 7.0, true)], 0).unwrap_err();
    assert!(matches!(error, OperandError::Signs), "{error}");
    let (low, high) = (shifted(&[1.0, 2.0], 7.0, true), shifted(&[3.0, 4.0], 30.0, true));
    let joined = QuantTensor::cat(&[&low, &high], 1).unwrap();
    assert_eq!((joined.scale(), joined.zero_point()), (vec![1.0], vec![18.5]));
    assert_eq!(values(joined.value()), [1.0, 2.0, 3.0, 4.0]);
}

/// Sums of accumulators keep exact integers (Q7), also where `f32` would round.
#[test]
fn s36_sums_of_accumulators_are_exact() {
    let init = &mut Init::from_seed(3);
    let fc = exactum_training::nn::QuantLinear::builder("fc", 4, 3)
        .bias(false)
        .weight_scaling_per_output_channel(true)
        .build(init)
        .unwrap();
    let x = identity(1.0).forward(&Activation::from_values(vec![0.5, -0.25, 1.0, 0.125], [1, 4])).unwrap();
    let acc = fc.forward(&x).unwrap();
    let one = acc.quant().unwrap().codes().unwrap();
    let mut sum = acc.clone();
    for _ in 0..12 {
        sum = sum.add(&sum).unwrap();
    }
    let needed: Vec<i64> = one.iter().map(|code| code << 12).collect();
    assert_eq!(sum.quant().unwrap().codes().unwrap(), needed);
    assert_eq!(sum.quant().unwrap().scale(), acc.quant().unwrap().scale());
}
