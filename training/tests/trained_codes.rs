//! What is trained is what runs: codes of training, of evaluation and of the exported file are the same, for every
//! rounding, quantizer, statistic and width.

#[path = "common/noise.rs"]
mod random;

use exactum_qonnx::{Model, Tensor};
use exactum_training::nn::{QuantConv1d, QuantIdentity, QuantLinear};
use exactum_training::quant::*;
use exactum_training::{Activation, Init, Mode, Network, Parameter, burn, to_qonnx};
use exactum_training::{ForwardError, backend};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;

/// A quantized input before one layer.
#[derive(burn::module::Module, Debug)]
struct Layer {
    input: QuantIdentity,
    fc: QuantLinear,
}

impl Network<2> for Layer {
    fn input_shape(&self) -> [usize; 2] {
        [1, self.fc.weight().shape()[1]]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        self.fc.forward(&self.input.forward(x)?)
    }
}

const INPUTS: usize = 12;
const OUTPUTS: usize = 5;

/// The roundings that training and evaluation have in common, and their names in files of activations.
const ROUNDINGS: [FloatToIntImplType; 5] = [
    FloatToIntImplType::Round,
    FloatToIntImplType::Floor,
    FloatToIntImplType::Ceil,
    FloatToIntImplType::RoundToZero,
    FloatToIntImplType::Dpu,
];

/// Weights: spread, on a grid whose quotients are next to whole and half numbers, tiny, or with a dead channel.
fn weights(kind: usize, seed: u64) -> Vec<f32> {
    let mut noise = random::noise(seed);
    let mut next = || noise.next().unwrap_or_default();
    let largest = 0.3 + next().abs();
    let mut element = |index: usize| match kind {
        0 => next(),
        1 => ((next() * 15.0).round() / 14.0 * largest).clamp(-largest, largest),
        2 => next() * 1e-6,
        _ if index < INPUTS => 0.0,
        _ => (next() * 7.0).round() * (largest / 7.0),
    };
    (0..INPUTS * OUTPUTS).map(&mut element).collect()
}

/// The quantizers of weights.
fn weight_quants() -> Vec<WeightQuant> {
    let stats = [StatsOp::Max, StatsOp::Ave, StatsOp::MeanSigmaStd, StatsOp::Percentile, StatsOp::Mse];
    let of_stats = stats.map(|scaling_stats_op| WeightQuant {
        scaling_stats_op,
        sigma: Some(2.0),
        high_percentile_q: Some(90.0),
        ..Int8WeightPerChannelFloat
    });
    let scalings = [
        ScalingImplType::Const,
        ScalingImplType::Parameter,
        ScalingImplType::ParameterFromStats,
        ScalingImplType::AffineStats,
        ScalingImplType::He,
    ];
    let of_scaling = scalings.map(|scaling_impl_type| WeightQuant {
        scaling_impl_type,
        scaling_init: Some(ScalingInit::Float(0.7)),
        ..Int8WeightPerTensorFloat
    });
    let restrictions = [RestrictValueType::LogFp, RestrictValueType::PowerOfTwo];
    let restricted = restrictions.map(|restrict_scaling_type| WeightQuant {
        restrict_scaling_type,
        scaling_impl_type: ScalingImplType::ParameterFromStats,
        ..Int8WeightPerChannelFloat
    });
    let others = [
        Int8WeightPerTensorFloat,
        Int8WeightPerTensorFixedPoint,
        ShiftedUint8WeightPerTensorFloat,
        ShiftedUint8WeightPerChannelFloat,
        WeightQuant { narrow_range: false, ..Int8WeightPerChannelFloat },
        WeightQuant { bit_width_impl_type: BitWidthImplType::Parameter, ..Int8WeightPerChannelFloat },
        Int8AccumulatorAwareWeightQuant,
        Int8AccumulatorAwareZeroCenterWeightQuant,
    ];
    of_stats.into_iter().chain(of_scaling).chain(restricted).chain(others).collect()
}

fn rounded(quotient: &BigRational, rounding: FloatToIntImplType) -> BigInt {
    let half = BigRational::new(1.into(), 2.into());
    let nearest = |ties_up: bool| {
        let up = (quotient + &half).floor();
        let tie = &up - &half == *quotient;
        let even = (up.to_integer() % 2i32).is_zero();
        if tie && !ties_up && !even { up.to_integer() - 1i32 } else { up.to_integer() }
    };
    match rounding {
        FloatToIntImplType::Floor => quotient.floor().to_integer(),
        FloatToIntImplType::Ceil => quotient.ceil().to_integer(),
        FloatToIntImplType::RoundToZero => quotient.trunc().to_integer(),
        FloatToIntImplType::Dpu => nearest(quotient.is_negative()),
        _ => nearest(false),
    }
}

