//! Arithmetic of quantized tensors: codes, widths, requirements; and functions that keep codes.

use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::nn::{MaxPool1d, QuantIdentity, QuantReLU};
use exactum_training::quant::{ActQuant, Int8ActPerTensorFloat};
use exactum_training::{Activation, Init, OperandError, QuantTensor};
use proptest::prelude::*;
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
fn s37_functions_keep_codes_or_decay() {
    let x = identity(1.0).forward(&Activation::from_values(vec![0.5, -0.25], [1, 2])).unwrap();
    assert!(x.relu().unwrap().quant().is_some());
    assert!(x.add(&x).unwrap().quant().is_some());
    for decayed in [x.tanh(), x.sigmoid(), x.softmax(1).unwrap()] {
        assert!(decayed.quant().is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// A function is invariant if its values are codes of the same scale, zero point and width, those of the function
    /// on codes. Scales are powers of two, so that dequantized values are exact.
    #[test]
    fn s38_invariant_functions_commute_with_codes(values in prop::collection::vec(-10.0f32..10.0, 24)) {
        let scale = 0.0625f32;
        let x = identity(8.0).forward(&Activation::from_values(values, [2, 3, 4])).unwrap();
        let q = x.quant().unwrap();
        prop_assert_eq!(q.scale(), vec![scale]);
        let floats = Activation::eval(x.value());
        let check = |kept: &[QuantTensor<3>], plain: &[Tensor<3>]| {
            for (kept, plain) in kept.iter().zip(plain) {
                let found: Vec<f32> = common::values(plain.clone());
                let codes: Vec<i64> = found.iter().map(|value| (value / scale) as i64).collect();
                prop_assert!(found.iter().all(|value| (value / scale).fract() == 0.0));
                prop_assert!(codes.iter().all(|code| (-128..=127).contains(code)));
                prop_assert_eq!(kept.codes().unwrap(), codes);
                prop_assert_eq!((kept.scale(), kept.bit_width(), kept.signed()), (vec![scale], 8.0, true));
            }
            Ok(())
        };
        let pool = MaxPool1d::new("pool", [2], [1]).padding([1]);
        let f = floats.value();
        check(
            &[
                q.relu().unwrap(),
                q.hardtanh(-1.0, 0.5).unwrap(),
                q.permute([2, 0, 1]).unwrap(),
                q.reshape([4, 3, 2]).unwrap(),
                q.pad([(1, 2)]).unwrap(),
                pool.forward(&x).unwrap().quant().unwrap().clone(),
                QuantTensor::cat(&[q, q], 1).unwrap(),
            ],
            &[
                f.clone().clamp_min(0.0),
                f.clone().clamp(-1.0, 0.5),
                f.clone().permute([2, 0, 1]),
                f.clone().reshape([4, 3, 2]),
                Tensor::cat(vec![Tensor::zeros([2, 3, 1], &f.device()), f.clone(), Tensor::zeros([2, 3, 2], &f.device())], 2),
                pool.forward(&floats).unwrap().value(),
                Tensor::cat(vec![f.clone(), f.clone()], 1),
            ],
        )?;
        // A bound between two codes would give values that are none.
        prop_assert!(q.hardtanh(-0.03, 0.5).is_none());
        prop_assert!(x.hardtanh(-0.03, 0.5).quant().is_none());
    }
}

#[test]
fn s39_max_pool_keeps_the_quantizer() {
    let cell = &GOLDEN["c16_maxpool"];
    let q =
        QuantIdentity::builder("id").build().unwrap().forward(&Activation::train(tensor::<3>(&cell["x"])));
    let q = q.unwrap();
    assert_golden(q.quant().unwrap(), &cell["q"]);
    let pooled = MaxPool1d::new("pool", [2], [2]).forward(&q).unwrap();
    assert_golden(pooled.quant().unwrap(), &cell["out"]);
}

#[test]
fn s40_tanh_decays_to_floats() {
    let cell = &GOLDEN["c17_tanh"];
    let x = tensor::<3>(&GOLDEN["c16_maxpool"]["x"]);
    let q = QuantIdentity::builder("id").build().unwrap().forward(&Activation::train(x)).unwrap();
    assert_golden(q.quant().unwrap(), &cell["q"]);
    let y = q.tanh();
    assert!(y.quant().is_none());
    assert_close(&values(y.value()), &floats(&cell["out"]));
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
}

#[test]
fn s42_concatenation_averages_scales_in_training() {
    let (a, b, ..) = aligned();
    assert_averaged(&QuantTensor::cat(&[&a, &b], 1).unwrap(), &GOLDEN["c18_cat"]["train_cat"]);
    let narrow = QuantIdentity::builder("id").bit_width(4).build().unwrap();
    let c = narrow.forward(&Activation::train(tensor::<2>(&GOLDEN["c15_add"]["a"]))).unwrap();
    let error = QuantTensor::cat(&[&a, c.quant().unwrap()], 1).unwrap_err();
    assert!(matches!(error, OperandError::BitWidths { .. }), "{error}");
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
