//! Fake quantization against central differences of its surrogate: the function whose rounding errors stay what they are
//! at a point, which is what straight-through gradients are the gradients of.

use std::sync::Arc;

use crate::common::values;
use crate::{assert_differences, leaf, loss, noise, scalar_loss};
use exactum_training::backend::Tensor;
use exactum_training::component::Component;
use exactum_training::nn::{ActBuilder, QuantIdentity, QuantLinear};
use exactum_training::quant::*;
use exactum_training::{Activation, NamedParameter, Parameter, named_parameters};

/// What quantization does to one element, as it stays while its arguments move a little.
#[derive(Clone, Copy)]
enum Place {
    /// Rounded by as much.
    Inside(f64),
    Below,
    Above,
}

impl Place {
    /// Of `v` between `lo` and `hi`; gradients stop outside.
    fn of(v: f64, [lo, hi]: [f64; 2], round: fn(f64) -> f64) -> Self {
        match round(v) {
            code if code < lo => Self::Below,
            code if code > hi => Self::Above,
            code => Self::Inside(code - v),
        }
    }

    /// As [`of`](Self::of), where gradients pass outside, too.
    fn passing(v: f64, [lo, hi]: [f64; 2]) -> Self {
        Self::Inside(v.round_ties_even().clamp(lo, hi) - v)
    }

    fn code(self, v: f64, [lo, hi]: [f64; 2]) -> f64 {
        match self {
            Self::Inside(error) => v + error,
            Self::Below => lo,
            Self::Above => hi,
        }
    }
}

/// Smallest and largest code.
fn bounds(bits: f64, signed: bool, narrow: bool) -> [f64; 2] {
    let narrow = f64::from(u8::from(narrow));
    if signed {
        [-(bits - 1.0).exp2() + narrow, (bits - 1.0).exp2() - 1.0]
    } else {
        [0.0, bits.exp2() - 1.0 - narrow]
    }
}

/// The code that stands for the threshold.
fn divisor(bits: f64, signed: bool, narrow: bool) -> f64 {
    let [lo, hi] = bounds(bits, signed, narrow);
    if signed { -lo } else { hi }
}

/// Values inside the range, at its ends and outside, none next to a tie.
fn inputs() -> Vec<f32> {
    noise(48, 31).into_iter().map(|x| x * 1.4).collect()
}

const SHAPE: [usize; 2] = [6, 8];

/// Gradients of the input and of all parameters of a layer, which are given by the ends of their paths.
fn gradients(layer: &QuantIdentity, x: &[f32], paths: &[&str]) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let x_leaf = leaf(x, SHAPE);
    let gradients = loss(layer.forward(&Activation::train(x_leaf.clone())).unwrap().value()).backward();
    let named = named_parameters(layer);
    assert_eq!(named.len(), paths.len(), "{named:?}");
    let mut leaves = vec![x.to_vec()];
    let mut found = vec![values(x_leaf.grad(&gradients).unwrap())];
    for path in paths {
        let parameter = find(&named, path);
        leaves.push(parameter.values());
        found.push(values(parameter.gradient(&gradients).unwrap()));
    }
    (leaves, found)
}

fn find(named: &[NamedParameter], path: &str) -> Parameter {
    let found = named.iter().find(|named| named.path.ends_with(path));
    found.unwrap_or_else(|| panic!("{path} among {named:?}")).parameter.clone()
}

/// A clamp that no fused kernel stands in for.
struct Composed<C>(C);

impl<C: Component> Component for Composed<C> {
    fn label(&self) -> String {
        format!("Composed{}", self.0.label())
    }
}

impl<C: Clamp> Clamp for Composed<C> {
    fn forward(&self, x: Tensor<2>, bounds: &Bounds) -> Tensor<2> {
        self.0.forward(x, bounds)
    }
}

const SCALE: &str = "scaling_impl.value";
const WIDTH: &str = "bit_width_offset";

/// A learned scale, as it is and as a logarithm, by the fused kernel and composed.
#[test]
fn learned_scales_match_differences() {
    for (kind, log) in [(RestrictValueType::Fp, false), (RestrictValueType::LogFp, true)] {
        for (signed, narrow) in [(true, false), (true, true), (false, false)] {
            for fused in [true, false] {
                let layer = learned(signed, narrow).restrict_scaling_type(kind);
                let layer =
                    if fused { layer } else { layer.tensor_clamp_impl(Arc::new(Composed(TensorClamp))) };
                let (leaves, found) = gradients(&layer.build().unwrap(), &inputs(), &[SCALE]);
                let scale = |stored: f64| {
                    let threshold = if log { stored.exp2() } else { stored };
                    threshold / divisor(4.0, signed, narrow)
                };
                let ends = bounds(4.0, signed, narrow);
                let at = f64::from(leaves[1][0]);
                let places: Vec<Place> = leaves[0]
                    .iter()
                    .map(|x| Place::of(f64::from(*x) / scale(at), ends, f64::round_ties_even))
                    .collect();
                let what = format!("{kind:?}, signed: {signed}, narrow: {narrow}, fused: {fused}");
                assert_differences(&what, &leaves, &found, |at| {
                    let s = scale(at[1][0]);
                    let y = at[0].iter().zip(&places).map(|(x, place)| place.code(x / s, ends) * s);
                    scalar_loss(&y.collect::<Vec<_>>())
                });
            }
        }
    }
}