fn floats<'a>(model: &'a Model, name: &str) -> &'a [f32] {
    model.graph.initializer(name).and_then(Tensor::as_f32).unwrap_or_default()
}

/// The codes that a reader of the file finds for constant `name`: exactly, and as one divides in single precision.
fn read(model: &Model, name: &str) -> [Vec<i64>; 2] {
    let values = floats(model, name);
    let parameter = |part: &str| floats(model, &format!("{name}_quant.{part}")).to_vec();
    let (scales, zero_points) = (parameter("scale"), parameter("zero_point"));
    let of = |list: &[f32], index: usize| list[index / (values.len() / list.len()).max(1)];
    let exact = values.iter().enumerate().map(|(index, value)| {
        let rational = |value: f32| BigRational::from_float(value).unwrap();
        let quotient = rational(*value) / rational(of(&scales, index)) + rational(of(&zero_points, index));
        rounded(&quotient, FloatToIntImplType::Round).to_i64().unwrap()
    });
    let single = values.iter().enumerate().map(|(index, value)| {
        (value / of(&scales, index) + of(&zero_points, index)).round_ties_even() as i64
    });
    [exact.collect(), single.collect()]
}

fn codes_i64(codes: &[i32]) -> Vec<i64> {
    codes.iter().map(|code| i64::from(*code)).collect()
}

#[test]
fn trained_weights_are_those_that_run() {
    for quant in weight_quants() {
        for rounding in ROUNDINGS {
            let limited = quant.accumulator_bit_width.is_some();
            if limited && rounding != FloatToIntImplType::RoundToZero {
                continue;
            }
            for bit_width in [2, 3, 4, 7, 8, 16] {
                for (kind, seed) in [(0, 3), (1, 5), (1, 7), (2, 9), (3, 11), (3, 13)] {
                    let quant = WeightQuant { bit_width, float_to_int_impl_type: rounding, ..quant.clone() };
                    let label = format!("{rounding:?}, {bit_width} bits, weights {kind}/{seed}, {quant:?}");
                    check_weights(quant, weights(kind, seed), &label);
                }
            }
        }
    }
}

fn check_weights(quant: WeightQuant, values: Vec<f32>, label: &str) {
    let weight = Parameter::new(values, &[OUTPUTS, INPUTS]);
    let fc = QuantLinear::builder("fc", INPUTS, OUTPUTS).weight_quant(quant).bias(false);
    let fc = fc.with_parameters(weight, None).unwrap();
    let input = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
    let network = Layer { input, fc };
    let x = Activation::from_values(vec![0.5; INPUTS], [1, INPUTS]);
    network.forward(&Activation::train(x.value())).unwrap();
    let trained = network.fc.quant_weight::<2>().unwrap();
    let (evaluated, quantizer) = network.fc.weight_quant().unwrap().codes(network.fc.weight()).unwrap();
    let evaluated = codes_i64(&evaluated);
    assert_eq!(trained.codes().unwrap(), evaluated, "{label}");
    let scales = trained.scale();
    assert!(scales.iter().zip(quantizer.scales()).all(|(a, b)| a.to_bits() == b.to_bits()), "{label}");
    let model = to_qonnx(&network, "layer").unwrap();
    for read in read(&model, "fc.weight") {
        assert_eq!(read, evaluated, "{label}");
    }
}

/// Directed roundings keep the code of the largest weight, as Brevitas does.
#[test]
fn the_largest_weight_has_the_largest_code() {
    for rounding in ROUNDINGS {
        for bit_width in [2, 3, 4, 5, 6, 7, 8] {
            let builder = QuantConv1d::builder("conv", 4, 64, 3).weight_quant(WeightQuant {
                bit_width,
                float_to_int_impl_type: rounding,
                ..Int8WeightPerChannelFloat
            });
            let conv = builder.build(&mut Init::from_seed(u64::from(bit_width))).unwrap();
            let (codes, _) = conv.weight_quant().unwrap().codes(conv.weight()).unwrap();
            let largest = (1 << (bit_width - 1)) - 1;
            for (channel, codes) in codes.chunks(12).enumerate() {
                let found = codes.iter().map(|code| code.abs()).max();
                assert_eq!(found, Some(largest), "{rounding:?}, {bit_width} bits, channel {channel}");
            }
        }
    }
}

