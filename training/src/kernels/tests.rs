//! Our kernels against burn's operators: values, gradients, and the same bits for every number of threads.

#[path = "../../tests/common/noise.rs"]
mod random;

use burn::tensor::module;
use proptest::prelude::*;

use super::*;
use crate::backend::{self, to_f32};

/// Values in -1 to 1, determined by `seed`.
fn noise<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let values = random::noise(seed).take(shape.iter().product()).collect();
    backend::tensor(values, shape, &backend::training_device()).require_grad()
}

/// The result of `f` and the gradients of `x` and `w`, with an uneven upstream gradient.
fn results<const D: usize, const E: usize>(
    x: &Tensor<D>,
    w: &Tensor<E>,
    f: impl Fn(Tensor<D>, Tensor<E>) -> Tensor<D>,
) -> Vec<Vec<f32>> {
    let y = f(x.clone(), w.clone());
    let gradients = (y.clone() * noise(y.dims(), 77).detach()).sum().backward();
    vec![to_f32(&y), to_f32(&x.grad(&gradients).unwrap()), to_f32(&w.grad(&gradients).unwrap())]
}

/// Sums of a few hundred products of numbers below 1: rounding errors stay below 1e-4.
fn assert_close(found: &[Vec<f32>], needed: &[Vec<f32>]) {
    for (index, (found, needed)) in found.iter().zip(needed).enumerate() {
        assert_eq!(found.len(), needed.len(), "result {index}");
        for (element, (found, needed)) in found.iter().zip(needed).enumerate() {
            let tolerance = 1e-4 * needed.abs().max(1.0);
            assert!(
                (found - needed).abs() <= tolerance,
                "result {index}, element {element}: {found}, not {needed}"
            );
        }
    }
}

/// Batch and channels per group, extents, kernel, stride, dilation, padding.
type ConvCase = ([usize; 4], [usize; 2], [usize; 2], [usize; 2], [usize; 2], [usize; 4]);