fn learned(signed: bool, narrow: bool) -> ActBuilder<QuantIdentity> {
    QuantIdentity::builder("id").bit_width(4).signed(signed).narrow_range(narrow).max_val(0.9)
}

/// A learned bit width moves the bounds and the scale; its parameter counts in magnitude.
#[test]
fn learned_bit_widths_match_differences() {
    for (signed, narrow) in [(true, false), (true, true), (false, false)] {
        for offset in [2.0, -2.0] {
            let layer = learned(signed, narrow).bit_width_impl_type(BitWidthImplType::Parameter);
            let layer = layer.build().unwrap();
            find(&named_parameters(&layer), WIDTH).set(vec![offset]);
            let (leaves, found) = gradients(&layer, &inputs(), &[SCALE, WIDTH]);
            let bits = |at: &[Vec<f64>]| at[2][0].abs() + 2.0;
            let code = |x: f64, at: &[Vec<f64>]| {
                (x * divisor(bits(at), signed, narrow) / at[1][0], bounds(bits(at), signed, narrow))
            };
            let start: Vec<Vec<f64>> = leaves.iter().map(|leaf| crate::doubles(leaf)).collect();
            let place = |x: &f64| {
                let (v, ends) = code(*x, &start);
                Place::of(v, ends, f64::round_ties_even)
            };
            let places: Vec<Place> = start[0].iter().map(place).collect();
            let what = format!("signed: {signed}, narrow: {narrow}, offset {offset}");
            assert_differences(&what, &leaves, &found, |at| {
                let s = at[1][0] / divisor(bits(at), signed, narrow);
                let y = at[0].iter().zip(&places).map(|(x, place)| {
                    let (v, ends) = code(*x, at);
                    place.code(v, ends) * s
                });
                scalar_loss(&y.collect::<Vec<_>>())
            });
        }
    }
}

/// A learned zero point: the distance of the smallest value from zero, in the units of the input.
#[test]
fn learned_zero_points_match_differences() {
    let layer = learned(false, false)
        .zero_point_impl(ZeroPointImpl::Parameter)
        .zero_point_init(0.43)
        .max_val(1.6)
        .build()
        .unwrap();
    let (leaves, found) = gradients(&layer, &inputs(), &[SCALE, "zero_point_impl.value"]);
    let ends = bounds(4.0, false, false);
    let start: Vec<Vec<f64>> = leaves.iter().map(|leaf| crate::doubles(leaf)).collect();
    let scaled = |at: &[Vec<f64>]| (at[1][0] / 15.0, at[2][0] / (at[1][0] / 15.0));
    let zero_place = Place::of(scaled(&start).1, ends, f64::round_ties_even);
    let zero_point = |at: &[Vec<f64>]| zero_place.code(scaled(at).1, ends);
    let places: Vec<Place> = start[0]
        .iter()
        .map(|x| Place::of(x / scaled(&start).0 + zero_point(&start), ends, f64::round_ties_even))
        .collect();
    assert_differences("zero point", &leaves, &found, |at| {
        let (s, zero_point) = (scaled(at).0, zero_point(at));
        let y = at[0]
            .iter()
            .zip(&places)
            .map(|(x, place)| (place.code(x / s + zero_point, ends) - zero_point) * s);
        scalar_loss(&y.collect::<Vec<_>>())
    });
}

fn weights() -> Vec<f32> {
    noise(3 * 7, 32)
}

fn layer(quant: WeightQuant) -> QuantLinear {
    let fc = QuantLinear::builder("fc", 7, 3).bias(false).weight_quant(quant).weight_bit_width(4);
    fc.with_parameters(Parameter::new(weights(), &[3, 7]), None).unwrap()
}

/// Gradients of all parameters of a layer that its quantized weight depends on.
fn weight_gradients(fc: &QuantLinear) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
    let gradients = loss(fc.quant_weight::<2>().unwrap().value()).backward();
    let parameters = named_parameters(fc).into_iter().map(|named| named.parameter);
    parameters.map(|p| (p.values(), values(p.gradient(&gradients).unwrap()))).unzip()
}

