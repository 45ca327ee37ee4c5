//! Probabilities and decibels of exact numbers, to about three digits. Called by firmware that shows them.

use core::f32::consts::{LN_2, LN_10};

use exactum_num::Real;
use micromath::F32Ext;

/// `1 / (1 + e^-x)`: the probability that a logit stands for. In `0.0..=1.0`, off by less than 0.001.
pub fn sigmoid(logit: Real) -> f32 {
    let exponential = exponential(-logit.to_f32().abs());
    let smaller = exponential / (1.0 + exponential);
    if logit.count < 0 { smaller } else { 1.0 - smaller }
}

/// The probabilities that logits stand for, one each; their sum is 1 but for rounding. Off by less than 0.001.
///
/// Returns how many are written: the shorter of both lengths. Differences to the largest logit are taken exactly where the
/// logits have one unit, as the elements of an output have.
pub fn softmax(logits: impl IntoIterator<Item = Real, IntoIter: Clone>, probabilities: &mut [f32]) -> usize {
    let logits = logits.into_iter().take(probabilities.len());
    let Some(largest) = logits.clone().reduce(|a, b| if less(a, b) { b } else { a }) else { return 0 };
    let (mut sum, mut written) = (0.0, 0);
    for (probability, logit) in probabilities.iter_mut().zip(logits) {
        *probability = exponential(difference(logit, largest));
        sum += *probability;
        written += 1;
    }
    // The largest logit adds 1.
    probabilities.iter_mut().take(written).for_each(|probability| *probability /= sum);
    written
}

/// `20 log10 |x|`: the level of an amplitude, 0 at 1. Off by less than 0.01 within 1000 decibels; minus infinity at 0.
pub fn decibels(amplitude: Real) -> f32 {
    2.0 * power_decibels(amplitude)
}

/// `10 log10 |x|`: the level of a power, 0 at 1. Off by less than 0.005 within 500 decibels; minus infinity at 0.
pub fn power_decibels(power: Real) -> f32 {
    let Real { count, unit } = power;
    if count == 0 {
        return f32::NEG_INFINITY;
    }
    // Each factor by itself: the number may lie beyond all floats, and logarithms are best from 1 on.
    let factors = [count.unsigned_abs() as f32, unit.mantissa as f32].map(F32Ext::ln);
    (factors[0] + factors[1] + f32::from(unit.exponent) * LN_2) * (10.0 / LN_10)
}

fn less(a: Real, b: Real) -> bool {
    a.partial_cmp(&b).map_or(a.to_f32() < b.to_f32(), |order| order.is_lt())
}

/// `a - b`, at most 0.
fn difference(a: Real, b: Real) -> f32 {
    let difference = if a.unit == b.unit {
        Real { count: a.count.saturating_sub(b.count), ..a }.to_f32()
    } else {
        a.to_f32() - b.to_f32()
    };
    // Not a number where both are infinite.
    if difference < 0.0 { difference } else { 0.0 }
}

/// `e^x` of `x` at most 0.
fn exponential(x: f32) -> f32 {
    // Below it the result is less than the least normal float, whose neighbourhood `micromath` leaves to chance.
    if x < -87.0 { 0.0 } else { F32Ext::exp(x) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exactum_num::Unit;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    /// A real number, and the nearest double.
    fn number(count: i64, exponent: i16) -> (Real, f64) {
        let unit = Unit { mantissa: 5, exponent };
        (Real { count: count.into(), unit }, count as f64 * 5.0 * f64::powi(2.0, exponent.into()))
    }

    #[test]
    fn ends_are_numbers() {
        let real = |count, exponent| Real { count, unit: Unit { mantissa: u64::MAX, exponent } };
        for exponent in [i16::MIN, -64, 0, i16::MAX] {
            for count in [i128::MIN, -1, 0, 1, i128::MAX] {
                let x = real(count, exponent);
                assert!((0.0..=1.0).contains(&sigmoid(x)), "{x:?}");
                assert!(!decibels(x).is_nan() && !power_decibels(x).is_nan());
                let mut probabilities = [0.0; 3];
                assert_eq!(softmax([x, real(-1, 0), real(i128::MAX, 100)], &mut probabilities), 3);
                assert!(probabilities.iter().all(|probability| (0.0..=1.0).contains(probability)));
            }
        }
        assert_eq!(decibels(real(0, 0)), f32::NEG_INFINITY);
        assert_eq!((sigmoid(real(0, 0)), softmax([], &mut [0.0])), (0.5, 0));
    }

    #[test]
    fn as_many_as_there_are_of_both() {
        let logits = [number(1, 0).0; 4];
        let mut probabilities = [9.0; 2];
        assert_eq!((softmax(logits, &mut probabilities), probabilities), (2, [0.5; 2]));
        let mut probabilities = [9.0; 5];
        assert_eq!((softmax(logits, &mut probabilities), probabilities), (4, [0.25, 0.25, 0.25, 0.25, 9.0]));
    }

    proptest! {
        #[test]
        fn sigmoid_is_near(count in -4000i64..4000, exponent in -10i16..2) {
            let (real, x) = number(count, exponent);
            prop_assert!((f64::from(sigmoid(real)) - 1.0 / (1.0 + (-x).exp())).abs() < 0.001);
        }

        #[test]
        fn softmax_is_near(counts in prop::collection::vec(-2000i64..2000, 1..20), exponent in -10i16..2) {
            let numbers: Vec<_> = counts.iter().map(|count| number(*count, exponent)).collect();
            let largest = numbers.iter().map(|(_, x)| *x).fold(f64::MIN, f64::max);
            let sum: f64 = numbers.iter().map(|(_, x)| (x - largest).exp()).sum();
            let mut found = vec![0.0; numbers.len()];
            softmax(numbers.iter().map(|(real, _)| *real), &mut found);
            for (found, (_, x)) in found.iter().zip(&numbers) {
                prop_assert!((f64::from(*found) - (x - largest).exp() / sum).abs() < 0.001);
            }
            prop_assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }

        #[test]
        fn levels_are_near(count in prop_oneof![-1000i64..-1, 1i64..1000, any::<i64>()], exponent in -80i16..20) {
            prop_assume!(count != 0);
            let (real, x) = number(count, exponent);
            prop_assert!((f64::from(power_decibels(real)) - 10.0 * x.abs().log10()).abs() < 0.005);
            prop_assert!((f64::from(decibels(real)) - 20.0 * x.abs().log10()).abs() < 0.01);
        }
    }
}
