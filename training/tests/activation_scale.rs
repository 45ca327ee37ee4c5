//! The phases of an activation scale: collected first, learned then. Numbers from the Brevitas tutorial, of a quantizer
//! that collects for three training passes.

mod common;

use common::{GOLDEN, floats, values};
use exactum_training::backend::{Tensor, TensorData, evaluation_device};
use exactum_training::nn::QuantIdentity;
use exactum_training::quant::{Int8ActPerTensorFloat, ScalingImplType, StatsOp};
use exactum_training::{Activation, named_parameters};

const COLLECTED: usize = 3;

/// One training pass and what it leaves.
struct Pass {
    absmax: f32,
    train_scale: f32,
    eval_scale: f32,
}

fn passes() -> Vec<Pass> {
    let rows = GOLDEN["x_phases_collect3 (absmax, train scale, eval scale)"].as_array().unwrap();
    let pass = |row| {
        let [absmax, train_scale, eval_scale] = floats(row)[..] else { panic!("three columns") };
        Pass { absmax, train_scale, eval_scale }
    };
    rows.iter().map(pass).collect()
}

fn identity() -> QuantIdentity {
    QuantIdentity::builder("identity").collect_stats_steps(COLLECTED).build().unwrap()
}

fn batch(absmax: f32) -> Tensor<2> {
    Tensor::from_data(TensorData::new(vec![-absmax, 0.0], [1, 2]), &evaluation_device())
}

fn scale(identity: &QuantIdentity, x: &Activation<2>) -> f32 {
    identity.forward(x).unwrap().quant().unwrap().scale()[0]
}

fn assert_scale(found: f32, needed: f32) {
    assert!((found / needed - 1.0).abs() < 2e-7, "{found} is not {needed}");
}

#[test]
fn s26_the_default_is_a_percentile_collected_for_300_passes_and_learned_then() {
    assert_eq!(Int8ActPerTensorFloat.scaling_impl_type, ScalingImplType::ParameterFromStats);
    assert_eq!(Int8ActPerTensorFloat.scaling_stats_op, StatsOp::Percentile);
    assert_eq!(Int8ActPerTensorFloat.high_percentile_q, Some(99.999));
    let identity = QuantIdentity::builder("identity").build().unwrap();
    let [named] = &named_parameters(&identity)[..] else { panic!("one parameter") };
    let learns = |absmax: f32| {
        let y = identity.forward(&Activation::train(batch(absmax))).unwrap().value();
        y.is_tracked() && named.parameter.gradient(&y.sum().backward()).is_some()
    };
    for pass in 0..300 {
        assert!(!learns(1.0 + (pass % 7) as f32), "pass {pass} collects");
    }
    let learned = scale(&identity, &Activation::eval(batch(1.0)));
    assert!(learns(1.0), "the scale is learned after 300 passes");
    assert_eq!(scale(&identity, &Activation::eval(batch(99.0))), learned);
}

/// Of 200,000 elements the percentile is the one of rank 199,998: the two largest do not count.
#[test]
fn s26_outliers_of_large_activations_do_not_count() {
    let mut x = vec![0.5; 200_000];
    x[1234] = -100.0;
    x[77_777] = 50.0;
    x[199_999] = 7.0;
    let x = Tensor::from_data(TensorData::new(x, [1000, 200]), &evaluation_device());
    assert_eq!(
        scale(&QuantIdentity::builder("identity").build().unwrap(), &Activation::train(x)),
        7.0 / 128.0
    );
}

#[test]
fn s27_training_uses_the_batch_and_evaluation_the_moving_average() {
    let identity = identity();
    for pass in &passes()[..COLLECTED] {
        assert_scale(scale(&identity, &Activation::train(batch(pass.absmax))), pass.train_scale);
        assert_scale(scale(&identity, &Activation::eval(batch(pass.absmax))), pass.eval_scale);
    }
}

#[test]
fn s28_the_learned_scale_serves_both_modes() {
    let identity = identity();
    for (index, pass) in passes().into_iter().enumerate() {
        let x = batch(pass.absmax);
        let found = [Activation::train(x.clone()), Activation::eval(x)].map(|x| scale(&identity, &x));
        assert_scale(found[0], pass.train_scale);
        assert_scale(found[1], pass.eval_scale);
        if index >= COLLECTED {
            assert_eq!(found[0], found[1]);
        }
    }
    assert!(passes().len() > COLLECTED + 1);
}

#[test]
fn s29_quantization_is_on_while_statistics_are_collected() {
    let x = vec![0.013f32, -0.5, 0.2501, 1.0];
    let input = Tensor::<2>::from_data(TensorData::new(x.clone(), [1, 4]), &evaluation_device());
    let y = identity().forward(&Activation::train(input)).unwrap();
    let quant = y.quant().unwrap();
    // The first batch alone makes the scale: 1 / 128.
    assert_eq!(quant.scale(), [1.0 / 128.0]);
    assert_eq!(quant.codes().unwrap(), [2, -64, 32, 127]);
    assert_ne!(values(quant.value()), x);
}
