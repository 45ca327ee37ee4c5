//! Statistics that thresholds come from, and thresholds made of them, against central differences.

use std::sync::Arc;

use crate::common::values;
use crate::{assert_differences, leaf, loss, noise, scalar_loss};
use exactum_training::component::Component;
use exactum_training::nn::QuantLinear;
use exactum_training::quant::*;
use exactum_training::{Mode, Parameter, named_parameters};

const GROUPS: usize = 2;
const ELEMS: usize = 9;

/// Compares a statistic of two groups with scalar code for one of them.
fn check(stats: &dyn Stats, of: impl Fn(&[f64]) -> f64) {
    for seed in [21, 22, 23] {
        let x = noise(GROUPS * ELEMS, seed);
        let x_leaf = leaf(&x, [GROUPS, ELEMS]);
        let y = stats.forward(x_leaf.clone(), Mode::Train);
        let gradients = loss(y.clone()).backward();
        let found = [values(x_leaf.grad(&gradients).unwrap())];
        assert_differences(&stats.label(), &[x], &found, |at| {
            scalar_loss(&at[0].chunks(ELEMS).map(&of).collect::<Vec<_>>())
        });
    }
}

fn sorted(group: &[f64]) -> Vec<f64> {
    let mut sorted = group.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn magnitudes(group: &[f64]) -> Vec<f64> {
    group.iter().map(|x| x.abs()).collect()
}

/// Mean magnitude and standard deviation of the magnitudes.
fn moments(group: &[f64]) -> [f64; 2] {
    let magnitudes = magnitudes(group);
    let mean = magnitudes.iter().sum::<f64>() / ELEMS as f64;
    let squares = magnitudes.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    [mean, (squares / (ELEMS - 1) as f64 + 1e-8).sqrt()]
}

#[test]
fn statistics_match_differences() {
    check(&AbsMax, |group| sorted(&magnitudes(group))[ELEMS - 1]);
    check(&AbsAve, |group| moments(group)[0]);
    check(&MeanSigmaStd { sigma: 1.5 }, |group| moments(group)[0] + 1.5 * moments(group)[1]);
    // Rank floor(0.7 * 9 + 0.5) = 6.
    check(&AbsPercentile { q: 70.0 }, |group| sorted(&magnitudes(group))[5]);
    check(&AbsMinMax, |group| sorted(group)[ELEMS - 1] - sorted(group)[0]);
    check(&NegativeMinOrZero, |group| sorted(group)[0].min(0.0));
    // Ranks ceil(0.2 * 9) = 2 and floor(0.8 * 9 + 0.5) = 7.
    check(&NegativePercentileOrZero { low_q: 20.0 }, |group| sorted(group)[1].min(0.0));
    check(&PercentileInterval { low_q: 20.0, high_q: 80.0 }, |group| {
        sorted(group)[6] - sorted(group)[1].min(0.0)
    });
}

#[test]
fn means_over_channels_match_differences() {
    let x = noise(GROUPS * ELEMS, 24);
    let x_leaf = leaf(&x, [GROUPS, ELEMS]);
    let gradients = loss(AbsMaxAve.forward(x_leaf.clone(), Mode::Train)).backward();
    let found = [values(x_leaf.grad(&gradients).unwrap())];
    assert_differences("AbsMaxAve", &[x], &found, |at| {
        let largest = at[0].chunks(ELEMS).map(|group| sorted(&magnitudes(group))[ELEMS - 1]);
        scalar_loss(&[largest.sum::<f64>() / GROUPS as f64])
    });
}

#[test]
fn learned_deviations_match_differences() {
    let stats = MeanLearnedSigmaStd::new(1.25, GROUPS);
    let x = noise(GROUPS * ELEMS, 25);
    let x_leaf = leaf(&x, [GROUPS, ELEMS]);
    let gradients = loss(stats.forward(x_leaf.clone(), Mode::Train)).backward();
    let sigma = stats.parameters()[0].1;
    let found = [values(x_leaf.grad(&gradients).unwrap()), values(sigma.gradient(&gradients).unwrap())];
    assert_differences("MeanLearnedSigmaStd", &[x, sigma.values()], &found, |at| {
        let groups = at[0].chunks(ELEMS).zip(&at[1]);
        let y = groups.map(|(group, sigma)| moments(group)[0] + sigma * moments(group)[1]);
        scalar_loss(&y.collect::<Vec<_>>())
    });
}

/// Thresholds of weights: a statistic times a learned factor plus a learned summand, in each domain.
#[test]
fn affine_thresholds_match_differences() {
    let weight = noise(GROUPS * ELEMS, 26);
    for (restrict_scaling_type, log) in [(RestrictValueType::Fp, false), (RestrictValueType::LogFp, true)] {
        let quant = WeightQuant {
            restrict_scaling_type,
            scaling_impl_type: ScalingImplType::AffineStats,
            scaling_affine_rescaling_init: Some(1.2),
            scaling_affine_shifting_init: Some(0.3),
            ..Int8WeightPerChannelFloat
        };
        let fc = QuantLinear::builder("fc", ELEMS, GROUPS).bias(false).weight_quant(quant);
        let fc = fc.with_parameters(Parameter::new(weight.clone(), &[GROUPS, ELEMS]), None).unwrap();
        let threshold = thresholds(&fc);
        let gradients = loss(threshold).backward();
        let parameters: Vec<Parameter> =
            named_parameters(&fc).into_iter().map(|named| named.parameter).collect();
        let leaves: Vec<Vec<f32>> = parameters.iter().map(Parameter::values).collect();
        let found: Vec<Vec<f32>> =
            parameters.iter().map(|parameter| values(parameter.gradient(&gradients).unwrap())).collect();
        assert_eq!(leaves.len(), 3, "weight, factors and summands");
        assert_differences(&format!("{restrict_scaling_type:?}"), &leaves, &found, |at| {
            let y = at[0].chunks(ELEMS).zip(at[1].iter().zip(&at[2])).map(|(group, (factor, summand))| {
                let largest = sorted(&magnitudes(group))[ELEMS - 1];
                let stored = if log { largest.log2() } else { largest };
                let stored = stored * factor + summand;
                if log { stored.exp2() } else { stored }
            });
            scalar_loss(&y.collect::<Vec<_>>())
        });
    }
}

/// The thresholds of the layer's weight quantizer, with their place in the graph.
fn thresholds(fc: &QuantLinear) -> exactum_training::backend::Tensor<2> {
    let tensor_quant: Arc<dyn TensorQuant> = fc.weight_quant().unwrap().tensor_quant().clone();
    let weight = fc.weight().tensor(Mode::Train, [GROUPS, ELEMS]);
    tensor_quant.forward(weight, Mode::Train).scale * 127.0
}
