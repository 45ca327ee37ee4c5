//! Functions of quantized tensors: those that keep codes, in training and in evaluation, and those that give floats.

mod common;

use common::{GOLDEN, assert_close, assert_golden, floats, tensor, values};
use exactum_training::backend::Tensor;
use exactum_training::nn::{
    AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, Dropout, Flatten, MaxPool1d, MaxPool2d,
    QuantEmbedding, QuantIdentity, QuantUpsample,
};
use exactum_training::quant::{ActQuant, Int8ActPerTensorFloat, ZeroPointImpl};
use exactum_training::{Activation, Parameter, QuantTensor};
use proptest::prelude::*;

/// What a function made of an activation, and the function of its floats.
type Decayed = (Activation<4>, fn(f32) -> f32);

const SHAPE: [usize; 4] = [2, 4, 4, 6];
const SCALE: f32 = 0.0625;

/// What a function gave, whatever its rank.
struct Seen {
    values: Vec<f32>,
    quant: Option<Codes>,
}

#[derive(Debug)]
struct Codes {
    codes: Vec<i64>,
    scale: Vec<f32>,
    zero_point: Vec<f32>,
    bit_width: f32,
    signed: bool,
}

fn seen<const D: usize>(y: Activation<D>) -> Seen {
    let quant = y.quant().map(codes);
    Seen { values: values(y.value()), quant }
}

fn codes<const D: usize>(q: &QuantTensor<D>) -> Codes {
    let (scale, zero_point) = (q.scale(), q.zero_point());
    Codes { codes: q.codes().unwrap(), scale, zero_point, bit_width: q.bit_width(), signed: q.signed() }
}

