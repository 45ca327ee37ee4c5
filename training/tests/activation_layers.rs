//! Activation layers: the tutorial's numbers, and codes equal to the definition of each function.

mod common;

use common::{GOLDEN, assert_golden, input};
use exactum_training::Activation;
use exactum_training::nn::{QuantHardTanh, QuantIdentity, QuantReLU, QuantSigmoid, QuantTanh};

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

/// Every code of an 8-bit input, and the same values as floats.
fn inputs() -> [Activation<2>; 2] {
    let values: Vec<f32> = (-128..128).map(|code| code as f32 / 32.0).collect();
    let x = Activation::from_values(values, [1, 256]);
    let identity = QuantIdentity::builder("in").max_val(4.0).build().unwrap();
    [identity.forward(&x).unwrap(), x]
}

fn codes(y: &Activation<2>) -> Vec<i64> {
    y.quant().unwrap().codes().unwrap()
}

#[test]
fn hard_tanh_limits_codes() {
    let layer = QuantHardTanh::builder("clip", -0.5, 1.5).bit_width(4).build().unwrap();
    for x in inputs() {
        let y = layer.forward(&x).unwrap();
        let scale = f64::from(y.quant().unwrap().scale()[0]);
        let needed = (-128..128).map(|code| {
            let value = (f64::from(code) / 32.0).clamp(-0.5, 1.5);
            (value / scale).round_ties_even().clamp(-8.0, 7.0) as i64
        });
        assert_eq!(codes(&y), needed.collect::<Vec<_>>());
    }
}

#[test]
fn sigmoid_rounds_the_double_once() {
    let layer = QuantSigmoid::builder("sigmoid").max_val(1.0).build().unwrap();
    for x in inputs() {
        let y = layer.forward(&x).unwrap();
        let scale = f64::from(y.quant().unwrap().scale()[0]);
        let of = |code: i32| 1.0 / (1.0 + (-f64::from(code) / 32.0).exp());
        let needed: Vec<i64> = (-128..128).map(|code| (of(code) / scale).round() as i64).collect();
        assert_eq!(codes(&y), needed);
        assert!(!y.quant().unwrap().signed());
    }
}

#[test]
fn tanh_rounds_the_double_once() {
    let layer = QuantTanh::builder("tanh").max_val(1.0).build().unwrap();
    for x in inputs() {
        let y = layer.forward(&x).unwrap();
        let scale = f64::from(y.quant().unwrap().scale()[0]);
        let of = |code: i32| (f64::from(code) / 32.0).tanh();
        let needed: Vec<i64> =
            (-128..128).map(|code| ((of(code) / scale).round() as i64).clamp(-128, 127)).collect();
        assert_eq!(codes(&y), needed);
    }
}

/// Values of a training pass are codes, too.
#[test]
fn functions_are_fake_quantized_in_training() {
    let [_, x] = inputs();
    let x = Activation::train(x.value());
    for y in [
        QuantSigmoid::builder("s").build().unwrap().forward(&x).unwrap(),
        QuantTanh::builder("t").build().unwrap().forward(&x).unwrap(),
        QuantHardTanh::builder("h", -1.0, 1.0).build().unwrap().forward(&x).unwrap(),
    ] {
        assert!(y.quant().unwrap().is_valid());
    }
}