/// Inputs on and beside every step of their quantizer, the ends of its range included.
#[test]
fn inputs_have_one_code() {
    for rounding in ROUNDINGS {
        for quant in [
            Int8ActPerTensorFloat,
            Uint8ActPerTensorFloat,
            Int8ActPerTensorFixedPoint,
            ActQuant { narrow_range: true, ..Int8ActPerTensorFloat },
            ActQuant { narrow_range: true, ..Uint8ActPerTensorFloat },
        ] {
            for (bit_width, max_val) in [(2, 1.0), (4, 0.7), (8, 1.0), (8, 2.3), (8, 255.0), (12, 0.1)] {
                let quant = ActQuant {
                    bit_width,
                    max_val: Some(max_val),
                    float_to_int_impl_type: rounding,
                    ..quant.clone()
                };
                let layer = QuantIdentity::builder("in").act_quant(quant.clone()).build().unwrap();
                let proxy = ActQuantProxy::build(quant).unwrap().unwrap();
                let fixed = proxy.fixed().unwrap();
                let scale = fixed.scales()[0];
                let near = (-600..=600).flat_map(|half| {
                    let value = half as f32 / 2.0 * scale;
                    [value, value.next_up(), value.next_down()]
                });
                let values: Vec<f32> = near.chain([max_val, -max_val, 0.1, 1e-30]).collect();
                let shape = [1, values.len()];
                let eval = Activation::from_values(values.clone(), shape);
                let trained = layer.forward(&Activation::train(eval.value())).unwrap();
                let evaluated = layer.forward(&eval).unwrap();
                let codes = |x: &Activation<2>| x.quant().unwrap().codes().unwrap();
                assert_eq!(codes(&trained), codes(&evaluated), "{rounding:?}, {bit_width} bits, {max_val}");
                let range = fixed.int_type();
                for (value, code) in values.iter().zip(codes(&evaluated)) {
                    let rational = |value: f32| BigRational::from_float(value).unwrap();
                    let exact = rounded(&(rational(*value) / rational(scale)), rounding);
                    let exact = exact.clamp(range.min().into(), range.max().into());
                    assert_eq!(exact, code.into(), "{rounding:?} of {value} by {scale}");
                }
            }
        }
    }
}

