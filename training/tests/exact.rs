//! Evaluation equals exact rational arithmetic, element by element, ties included.
//!
//! The reference here shares nothing with the crate: it reads the stored `f32` constants as rationals and rounds once.

use exactum_training::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int16Bias, RestrictValueType, Uint8ActPerTensorFloat,
};
use exactum_training::{Activation, Parameter};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use proptest::prelude::*;

fn exact(value: f32) -> BigRational {
    BigRational::from_float(value).unwrap()
}

fn integer(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

/// Half to even, by the definition: of the two neighbours the nearer, of two equally near the even one.
fn round(value: &BigRational) -> i64 {
    let below = value.floor();
    let above = &below + BigInt::from(1);
    let (down, up) = (value - &below, &above - value);
    let below = below.to_integer().to_i64().unwrap();
    match down.cmp(&up) {
        std::cmp::Ordering::Less => below,
        std::cmp::Ordering::Greater => below + 1,
        std::cmp::Ordering::Equal => below + below.rem_euclid(2),
    }
}

fn quantize(value: f32, scale: f32, lo: i64, hi: i64) -> i64 {
    round(&(exact(value) / exact(scale))).clamp(lo, hi)
}

#[derive(Clone, Debug)]
struct Case {
    power_of_two: bool,
    per_channel: bool,
    float_bias: bool,
    inputs: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    max_in: f32,
    max_out: f32,
}

const INPUTS: usize = 9;
const OUTPUTS: usize = 3;

fn case() -> impl Strategy<Value = Case> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let inputs = prop::collection::vec(-1.5f32..1.5, 4 * INPUTS);
    let weight = prop::collection::vec(-1.0f32..1.0, INPUTS * OUTPUTS);
    let bias = prop::collection::vec(-0.5f32..0.5, OUTPUTS);
    (flags, inputs, weight, bias, 0.1f32..2.0, 0.1f32..4.0).prop_map(
        |((power_of_two, per_channel, float_bias), inputs, weight, bias, max_in, max_out)| Case {
            power_of_two,
            per_channel,
            float_bias,
            inputs,
            weight,
            bias,
            max_in,
            max_out,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn linear_layers_equal_exact_rationals(case in case(), relu in any::<bool>()) {
        let kind = if case.power_of_two { RestrictValueType::PowerOfTwo } else { RestrictValueType::Fp };
        let input_quant = QuantIdentity::builder("in")
            .act_quant(Int8ActPerTensorFloat).restrict_scaling_type(kind).max_val(case.max_in).bit_width(6).build().unwrap();
        let weight = Parameter::new(case.weight.clone(), &[OUTPUTS, INPUTS]);
        let fc = QuantLinear::builder("fc", INPUTS, OUTPUTS)
            .weight_quant(Int8WeightPerTensorFloat)
            .weight_bit_width(5)
            .weight_restrict_scaling_type(kind)
            .weight_scaling_per_output_channel(case.per_channel)
            .bias_quant((!case.float_bias).then_some(Int16Bias))
            .with_parameters(weight, Some(Parameter::new(case.bias.clone(), &[OUTPUTS]))).unwrap();
        let signed = QuantIdentity::builder("out")
            .restrict_scaling_type(kind).max_val(case.max_out).bit_width(4).build().unwrap();
        let unsigned = QuantReLU::builder("out")
            .act_quant(Uint8ActPerTensorFloat).restrict_scaling_type(kind).max_val(case.max_out).bit_width(4).build().unwrap();

        let x = input_quant.forward(&Activation::from_values(case.inputs.clone(), [4, INPUTS])).unwrap();
        let acc = fc.forward(&x).unwrap();
        let y = if relu { unsigned.forward(&acc) } else { signed.forward(&acc) }.unwrap();
        let codes = y.quant().unwrap().codes().unwrap();

        let s_x = x.quant().unwrap().scale()[0];
        let s_o = y.quant().unwrap().scale()[0];
        let s_w = fc.quant_weight::<2>().unwrap().scale();
        let (lo, hi) = if relu { (0, 15) } else { (-8, 7) };
        for (index, code) in codes.iter().enumerate() {
            let (row, out) = (index / OUTPUTS, index % OUTPUTS);
            let s_w = s_w[out % s_w.len()];
            let acc: i64 = (0..INPUTS)
                .map(|i| {
                    let q_x = quantize(case.inputs[row * INPUTS + i], s_x, -32, 31);
                    q_x * quantize(case.weight[out * INPUTS + i], s_w, -15, 15)
                })
                .sum();
            let bias = if case.float_bias {
                exact(case.bias[out])
            } else {
                let scale = s_x * s_w;
                integer(quantize(case.bias[out], scale, -32768, 32767)) * exact(scale)
            };
            let real = (integer(acc) * exact(s_x) * exact(s_w) + bias) / exact(s_o);
            prop_assert_eq!(*code, round(&real).clamp(lo, hi), "output {} of row {}", out, row);
        }
    }
}

/// Every accumulator from -64 to 64 at scale 1/4: half of the even ones are ties.
#[test]
fn ties_go_to_even_codes() {
    let accumulators: Vec<f32> = (-64i16..=64).map(f32::from).collect();
    let len = accumulators.len();
    let input = QuantIdentity::builder("in").act_quant(Int8ActPerTensorFloat).max_val(128.0).build().unwrap();
    let one = Parameter::new(vec![127.0], &[1, 1]);
    let fc = QuantLinear::builder("fc", 1, 1).bias(false).with_parameters(one, None).unwrap();
    let output = QuantIdentity::builder("out").max_val(508.0 * 128.0).build().unwrap();
    let x = input.forward(&Activation::from_values(accumulators, [len, 1])).unwrap();
    assert_eq!(x.quant().unwrap().scale(), [1.0]);
    let acc = fc.forward(&x).unwrap();
    let y = output.forward(&acc).unwrap();
    // Input scale 1, weight 127 of scale 1, output scale 508: codes are acc / 4.
    assert_eq!(y.quant().unwrap().scale(), [508.0]);
    let needed: Vec<i64> =
        (-64..=64).map(|acc| round(&BigRational::new(BigInt::from(acc), BigInt::from(4)))).collect();
    assert_eq!(y.quant().unwrap().codes().unwrap(), needed);
    assert_eq!((needed[64 + 2], needed[64 + 6], needed[64 - 2]), (0, 2, 0));
}

/// Sums beyond 2^24, where single precision would round.
#[test]
fn wide_accumulators_stay_exact() {
    let inputs = 4006;
    let input = QuantIdentity::builder("in").max_val(128.0).bit_width(8).build().unwrap();
    let weight =
        Parameter::new((0..inputs).map(|i| if i % 97 == 0 { 126.0 } else { 127.0 }).collect(), &[1, inputs]);
    let fc = QuantLinear::builder("fc", inputs, 1).bias(false).with_parameters(weight, None).unwrap();
    let x: Vec<f32> = (0..inputs).map(|i| if i % 89 == 0 { -127.0 } else { -128.0 }).collect();
    let acc = fc.forward(&input.forward(&Activation::from_values(x.clone(), [1, inputs])).unwrap()).unwrap();
    let needed: i64 = (0..inputs).map(|i| x[i] as i64 * if i % 97 == 0 { 126 } else { 127 }).sum();
    assert!(needed < -(1 << 24) && needed % 2 != 0, "{needed} tells the carriers apart");
    assert_eq!(acc.quant().unwrap().codes().unwrap(), [needed]);
}

/// Convolution, pooling and flattening with one scale per channel, against loops over integers.
#[test]
fn convolutions_equal_integer_loops() {
    let (channels, outputs, side) = (2, 3, 5);
    let value = |i: usize, step: usize| ((i * step) % 61) as f32 / 30.0 - 1.0;
    let image: Vec<f32> = (0..channels * side * side).map(|i| value(i, 17)).collect();
    let weight: Vec<f32> = (0..outputs * channels * 9).map(|i| value(i, 23) * (1 + i / 18) as f32).collect();
    let bias = vec![0.3f32, -0.7, 0.05];
    let input = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    let conv = QuantConv2d::builder("conv", channels, outputs, [3, 3])
        .padding([1, 1])
        .stride([2, 2])
        .weight_scaling_per_output_channel(true)
        .bias_quant(Int16Bias)
        .with_parameters(
            Parameter::new(weight.clone(), &[outputs, channels, 3, 3]),
            Some(Parameter::new(bias.clone(), &[outputs])),
        )
        .unwrap();
    let x = input.forward(&Activation::from_values(image.clone(), [1, channels, side, side])).unwrap();
    let acc = conv.forward(&x).unwrap();
    let pooled = MaxPool2d::new("pool", [2, 2], [1, 1]).forward(&acc).unwrap();
    let y = Flatten::new("flat").forward(&pooled);
    let found = y.quant().unwrap().codes().unwrap();

    let s_x = x.quant().unwrap().scale()[0];
    let s_w = conv.quant_weight::<4>().unwrap().scale();
    let pixel = |c: usize, row: isize, column: isize| {
        let inside = |at: isize| (0..side as isize).contains(&at);
        let index = (c * side) as isize + row;
        if inside(row) && inside(column) {
            quantize(image[(index * side as isize + column) as usize], s_x, -128, 127)
        } else {
            0
        }
    };
    let out_side = 3;
    let accumulator = |o: usize, row: usize, column: usize| -> i64 {
        let taps = (0..channels * 9).map(|tap| {
            let (c, ky, kx) = (tap / 9, tap % 9 / 3, tap % 3);
            let at = |out: usize, k: usize| (2 * out + k) as isize - 1;
            pixel(c, at(row, ky), at(column, kx))
                * quantize(weight[o * channels * 9 + tap], s_w[o], -127, 127)
        });
        taps.sum::<i64>() + quantize(bias[o], s_x * s_w[o], -32768, 32767)
    };
    let mut needed = Vec::new();
    for o in 0..outputs {
        for row in 0..out_side - 1 {
            for column in 0..out_side - 1 {
                let window = [(0, 0), (0, 1), (1, 0), (1, 1)];
                needed.push(window.iter().map(|(r, c)| accumulator(o, row + r, column + c)).max().unwrap());
            }
        }
    }
    assert_eq!(found, needed);
    assert_eq!(y.quant().unwrap().scale().len(), outputs * 4);
}