type Function = (&'static str, fn(&Activation<4>) -> Seen);

/// Functions that keep scale, zero point and width, too.
const KEPT: [Function; 19] = [
    ("reshape", |x| seen(x.reshape([8, 24]).unwrap())),
    ("view", |x| seen(x.reshape([2, 2, 2, 4, 6]).unwrap())),
    ("flatten", |x| seen(x.flatten::<3>(2, 3).unwrap())),
    ("Flatten", |x| seen(Flatten::new("flatten").forward(x))),
    ("unsqueeze", |x| seen(x.unsqueeze::<5>(1).unwrap())),
    ("squeeze", |x| seen(x.reshape([8, 1, 24]).unwrap().squeeze::<2>(1).unwrap())),
    ("transpose", |x| seen(x.transpose(1, 3).unwrap())),
    ("permute", |x| seen(x.permute([3, 0, 2, 1]).unwrap())),
    ("relu", |x| seen(x.relu().unwrap())),
    ("relu6", |x| seen(x.relu6())),
    ("hardtanh", |x| seen(x.hardtanh(-1.0, 0.5))),
    ("max_pool1d", |x| {
        seen(MaxPool1d::new("pool", [2], [1]).padding([1]).forward(&x.reshape([8, 4, 6]).unwrap()).unwrap())
    }),
    ("max_pool2d", |x| {
        seen(MaxPool2d::new("pool", [3, 2], [1, 2]).padding([1, 0]).ceil_mode(true).forward(x).unwrap())
    }),
    ("adaptive_max_pool2d", |x| seen(AdaptiveMaxPool2d::new("pool", [2, 3]).forward(x).unwrap())),
    ("interpolate", |x| seen(QuantUpsample::new("up", [2, 3]).forward(x).unwrap())),
    ("pixel_shuffle", |x| seen(x.pixel_shuffle(2).unwrap())),
    ("pixel_unshuffle", |x| seen(x.pixel_unshuffle(2).unwrap())),
    ("cat", |x| seen(Activation::cat(&[x, x], 1).unwrap())),
    ("dropout", |x| seen(Dropout::new("drop", 0.0, 1).forward(x).unwrap())),
];

/// Average pools divide the scale by the elements of a window and widen the codes by as much.
const AVERAGES: [Function; 3] = [
    ("avg_pool1d", |x| {
        seen(AvgPool1d::new("pool", [4], [1]).forward(&x.reshape([8, 4, 6]).unwrap()).unwrap())
    }),
    ("avg_pool2d", |x| seen(AvgPool2d::new("pool", [2, 2], [1, 2]).forward(x).unwrap())),
    ("adaptive_avg_pool2d", |x| {
        let x = x.reshape([2, 4, 2, 12]).unwrap();
        seen(AdaptiveAvgPool2d::new("pool", [1, 6]).forward(&x).unwrap())
    }),
];

fn identity(shifted: bool) -> QuantIdentity {
    let quant = if shifted {
        ActQuant {
            signed: false,
            zero_point_impl: ZeroPointImpl::Parameter,
            zero_point_init: Some(128.0 * SCALE),
            max_val: Some(255.0 * SCALE),
            ..Int8ActPerTensorFloat
        }
    } else {
        ActQuant { max_val: Some(128.0 * SCALE), ..Int8ActPerTensorFloat }
    };
    QuantIdentity::builder("id").act_quant(quant).build().unwrap()
}

/// What the codes of a result must be.
#[derive(Clone, Copy)]
struct Type {
    scale: f32,
    zero_point: f32,
    bits: u32,
    signed: bool,
}

impl Type {
    /// That of the quantizer.
    fn input(shifted: bool) -> Self {
        Self { scale: SCALE, zero_point: if shifted { 128.0 } else { 0.0 }, bits: 8, signed: !shifted }
    }

    /// That of a mean of four. Codes count from the zero point; training knows it only as a tensor and makes room for
    /// any.
    fn mean_of_four(shifted: bool, train: bool) -> Self {
        Self {
            scale: SCALE / 4.0,
            zero_point: 0.0,
            bits: if shifted && train { 11 } else { 10 },
            signed: true,
        }
    }
}

/// The codes are those of the width, and stand for what the function makes of the values.
fn check(name: &str, kept: &Seen, plain: &Seen, needed: Type) -> Result<(), TestCaseError> {
    let Some(quant) = &kept.quant else { panic!("{name} gives floats") };
    prop_assert!(plain.quant.is_none());
    prop_assert_eq!(quant.bit_width, needed.bits as f32, "{}", name);
    prop_assert_eq!(
        (&quant.scale, &quant.zero_point),
        (&vec![needed.scale], &vec![needed.zero_point]),
        "{}",
        name
    );
    prop_assert_eq!(quant.signed, needed.signed, "{}", name);
    let (lo, hi) = match needed.signed {
        true => (-1 << (needed.bits - 1), (1 << (needed.bits - 1)) - 1),
        false => (0, (1 << needed.bits) - 1),
    };
    prop_assert_eq!(quant.codes.len(), plain.values.len(), "{}", name);
    for (code, value) in quant.codes.iter().zip(&plain.values) {
        prop_assert!((lo..=hi).contains(code), "{}: {}", name, code);
        prop_assert_eq!((*code as f32 - needed.zero_point) * needed.scale, *value, "{}", name);
    }
    prop_assert_eq!(&kept.values, &plain.values, "{}", name);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A function is invariant if its values are codes of the same scale, zero point and width, those of the function
    /// on codes. Scales are powers of two, so that dequantized values are exact.
    #[test]
    fn s38_invariant_functions_commute_with_codes(
        x in prop::collection::vec(-10.0f32..10.0, 192),
        shifted: bool,
        train: bool,
    ) {
        let x = Activation::from_values(x, SHAPE);
        let x = if train { Activation::train(x.value()) } else { x };
        let x = identity(shifted).forward(&x).unwrap();
        let plain = Activation::from_values(values(x.value()), SHAPE);
        for (name, function) in KEPT {
            check(name, &function(&x), &function(&plain), Type::input(shifted))?;
        }
        for (name, function) in AVERAGES {
            check(name, &function(&x), &function(&plain), Type::mean_of_four(shifted, train))?;
        }
        let (q, f) = (x.quant().unwrap(), plain.value());
        let padded = q.pad([(1, 0), (2, 1)]).unwrap();
        let zeros = |shape| Tensor::<4>::zeros(shape, &f.device());
        let wide = Tensor::cat(vec![zeros([2, 4, 4, 2]), f.clone(), zeros([2, 4, 4, 1])], 3);
        let tall = Tensor::cat(vec![zeros([2, 4, 1, 9]), wide], 2);
        let padded = Seen { values: values(padded.value()), quant: Some(codes(&padded)) };
        check("pad", &padded, &Seen { values: values(tall), quant: None }, Type::input(shifted))?;
        // A bound between two codes would give values that are none.
        prop_assert!(q.hardtanh(-0.03, 0.5).is_none());
        prop_assert!(x.hardtanh(-0.03, 0.5).quant().is_none());
    }
}

/// An embedding's rows are codes of its table.
#[test]
fn s38_embeddings_choose_codes() {
    let table: Vec<f32> = (0..12).map(|i| (i * 5 % 13) as f32 * 0.25 - 1.0).collect();
    let embedding = QuantEmbedding::builder("rows", 4, 3)
        .weight_scaling_const(127.0 * SCALE)
        .weight_scaling_impl_type(exactum_training::quant::ScalingImplType::Const)
        .with_parameters(Parameter::new(table.clone(), &[4, 3]))
        .unwrap();
    let x = Activation::from_values(vec![3.0, 0.0, 3.0], [1, 3]);
    for x in [Activation::train(x.value()), x] {
        let found = seen(embedding.forward(&x).unwrap());
        let needed = [&table[9..], &table[..3], &table[9..]].concat();
        check("embedding", &found, &Seen { values: needed, quant: None }, Type::input(false)).unwrap();
    }
}

#[test]
fn s37_functions_keep_codes_or_decay() {
    let x = Activation::from_values((0..192).map(|i| i as f32 / 20.0 - 4.8).collect(), SHAPE);
    for x in [Activation::train(x.value()), x] {
        let x = identity(false).forward(&x).unwrap();
        for (name, function) in KEPT.into_iter().chain(AVERAGES) {
            assert!(function(&x).quant.is_some(), "{name}");
        }
        assert!(x.add(&x).unwrap().quant().is_some());
        let value = values(x.value());
        let decayed: [Decayed; 2] = [(x.tanh(), f32::tanh), (x.sigmoid(), |x| 1.0 / (1.0 + (-x).exp()))];
        for (y, function) in decayed {
            assert!(y.quant().is_none());
            assert_close(&values(y.value()), &value.iter().map(|x| function(*x)).collect::<Vec<_>>());
        }
        assert!(x.softmax(1).unwrap().quant().is_none());
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
