//! Layers without weights: evaluation against exact rationals and integer loops, training statistics, exports.

mod common;

use common::{assert_close, values};
use exactum_qonnx::Model;
use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::burn::{self, module::Module};
use exactum_training::nn::{
    AdaptiveAvgPool2d, AvgPool2d, BatchNorm2d, Dropout, MaxPool2d, QuantCat, QuantConv2d, QuantEltwiseAdd,
    QuantEmbedding, QuantIdentity, QuantUpsample, TruncAvgPool2d,
};
use exactum_training::quant::{ActQuantProxy, Int8ActPerTensorFloat};
use exactum_training::{Activation, ForwardError, Init, Network, to_qonnx};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::ToPrimitive;

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap()
}

fn integer(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

/// Half to even, by the definition.
fn round(value: &BigRational) -> i64 {
    let below = value.floor();
    let twice = (value - &below) * BigInt::from(2);
    let floor = below.to_integer().to_i64().unwrap();
    match twice.cmp(&integer(1)) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

fn quantizer(name: &str, bits: u8, max: f32) -> QuantIdentity {
    QuantIdentity::builder(name).bit_width(bits).max_val(max).build().unwrap()
}

fn image(shape: [usize; 4], step: usize) -> Activation<4> {
    let len = shape.iter().product();
    let pixels = (0..len).map(|i: usize| ((i * step) % 251) as f32 / 100.0 - 1.25).collect();
    Activation::from_values(pixels, shape)
}

fn codes<const D: usize>(x: &Activation<D>) -> Vec<i64> {
    x.quant().unwrap().codes().unwrap()
}

fn scale<const D: usize>(x: &Activation<D>) -> f32 {
    x.quant().unwrap().scale()[0]
}

#[test]
fn residual_sums_are_quantized_once() {
    let proxy = ActQuantProxy::build(Int8ActPerTensorFloat).unwrap().unwrap();
    let inputs = QuantIdentity::with_proxy("inputs", proxy.clone());
    let add = QuantEltwiseAdd::builder("add").shared_input_quant(proxy).build().unwrap();
    let shape = [2, 3, 4, 4];
    for step in [17, 23] {
        let (x, y) = (image(shape, step), image(shape, 2 * step + 1));
        add.forward(&Activation::train(x.value()), &Activation::train(y.value())).unwrap();
    }
    let (x, y) = (image(shape, 29), image(shape, 31));
    let found = add.forward(&x, &y).unwrap();
    let s_in = scale(&inputs.forward(&x).unwrap());
    let (x, y) = (values(x.value()), values(y.value()));
    let code = |value: f32| round(&(exact(value.into()) / exact(s_in.into()))).clamp(-128, 127);
    let s_out = exact(scale(&found).into());
    let needed: Vec<i64> = x
        .iter()
        .zip(&y)
        .map(|(x, y)| round(&(integer(code(*x) + code(*y)) * exact(s_in.into()) / &s_out)).clamp(-128, 127))
        .collect();
    assert_eq!(codes(&found), needed);
}

#[test]
fn sums_without_an_input_quantizer_need_one_scale() {
    let add = QuantEltwiseAdd::builder("add").input_quant(None).output_quant(None).build().unwrap();
    let x = image([1, 1, 2, 2], 3);
    let (a, b) = (quantizer("a", 8, 1.0), quantizer("b", 8, 2.0));
    let (a, b) = (a.forward(&x).unwrap(), b.forward(&x).unwrap());
    let error = add.forward(&a, &b).map(|_| ()).unwrap_err();
    assert!(matches!(&error, ForwardError::Operands { layer, .. } if layer == "add"), "{error}");
    assert!(error.to_string().contains("Scaling factors are different"), "{error}");
    let sum = add.forward(&a, &a).unwrap();
    assert_eq!(codes(&sum), codes(&a).iter().map(|code| 2 * code).collect::<Vec<_>>());
    let error = add.forward(&a, &image([1, 1, 2, 3], 3)).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("Shapes are different"), "{error}");
}

#[test]
fn concatenation_keeps_channels_in_order() {
    let cat = QuantCat::builder("cat").output_quant(None).build().unwrap();
    let (x, y) = (image([2, 1, 2, 2], 17), image([2, 2, 2, 2], 29));
    cat.forward(&[&Activation::train(x.value()), &Activation::train(y.value())], 1).unwrap();
    let joined = cat.forward(&[&x, &y], 1).unwrap();
    assert_eq!(joined.dims(), [2, 3, 2, 2]);
    let s = scale(&joined);
    let code = |value: &f32| round(&(exact((*value).into()) / exact(s.into()))).clamp(-128, 127);
    let (x, y) = (values(x.value()), values(y.value()));
    let needed: Vec<i64> = [&x[..4], &y[..8], &x[4..], &y[8..]].concat().iter().map(code).collect();
    assert_eq!(codes(&joined), needed);
}

/// Sums of windows, by loops over integers, then one rounding.
#[test]
fn average_pools_are_exact_sums() {
    let x = quantizer("in", 8, 1.25).forward(&image([1, 2, 6, 6], 37)).unwrap();
    let input = codes(&x);
    let s_x = exact(scale(&x).into());
    let pool = AvgPool2d::new("pool", [3, 3], [1, 1]).padding([1, 1]).forward(&x).unwrap();
    let at = |c: usize, row: isize, column: isize| {
        let inside = (0..6).contains(&row) && (0..6).contains(&column);
        if inside { input[c * 36 + row as usize * 6 + column as usize] } else { 0 }
    };
    let mut sums = Vec::new();
    for (c, row, column) in (0..72).map(|i| (i / 36, (i % 36 / 6) as isize, (i % 6) as isize)) {
        let window = (0..9).map(|i| at(c, row + i / 3 - 1, column + i % 3 - 1));
        sums.push(window.sum::<i64>());
    }
    assert_eq!(codes(&pool), sums);
    assert_eq!(pool.quant().unwrap().bit_width(), 12.0);
    assert!(pool.quant().unwrap().is_valid());
    let y = quantizer("out", 5, 0.4).forward(&pool).unwrap();
    let s_y = exact(scale(&y).into());
    let needed: Vec<i64> =
        sums.iter().map(|sum| round(&(integer(*sum) * &s_x / integer(9) / &s_y)).clamp(-16, 15)).collect();
    assert_eq!(codes(&y), needed);
    let mean = AdaptiveAvgPool2d::new("mean", [1, 1]).forward(&x).unwrap();
    let totals: Vec<i64> = input.chunks(36).map(|channel| channel.iter().sum()).collect();
    assert_eq!((mean.dims(), codes(&mean)), ([1, 2, 1, 1], totals));
    assert!(AdaptiveAvgPool2d::new("mean", [4, 4]).forward(&x).is_err());
}

#[test]
fn truncating_pools_drop_low_bits() {
    let x = quantizer("in", 8, 1.0).forward(&image([1, 2, 4, 4], 37)).unwrap();
    let input = codes(&x);
    let sum = |o: usize| -> i64 {
        let (c, row, column) = (o / 4, o % 4 / 2 * 2, o % 2 * 2);
        (0..4).map(|i| input[c * 16 + (row + i / 2) * 4 + column + i % 2]).sum()
    };
    let sums: Vec<i64> = (0..8).map(sum).collect();
    assert!(sums.iter().any(|sum| sum.rem_euclid(4) != 0));
    let pool = TruncAvgPool2d::new("pool", [2, 2], [2, 2]);
    let rounded = pool.forward(&x).unwrap();
    let needed: Vec<i64> = sums.iter().map(|sum| round(&(integer(*sum) / integer(4)))).collect();
    assert_eq!(codes(&rounded), needed);
    assert_eq!(rounded.quant().unwrap().scale(), x.quant().unwrap().scale());
    assert_eq!(rounded.quant().unwrap().bit_width(), 8.0);
    let floored = pool.clone().floor().forward(&x).unwrap();
    assert_eq!(codes(&floored), sums.iter().map(|sum| sum.div_euclid(4)).collect::<Vec<_>>());
    // In training the same integers.
    let train = quantizer("in", 8, 1.0).forward(&Activation::train(image([1, 2, 4, 4], 37).value())).unwrap();
    let trained = pool.forward(&train).unwrap();
    assert_eq!(codes(&trained), needed);
    assert_eq!(trained.quant().unwrap().scale(), rounded.quant().unwrap().scale());
}

fn norm() -> BatchNorm2d {
    let norm = BatchNorm2d::new("bn", 3);
    norm.weight().set(vec![0.7, -1.3, 2.1]);
    norm.bias().set(vec![0.1, -0.2, 0.35]);
    norm.running_mean().set(vec![-0.4, 0.3, 0.02]);
    norm.running_var().set(vec![0.9, 0.04, 1.7]);
    norm
}

/// The pair of each channel by its definition.
fn pair(norm: &BatchNorm2d, c: usize) -> (f64, f64) {
    let at = |parameter: &exactum_training::Parameter| f64::from(parameter.values()[c]);
    let deviation = (at(norm.running_var()) + f64::from(1e-5f32)).sqrt();
    (at(norm.weight()) / deviation, at(norm.bias()) - at(norm.running_mean()) * at(norm.weight()) / deviation)
}

#[test]
fn batch_norm_is_part_of_the_exact_function() {
    let norm = norm();
    let x = quantizer("in", 6, 1.25).forward(&image([2, 3, 3, 3], 41)).unwrap();
    let conv = QuantConv2d::builder("conv", 3, 3, [1, 1])
        .weight_bit_width(4)
        .build(&mut Init::from_seed(7))
        .unwrap();
    for x in [x.clone(), conv.forward(&x).unwrap()] {
        let y = quantizer("out", 5, 2.0).forward(&norm.forward(&x).unwrap()).unwrap();
        let s_y = exact(scale(&y).into());
        let reals = reals(&x);
        let needed: Vec<i64> = reals
            .iter()
            .enumerate()
            .map(|(i, real)| {
                let (factor, addend) = pair(&norm, i / 9 % 3);
                round(&((real * exact(factor) + exact(addend)) / &s_y)).clamp(-16, 15)
            })
            .collect();
        assert_eq!(codes(&y), needed);
        // The largest of each window is the largest value, also where the factor is negative.
        let normed = norm.forward(&x).unwrap();
        let pooled = MaxPool2d::new("pool", [3, 3], [1, 1]).forward(&normed).unwrap();
        let needed: Vec<f32> =
            values(normed.value()).chunks(9).map(|w| w.iter().copied().fold(f32::MIN, f32::max)).collect();
        assert_close(&values(pooled.value()), &needed);
    }
}

fn reals(x: &Activation<4>) -> Vec<BigRational> {
    x.quant().unwrap().exact_values().unwrap()
}

#[test]
fn batch_norm_trains_on_the_batch_and_moves_running_statistics() {
    let norm = norm();
    let (mean, var) = (norm.running_mean().values(), norm.running_var().values());
    let x = image([2, 3, 2, 2], 59);
    let y = values(norm.forward(&Activation::train(x.value())).unwrap().value());
    let pixels = values(x.value());
    for c in 0..3 {
        let channel: Vec<usize> = (0..24).filter(|i| i / 4 % 3 == c).collect();
        let m = channel.iter().map(|i| f64::from(pixels[*i])).sum::<f64>() / 8.0;
        let squares = channel.iter().map(|i| (f64::from(pixels[*i]) - m).powi(2)).sum::<f64>();
        let deviation = (squares / 8.0 + 1e-5).sqrt();
        let (w, b) = (f64::from(norm.weight().values()[c]), f64::from(norm.bias().values()[c]));
        for i in &channel {
            let needed = (f64::from(pixels[*i]) - m) / deviation * w + b;
            assert!((f64::from(y[*i]) - needed).abs() < 1e-5, "{} is not {needed}", y[*i]);
        }
        let needed = [0.9 * mean[c] + 0.1 * m as f32, 0.9 * var[c] + 0.1 * (squares / 7.0) as f32];
        assert_close(&[norm.running_mean().values()[c], norm.running_var().values()[c]], &needed);
    }
}

#[test]
fn merging_batch_norm_keeps_the_float_function() {
    for bias in [true, false] {
        let conv = QuantConv2d::builder("conv", 2, 3, [2, 2])
            .bias(bias)
            .weight_quant(None)
            .build(&mut Init::from_seed(9))
            .unwrap();
        let (norm, x) = (norm(), image([1, 2, 4, 4], 13));
        let before = values(norm.forward(&conv.forward(&x).unwrap()).unwrap().value());
        norm.merge_into(&conv).unwrap();
        let merged = values(conv.forward(&x).unwrap().value());
        for (before, merged) in before.iter().zip(&merged) {
            assert!((before - merged).abs() < 1e-5 * before.abs().max(1.0), "{before} is not {merged}");
        }
        assert_close(&values(norm.forward(&conv.forward(&x).unwrap()).unwrap().value()), &merged);
    }
}

#[test]
fn rearrangements_carry_channels() {
    let norm = norm();
    let x = quantizer("in", 8, 1.25).forward(&image([2, 3, 2, 2], 41)).unwrap();
    let normed = norm.forward(&x).unwrap();
    let moved = normed.permute([0, 2, 3, 1]).unwrap();
    assert_close(&values(moved.value()), &values(normed.value().permute([0, 2, 3, 1])));
    let flat: Activation<2> = moved.flatten(1, 3).unwrap();
    assert_close(&values(flat.value()), &values(moved.value()));
    let wide: Activation<5> = normed.unsqueeze(2).unwrap();
    assert_close(&values(wide.value()), &values(normed.value()));
    let back: Activation<4> = wide.squeeze(2).unwrap();
    assert_eq!(codes(&back), codes(&normed));
    assert!(normed.reshape([2, 3, 5]).is_err());
}

#[test]
fn max_pools_with_padding_and_ceil_mode_choose_codes() {
    let x = quantizer("in", 8, 1.25).forward(&image([1, 1, 5, 5], 41)).unwrap();
    let input = codes(&x);
    let pool = MaxPool2d::new("pool", [3, 3], [2, 2]).padding([1, 1]).ceil_mode(true);
    let y = pool.forward(&x).unwrap();
    assert_eq!(y.dims(), [1, 1, 3, 3]);
    let window = |o: usize| {
        let (row, column) = ((o / 3 * 2) as isize - 1, (o % 3 * 2) as isize - 1);
        (0..9)
            .map(|i| (row + i / 3, column + i % 3))
            .filter(|(r, c)| (0..5).contains(r) && (0..5).contains(c))
            .map(|(r, c)| input[(r * 5 + c) as usize])
            .max()
            .unwrap()
    };
    assert_eq!(codes(&y), (0..9).map(window).collect::<Vec<_>>());
    assert!(MaxPool2d::new("pool", [2, 2], [2, 2]).padding([2, 2]).forward(&x).is_err());
}

/// One of each layer.
#[derive(Module, Debug)]
struct Residual {
    input: QuantIdentity,
    conv: QuantConv2d,
    norm: BatchNorm2d,
    add: QuantEltwiseAdd,
    cat: QuantCat,
    max: MaxPool2d,
    average: AvgPool2d,
    trunc: TruncAvgPool2d,
    mean: AdaptiveAvgPool2d,
}

impl Network<4> for Residual {
    fn input_shape(&self) -> [usize; 4] {
        [1, 3, 12, 12]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let y = self.norm.forward(&self.conv.forward(&x)?)?;
        let sum = self.add.forward(&x, &y)?;
        let joined = self.cat.forward(&[&sum, &self.max.forward(&sum)?], 1)?;
        let y = self.trunc.forward(&joined)?;
        let y = self.mean.forward(&self.average.forward(&y)?)?;
        y.flatten(1, 3)
    }
}

fn residual() -> Residual {
    Residual {
        input: quantizer("input", 8, 1.25),
        conv: QuantConv2d::builder("conv", 3, 3, [1, 1]).build(&mut Init::from_seed(2)).unwrap(),
        norm: norm(),
        add: QuantEltwiseAdd::builder("add").build().unwrap(),
        cat: QuantCat::builder("cat").build().unwrap(),
        max: MaxPool2d::new("max", [3, 3], [1, 1]).padding([1, 1]),
        average: AvgPool2d::new("average", [2, 2], [2, 2]),
        trunc: TruncAvgPool2d::new("trunc", [2, 2], [2, 2]),
        mean: AdaptiveAvgPool2d::new("mean", [1, 1]),
    }
}

fn operators(model: &Model) -> Vec<&str> {
    model.graph.nodes.iter().map(|node| node.op_type.as_str()).collect()
}

#[test]
fn structural_layers_export_as_standard_operators() {
    let network = residual();
    network.forward(&Activation::train(image([2, 3, 12, 12], 19).value())).unwrap();
    let model = to_qonnx(&network, "residual").unwrap();
    assert_eq!(model.check(), []);
    let needed = [
        "Quant",
        "Quant",
        "Conv",
        "BatchNormalization",
        "Quant",
        "Quant",
        "Add",
        "Quant",
        "MaxPool",
        "Quant",
        "Quant",
        "Concat",
        "Quant",
        "AveragePool",
        "Trunc",
        "AveragePool",
        "GlobalAveragePool",
        "Reshape",
    ];
    assert_eq!(operators(&model), needed);
    let trunc = &model.graph.nodes[14];
    assert_eq!((trunc.inputs.len(), trunc.inputs[0].as_str()), (6, "trunc.avg_pool_out"));
    let add = &model.graph.nodes[6];
    assert_eq!(add.inputs, ["add.input_quant.0_out", "add.input_quant.1_out"]);
    let out = network.forward(&image([1, 3, 12, 12], 23)).unwrap();
    assert!(out.quant().unwrap().is_valid());
}

#[test]
fn statistics_that_are_no_numbers_are_refused() {
    let norm = norm();
    norm.running_var().set(vec![1.0, f32::NAN, 1.0]);
    let x = Activation::eval(Tensor::<4>::from_data(
        TensorData::new(vec![0.0f32; 3], [1, 3, 1, 1]),
        &evaluation_device(),
    ));
    let error = norm.forward(&x).map(|_| ()).unwrap_err();
    assert!(matches!(&error, ForwardError::NotFinite { layer, index: 1, .. } if layer == "bn"), "{error}");
    assert!(norm.forward(&image([1, 2, 2, 2], 3)).is_err());
}

#[test]
fn dropout_is_nothing_in_evaluation() {
    let dropout = Dropout::new("drop", 0.25, 5);
    let x = quantizer("in", 8, 1.25).forward(&image([1, 2, 16, 16], 7)).unwrap();
    assert_eq!(codes(&dropout.forward(&x).unwrap()), codes(&x));
    let ones = Tensor::<4>::ones([1, 2, 16, 16], &evaluation_device());
    let y = values(dropout.forward(&Activation::train(ones)).unwrap().value());
    let dropped = y.iter().filter(|value| **value == 0.0).count();
    assert!(y.iter().all(|value| *value == 0.0 || *value == 1.0 / 0.75));
    assert!((64..192).contains(&dropped), "{dropped} of 512 dropped with a probability of a quarter");
    assert!(Dropout::new("drop", 1.0, 5).forward(&x).is_err());
}

#[test]
fn upsampling_and_pixel_shuffle_move_codes() {
    let x = quantizer("in", 8, 1.25).forward(&image([1, 4, 2, 3], 41)).unwrap();
    let input = codes(&x);
    let up = QuantUpsample::new("up", [2, 3]).forward(&x).unwrap();
    let needed: Vec<i64> = (0..144).map(|i| input[i / 36 * 6 + i % 36 / 9 / 2 * 3 + i % 9 / 3]).collect();
    assert_eq!((up.dims(), codes(&up)), ([1, 4, 4, 9], needed));
    let shuffled = x.pixel_shuffle(2).unwrap();
    let needed: Vec<i64> =
        (0..24).map(|i| input[(i / 6 % 2 * 2 + i % 2) * 6 + i / 12 * 3 + i % 6 / 2]).collect();
    assert_eq!((shuffled.dims(), codes(&shuffled)), ([1, 1, 4, 6], needed));
    assert_eq!(codes(&shuffled.pixel_unshuffle(2).unwrap()), input);
    assert!(x.pixel_shuffle(3).is_err());
}

#[test]
fn embeddings_are_rows_of_codes() {
    let table =
        QuantEmbedding::builder("table", 5, 3).weight_bit_width(4).build(&mut Init::from_seed(4)).unwrap();
    let x = Activation::from_values(vec![4.0, 0.0, 2.0, 2.0], [2, 2]);
    let y = table.forward(&x).unwrap();
    let s = f64::from(scale(&y));
    let weight = table.weight().values();
    let code = |index: usize| round(&(exact(weight[index].into()) / exact(s))).clamp(-7, 7);
    let needed: Vec<i64> = [4, 0, 2, 2]
        .into_iter()
        .flat_map(|row| [code(row * 3), code(row * 3 + 1), code(row * 3 + 2)])
        .collect();
    assert_eq!((y.dims(), codes(&y)), ([2, 2, 3], needed.clone()));
    let train = table.forward(&Activation::train(x.value())).unwrap();
    assert_eq!(codes(&train), needed);
    for bad in [5.0, -1.0, 0.5, f32::NAN] {
        assert!(table.forward(&Activation::from_values(vec![bad], [1, 1])).is_err(), "{bad}");
    }
}