/// Weights by a statistic of their own, whose gradients pass outside the range, too, fused and composed.
#[test]
fn scales_of_weight_statistics_match_differences() {
    let mean = |magnitudes: &[f64]| magnitudes.iter().sum::<f64>() / magnitudes.len() as f64;
    let largest = |magnitudes: &[f64]| magnitudes.iter().fold(0f64, |largest, w| largest.max(*w));
    let ave = WeightQuant { scaling_stats_op: StatsOp::Ave, ..Int8WeightPerTensorFloat };
    let per_channel = WeightQuant { scaling_stats_op: StatsOp::Ave, ..Int8WeightPerChannelFloat };
    type Statistic = dyn Fn(&[f64]) -> f64;
    let cases: [(WeightQuant, usize, &Statistic); 4] = [
        (Int8WeightPerTensorFloat, 21, &largest),
        (Int8WeightPerChannelFloat, 7, &largest),
        (ave, 21, &mean),
        (per_channel, 7, &mean),
    ];
    for (quant, elems, statistic) in cases {
        for composed in [false, true] {
            let quant = if composed {
                quant.clone().with_tensor_clamp_impl(Arc::new(Composed(TensorClampSte)))
            } else {
                quant.clone()
            };
            let (leaves, found) = weight_gradients(&layer(quant.clone()));
            let ends = [-7.0, 7.0];
            let scale = |group: &[f64]| statistic(&group.iter().map(|w| w.abs()).collect::<Vec<_>>()) / 7.0;
            let start = crate::doubles(&leaves[0]);
            let places: Vec<Place> = start
                .chunks(elems)
                .flat_map(|group| group.iter().map(move |w| Place::passing(w / scale(group), ends)))
                .collect();
            assert_differences(&format!("{quant:?}"), &leaves, &found, |at| {
                let groups = at[0].chunks(elems).zip(places.chunks(elems));
                let y = groups.flat_map(|(group, places)| {
                    let s = scale(group);
                    group.iter().zip(places).map(move |(w, place)| place.code(w / s, ends) * s)
                });
                scalar_loss(&y.collect::<Vec<_>>())
            });
        }
    }
}

/// Norms of A2Q and A2Q+, within what the accumulator allows and beyond it, where they no longer count.
#[test]
fn accumulator_aware_norms_match_differences() {
    for (quant, centre) in
        [(Int8AccumulatorAwareWeightQuant, false), (Int8AccumulatorAwareZeroCenterWeightQuant, true)]
    {
        for (accumulator, limited) in [(32, false), (11, true)] {
            let fc = layer(WeightQuant { accumulator_bit_width: Some(accumulator), ..quant.clone() });
            let named = named_parameters(&fc);
            let norms = find(&named, "tensor_quant.value");
            // Away from where every quotient is a whole number.
            norms.set(norms.values().iter().map(|norm| norm - 0.17).collect());
            let x = QuantIdentity::builder("in").max_val(1.0).build().unwrap();
            let x = x.forward(&Activation::train(Tensor::ones([1, 7], &Default::default()))).unwrap();
            fc.forward(&x).unwrap();
            let gradients = loss(fc.quant_weight::<2>().unwrap().value()).backward();
            let paths = ["weight", "scaling_impl.value", "tensor_quant.value"];
            let all = paths.map(|path| find(&named, path));
            let leaves = all.clone().map(|parameter| parameter.values());
            let limit = if centre {
                (f64::from(accumulator).exp2() - 2.0) / 255.0
            } else {
                ((f64::from(accumulator) - 1.0).exp2() - 1.0) / 128.0
            };
            // The centred weights, the scale and the quotients of a channel.
            let channel = |at: &[Vec<f64>], channel: usize| {
                let weights = &at[0][channel * 7..][..7];
                let mean = if centre { weights.iter().sum::<f64>() / 7.0 } else { 0.0 };
                let centred: Vec<f64> = weights.iter().map(|w| w - mean).collect();
                let scale = at[1][channel].exp2();
                let learned = at[2][channel].exp2() / scale;
                assert_eq!(learned > limit, limited);
                let norm: f64 = centred.iter().map(|w| w.abs()).sum();
                let pre_scale = norm / learned.min(limit);
                (scale, centred.into_iter().map(|w| w / pre_scale).collect::<Vec<f64>>())
            };
            let start = leaves.clone().map(|leaf| crate::doubles(&leaf));
            let places: Vec<Vec<Place>> = (0..3)
                .map(|c| {
                    channel(&start, c).1.iter().map(|v| Place::of(*v, [-7.0, 7.0], f64::trunc)).collect()
                })
                .collect();
            let f = |at: &[Vec<f64>]| {
                let y = (0..3).flat_map(|c| {
                    let (scale, quotients) = channel(at, c);
                    let codes = quotients.into_iter().zip(&places[c]);
                    codes.map(move |(v, place)| place.code(v, [-7.0, 7.0]) * scale).collect::<Vec<_>>()
                });
                scalar_loss(&y.collect::<Vec<_>>())
            };
            let found = |parameter: &Parameter| parameter.gradient(&gradients).map(values);
            let what = format!("centre: {centre}, limited: {limited}");
            let counting = if limited { 2 } else { 3 };
            let gradients: Vec<Vec<f32>> =
                all[..counting].iter().map(|parameter| found(parameter).unwrap()).collect();
            assert_differences(&what, &leaves, &gradients, f);
            if limited {
                let idle = found(&all[2]).unwrap_or_default();
                assert!(idle.iter().all(|gradient| *gradient == 0.0), "{what}: {idle:?}");
            }
        }
    }
}