/// A code that another quantizer of the same scale takes is that code, although single precision holds its value with
/// an error.
#[test]
fn codes_stay_when_quantized_again() {
    for rounding in ROUNDINGS {
        let quant = || ActQuant {
            max_val: Some(0.7),
            float_to_int_impl_type: rounding,
            bit_width: 4,
            ..Int8ActPerTensorFloat
        };
        let [first, second] =
            ["first", "second"].map(|name| QuantIdentity::builder(name).act_quant(quant()).build().unwrap());
        let x = Activation::from_values((-8..8).map(|code| code as f32 * 0.0875 + 0.01).collect(), [1, 16]);
        let codes = |x: Activation<2>| {
            let once = first.forward(&x).unwrap();
            let twice = second.forward(&once).unwrap();
            [once, twice].map(|x| x.quant().unwrap().codes().unwrap())
        };
        let [trained, again] = codes(Activation::train(x.value()));
        assert_eq!(trained, again, "{rounding:?}");
        assert_eq!([trained, again], codes(x), "{rounding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Biases by the accumulator's scale and by their own, of every width; files say them exactly.
    #[test]
    fn trained_biases_are_those_that_run(
        rounding in 0..ROUNDINGS.len(),
        bits in prop::sample::select(vec![4u8, 8, 16, 24, 32]),
        own in any::<bool>(),
        max_val in 1e-4f32..300.0,
        biases in prop::collection::vec(-2.0f32..2.0, OUTPUTS),
        seed in any::<u64>(),
    ) {
        let quant = if own { Int8BiasPerTensorFloatInternalScaling } else { Int32Bias };
        let quant = BiasQuant { bit_width: bits, float_to_int_impl_type: ROUNDINGS[rounding], ..quant };
        let weight = Parameter::new(weights((seed % 3) as usize, seed), &[OUTPUTS, INPUTS]);
        let fc = QuantLinear::builder("fc", INPUTS, OUTPUTS).bias_quant(quant.clone());
        let bias = Parameter::new(biases, &[OUTPUTS]);
        let fc = fc.with_parameters(weight, Some(bias.clone())).unwrap();
        let input = QuantIdentity::builder("in").max_val(max_val).build().unwrap();
        let network = Layer { input, fc };
        let model = to_qonnx(&network, "layer").unwrap();
        let scales = floats(&model, "fc.bias_quant.scale").to_vec();
        let proxy = BiasQuantProxy::build(&quant, &bias).unwrap().unwrap();
        let (codes, _) = proxy.codes(&bias, Some(scales.clone())).unwrap().unwrap();
        let range = fixed_range(bits);
        let clamped = |codes: Vec<i64>| -> Vec<i64> {
            codes.into_iter().map(|code| code.clamp(*range.start(), *range.end())).collect()
        };
        let [exact, single] = read(&model, "fc.bias").map(clamped);
        prop_assert_eq!(&exact, &codes_i64(&codes));
        if bits <= 23 {
            prop_assert_eq!(&single, &exact);
            let scale = backend::Tensor::<2>::from_data(
                backend::TensorData::new(scales.clone(), [scales.len(), 1]), &backend::evaluation_device());
            let trained = proxy.forward(&bias, Some(scale), Mode::Train).unwrap();
            let values: Vec<f32> = trained.value.into_data().try_into_vec().unwrap();
            let codes_of = |(value, scale): (&f32, &f32)| f64::from(*value) / f64::from(*scale);
            let trained: Vec<i64> =
                values.iter().zip(scales.iter().cycle()).map(|pair| codes_of(pair).round() as i64).collect();
            prop_assert_eq!(&trained, &exact);
        }
        prop_assert!(exact.iter().all(|code| range.contains(code)));
    }
}

fn fixed_range(bits: u8) -> std::ops::RangeInclusive<i64> {
    -(1 << (bits - 1))..=(1 << (bits - 1)) - 1
}

/// Widths of which a scale would be infinite or codes of one sign are refused, and the message says what to use.
#[test]
fn degenerate_widths_are_refused() {
    let fc = || QuantLinear::builder("fc", 4, 2);
    let identity = || QuantIdentity::builder("id").max_val(1.0);
    let one = std::sync::Arc::new(BitWidthConst { bit_width: 1 });
    let init = &mut Init::from_seed(1);
    let mut errors: Vec<(String, &str)> = Vec::new();
    let mut refused = |result: Result<(), exactum_training::BuildError>, message| {
        errors.push((result.unwrap_err().to_string(), message));
    };
    let mut build =
        |builder: exactum_training::nn::WbiolBuilder<_>| builder.build(init).map(|_: QuantLinear| ());
    let binary = "QuantType::Binary";
    refused(build(fc().weight_bit_width(1)), binary);
    refused(build(fc().weight_bit_width(1).weight_narrow_range(false)), binary);
    refused(build(fc().weight_bit_width(0)), "2 to 32");
    refused(build(fc().weight_bit_width(33)), "2 to 32");
    refused(build(fc().weight_bit_width_impl(one.clone())), binary);
    let learned = || fc().weight_bit_width_impl_type(BitWidthImplType::Parameter);
    refused(build(learned().weight_min_bit_width(1)), "`min_bit_width` is 1");
    refused(build(learned().weight_min_bit_width(0)), "`min_bit_width` is 0");
    refused(build(fc().bias_quant(BiasQuant { bit_width: 1, ..Int8Bias })), "2 to 32");
    let build = |builder: exactum_training::nn::ActBuilder<QuantIdentity>| builder.build().map(|_| ());
    refused(build(identity().bit_width(1)), binary);
    refused(build(identity().bit_width(0)), "2 to 32");
    refused(build(identity().signed(false).narrow_range(true).bit_width(1)), "unsigned and narrow");
    refused(build(identity().signed(false).bit_width(32)), "1 to 31");
    for (found, message) in errors {
        assert!(found.contains(message), "{found} lacks {message}");
    }
    for (signed, narrow, bits) in [(true, true, 2), (true, false, 2), (false, false, 1), (false, true, 2)] {
        let layer = identity().signed(signed).narrow_range(narrow).bit_width(bits).build().unwrap();
        let x = layer.forward(&Activation::from_values(vec![1.0, -1.0, 0.0], [1, 3])).unwrap();
        let codes = x.quant().unwrap().codes().unwrap();
        assert!(codes[0] > codes[1] || !signed && codes == [if narrow { 2 } else { 1 }, 0, 0], "{codes:?}");
    }
}