/// A random convolution.
fn conv_case() -> impl Strategy<Value = ConvCase> {
    (
        [1..12usize, 1..4usize, 1..4usize, 1..5usize],
        [6..12usize, 6..30usize],
        [1..4usize, 1..4usize],
        [1..3usize, 1..3usize],
        [1..3usize, 1..3usize],
        [0..3usize, 0..3usize, 0..3usize, 0..3usize],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolutions_are_those_of_burn(
        ([batch, inputs, outputs, groups], [height, width], kernel, stride, dilation, pad) in conv_case(),
        seed in any::<u64>(),
    ) {
        let x = noise([batch, inputs * groups, height, width], seed);
        let w = noise([outputs * groups, inputs, kernel[0], kernel[1]], seed ^ 1);
        let padding = [(pad[0], pad[1]), (pad[2], pad[3])];
        let options = ConvOptions::new_with_padding(stride, padding, dilation, groups);
        let found = results(&x, &w, |x, w| conv(&x, &w, &options).unwrap());
        let needed = results(&x, &w, |x, w| module::conv2d(x, w, None, options.clone()));
        assert_close(&found, &needed);
    }

    #[test]
    fn max_pools_are_those_of_burn(
        (planes, input, kernel, stride, dilation) in
            ([1..5usize, 1..5usize], [6..12usize, 6..30usize], [1..4usize, 1..4usize], [1..4usize, 1..4usize], [1..3usize, 1..3usize]),
        (padded, halving) in any::<(bool, bool)>(),
        seed in any::<u64>(),
    ) {
        let (input, kernel, stride, dilation, padded) = if halving {
            (input.map(|extent| extent / 2 * 2), [2, 2], [2, 2], [1, 1], false)
        } else {
            (input, kernel, stride, dilation, padded)
        };
        let x = noise([planes[0], planes[1], input[0], input[1]], seed);
        let options = MaxPoolOptions::new(kernel).with_stride(stride).with_dilation(dilation);
        let options = options.with_padding(kernel.map(|kernel| if padded { kernel / 2 } else { 0 }));
        let unused = noise([1], 1);
        let with = |pool: &dyn Fn(Tensor<4>) -> Tensor<4>| {
            results(&x, &unused, |x, unused| pool(x) * unused.reshape([1, 1, 1, 1]))
        };
        let found = with(&|x| max_pool(&x, &options).unwrap());
        let needed = with(&|x| module::max_pool2d(x, options.clone()));
        assert_close(&found, &needed);
    }

    /// Bit for bit.
    #[test]
    fn average_pools_are_those_of_burn(
        (planes, input, kernel, stride) in
            ([1..5usize, 1..5usize], [6..12usize, 6..30usize], [1..6usize, 1..6usize], [1..4usize, 1..4usize]),
        (padded, global) in any::<(bool, bool)>(),
        seed in any::<u64>(),
    ) {
        let kernel = if global { input } else { kernel };
        let x = noise([planes[0], planes[1], input[0], input[1]], seed);
        let options = AvgPoolOptions::new(kernel).with_stride(stride);
        let options = options.with_padding(kernel.map(|kernel| if padded && !global { kernel / 2 } else { 0 }));
        let unused = noise([1], 1);
        let with = |pool: &dyn Fn(Tensor<4>) -> Tensor<4>| {
            results(&x, &unused, |x, unused| pool(x) * unused.reshape([1, 1, 1, 1]))
        };
        let found = with(&|x| avg_pool(&x, &options).unwrap());
        prop_assert_eq!(found, with(&|x| module::avg_pool2d(x, options.clone())));
    }

    #[test]
    fn linear_layers_are_those_of_burn(
        [batch, inputs, outputs] in [1..40usize, 1..70usize, 1..70usize],
        seed in any::<u64>(),
    ) {
        let (x, w) = (noise([batch, inputs], seed), noise([outputs, inputs], seed ^ 1));
        let found = results(&x, &w, |x, w| linear(&x, &w).unwrap());
        assert_close(&found, &results(&x, &w, |x, w| x.matmul(w.transpose())));
    }

    #[test]
    fn largest_magnitudes_and_rectifiers_are_those_of_burn(
        [groups, elems] in [1..6usize, 1..70usize],
        seed in any::<u64>(),
    ) {
        let (x, w) = (noise([groups, elems], seed), noise([groups, 1], seed ^ 1));
        let found = results(&x, &w, |x, w| relu(&x) .unwrap() * abs_max(&x).unwrap() * w);
        let needed = results(&x, &w, |x, w| {
            burn::tensor::activation::relu(x.clone()) * x.abs().max_dim(1) * w
        });
        assert_close(&found, &needed);
    }

    #[test]
    fn transposed_convolutions_are_those_of_burn(
        ([batch, inputs, outputs, groups], [height, width], kernel, stride, dilation, pad) in conv_case(),
        seed in any::<u64>(),
    ) {
        let x = noise([batch, inputs * groups, height, width], seed);
        let w = noise([inputs * groups, outputs, kernel[0], kernel[1]], seed ^ 1);
        let extra = [pad[2].min(stride[0].max(dilation[0]) - 1), pad[3].min(stride[1].max(dilation[1]) - 1)];
        let padding = [pad[0], pad[1]];
        let options = ConvTransposeOptions::new(stride, padding, extra, dilation, groups);
        let Some(_) = conv_transpose(&x, &w, &options) else { return Ok(()) };
        let found = results(&x, &w, |x, w| conv_transpose(&x, &w, &options).unwrap());
        let needed = results(&x, &w, |x, w| module::conv_transpose2d(x, w, None, options.clone()));
        assert_close(&found, &needed);
    }

    #[test]
    fn batch_norm_is_that_of_burn(dims in [2..40usize, 1..5usize, 1..40usize], seed in any::<u64>()) {
        let [x, gamma] = [noise(dims, seed), noise([1, 1, dims[1]], seed ^ 1)];
        let beta = noise([dims[1]], seed ^ 2);
        let vector = |gamma: Tensor<3>| gamma.reshape([dims[1]]);
        let found = results(&x, &gamma, |x, g| batch_norm_train(&x, &vector(g), &beta, 1e-3).unwrap().output);
        let needed =
            results(&x, &gamma, |x, g| module::batch_norm_train(x, vector(g), beta.clone(), 1e-3).output);
        assert_close(&found, &needed);
        let found = batch_norm_train(&x, &vector(gamma.clone()), &beta, 1e-3).unwrap();
        let needed = module::batch_norm_train(x, vector(gamma), beta, 1e-3);
        assert_close(
            &[to_f32(&found.mean), to_f32(&found.variance)],
            &[to_f32(&needed.mean), to_f32(&needed.variance)],
        );
    }

    /// Codes and values bit for bit, gradients of the input exactly where they are ones and zeros.
    #[test]
    fn s72_compiled_fake_quantization_is_the_composed_one(
        groups in 1..4usize,
        elems in 1..9000usize,
        pass_through: bool,
        zero_point in -3..4i8,
        seed in any::<u64>(),
    ) {
        let x = noise([groups, elems], seed);
        let scale = (noise([groups, 1], seed ^ 1).abs() / 50.0 + 1e-3).detach().require_grad();
        let quant = FakeQuant { min: -8.0, max: 7.0, zero_point: f32::from(zero_point), pass_through, exact: false };
        let composed = |x: Tensor<2>, scale: Tensor<2>| {
            let v = x / scale.clone() + quant.zero_point;
            let rounded = v.clone() + (v.clone().round() - v).detach();
            let clamped = rounded.clone().clamp(quant.min, quant.max);
            let codes =
                if pass_through { rounded.clone() + (clamped - rounded).detach() } else { clamped };
            (codes - quant.zero_point) * scale
        };
        let found = results(&x, &scale, |x, scale| fake_quant(&x, &scale, quant).unwrap());
        let needed = results(&x, &scale, composed);
        prop_assert_eq!(&found[0], &needed[0]);
        for (found, needed) in found[1].iter().zip(&needed[1]) {
            prop_assert!((found - needed).abs() <= 2.0 * f32::EPSILON * needed.abs(), "{} {}", found, needed);
        }
        // Sums of up to 9000 terms of at most 16.
        for (found, needed) in found[2].iter().zip(&needed[2]) {
            prop_assert!((found - needed).abs() <= 1e-5 * elems as f32 + 1e-3, "{} {}", found, needed);
        }
    }

    /// One rounding of the real quotient, on and beside ties, whether fused or by a component.
    #[test]
    fn exact_fake_quantization_rounds_the_real_quotient(
        scale in 1e-4f32..10.0,
        zero_point in -3..4i8,
        halves in prop::collection::vec(-20..20i8, 1..50),
        ulps in -2..3i32,
    ) {
        let nudged = |half: i8| {
            let tie = f32::from(half) / 2.0 * scale;
            f32::from_bits((tie.to_bits() as i32 + if tie == 0.0 { 0 } else { ulps }) as u32)
        };
        let values: Vec<f32> = halves.iter().map(|half| nudged(*half)).collect();
        let shape = [1, values.len()];
        let device = backend::training_device();
        let x: Tensor<2> = backend::tensor(values.clone(), shape, &device);
        let column = |value: f32| backend::tensor::<2>(vec![value], [1, 1], &device);
        let zero = f32::from(zero_point);
        let quant = FakeQuant { min: -100.0, max: 100.0, zero_point: zero, pass_through: true, exact: true };
        let found = to_f32(&fake_quant(&x, &column(scale), quant).unwrap());
        let sides = to_f32(&quotient(&x, &column(scale), &column(zero), false).unwrap());
        for ((value, found), side) in values.iter().zip(found).zip(sides) {
            let real = num_rational::BigRational::from_float(*value).unwrap()
                / num_rational::BigRational::from_float(scale).unwrap();
            let half = num_rational::BigRational::new(1.into(), 2.into());
            let shifted = real + num_rational::BigRational::from_integer(i64::from(zero_point).into());
            let floor = (&shifted + &half).floor();
            let tie = &floor - &half == shifted;
            let rounded: f64 = num_traits::ToPrimitive::to_f64(&floor).unwrap();
            let code = if tie && rounded % 2.0 != 0.0 { rounded - 1.0 } else { rounded } as f32;
            prop_assert_eq!(found, (code - zero) * scale);
            prop_assert_eq!(side.round_ties_even(), code);
            prop_assert_eq!(f64::from(side.floor()), num_traits::ToPrimitive::to_f64(&shifted.floor()).unwrap());
            prop_assert_eq!(f64::from(side.ceil()), num_traits::ToPrimitive::to_f64(&shifted.ceil()).unwrap());
        }
    }

    #[test]
    fn channels_are_added(dims in [1..40usize, 1..5usize, 1..40usize], seed in any::<u64>()) {
        let [x, bias] = [noise(dims, seed), noise([1, dims[1], 1], seed ^ 1)];
        let found = results(&x, &bias, |x, b| add_channels(&x, &b.reshape([dims[1]])).unwrap());
        assert_close(&found, &results(&x, &bias, |x, b| x + b));
    }
}

/// The one-dimensional convolution is the two-dimensional one of height 1.
#[test]
fn one_dimension_is_a_plane_of_height_one() {
    let (x, w) = (noise([5, 4, 17], 1), noise([6, 2, 3], 2));
    let options = ConvOptions::new_with_padding([2], [(1, 2)], [2], 2);
    let found = results(&x, &w, |x, w| conv(&x, &w, &options).unwrap());
    assert_close(&found, &results(&x, &w, |x, w| module::conv1d(x, w, None, options.clone())));
    let (x, w) = (noise([5, 6, 17], 1), noise([6, 2, 3], 2));
    let options = ConvTransposeOptions::new([2], [1], [1], [1], 2);
    let found = results(&x, &w, |x, w| conv_transpose(&x, &w, &options).unwrap());
    assert_close(&found, &results(&x, &w, |x, w| module::conv_transpose1d(x, w, None, options.clone())));
}

/// Large enough that every kernel divides its work.
#[test]
fn threads_do_not_change_a_bit() {
    let step = || {
        let (x, w) = (noise([19, 8, 25, 11], 1), noise([16, 8, 3, 3], 2));
        let (depth, gamma, beta) = (noise([16, 1, 3, 3], 3), noise([16], 4), noise([16], 5));
        let scale = noise([1, 1], 6).abs().detach().require_grad();
        let y = conv(&x, &w, &ConvOptions::new([1, 1], [1, 1], [1, 1], 1)).unwrap();
        let y = conv(&y, &depth, &ConvOptions::new([1, 1], [1, 1], [1, 1], 16)).unwrap();
        let y = batch_norm_train(&y, &gamma, &beta, 1e-5).unwrap().output;
        let dims = y.dims();
        let quant = FakeQuant { min: -8.0, max: 7.0, zero_point: 0.0, pass_through: false, exact: true };
        let flat = y.reshape([1, dims.iter().product()]);
        let y = add_channels(&fake_quant(&flat, &scale, quant).unwrap().reshape(dims), &beta).unwrap();
        let gradients = (y.clone() * noise(dims, 7).detach()).sum().backward();
        let vectors = [&gamma, &beta].map(|leaf| to_f32(&leaf.grad(&gradients).unwrap()));
        let maps = [&x, &w, &depth].map(|leaf| to_f32(&leaf.grad(&gradients).unwrap()));
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let scale = vec![to_f32(&scale.grad(&gradients).unwrap())];
        vectors.into_iter().chain(maps).chain(scale).chain([to_f32(&y)]).map(bits).collect::<Vec<_>>()
    };
    let run = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(step);
    assert_eq!(run(1), run(2));
    assert_eq!(run(1), run(3));
}

/// What is not a number is never lost on the way to a scale.
#[test]
fn the_largest_magnitude_is_not_a_number_if_one_is_not() {
    let x = backend::tensor(vec![1.0, f32::NAN, 3.0, 0.5, -2.0, 0.0], [2, 3], &backend::training_device());
    let found = to_f32(&abs_max(&x).unwrap());
    assert!(found[0].is_nan());
    assert_eq!(is_finite(&x), Some(false));
    assert_eq!(is_finite(&x.slice([1..2, 0..3])), Some(true));
    assert_eq!(found[1], 2.0);
}
