//! Every solution against an evaluation of its own: rationals, floor, and a look at the tie.

use super::*;
use crate::certify::{Scope, certify};
use crate::exact::{Rational, StepFunction, from_f32, from_integer};
use exactum_runtime::num::Rounding;
use proptest::prelude::*;

fn ratio(numer: i64, denom: i64) -> Rational {
    Rational::new(numer.into(), denom.into())
}

fn channel(alpha: Rational, beta: Rational, codes: (i64, i64), range: (i64, i64)) -> Channel {
    let range = IntRange { lo: range.0, hi: range.1 };
    let codes = IntRange { lo: codes.0, hi: codes.1 };
    Channel { function: StepFunction::new(alpha, beta, codes, Rounding::HalfEven), range }
}

/// `clamp(round_half_even(alpha * acc + beta))` over the product of the denominators, sharing nothing with
/// `StepFunction`.
fn half_even(function: &StepFunction, acc: i64) -> i64 {
    let parts = |value: &Rational| (value.numer().to_i128().unwrap(), value.denom().to_i128().unwrap());
    let ((a, b), (c, d)) = (parts(function.alpha()), parts(function.beta()));
    let (numer, denom) = (a * d * i128::from(acc) + c * b, b * d);
    // Up at a tie, then back from an odd code.
    let above = (2 * numer + denom).div_euclid(2 * denom);
    let is_tie = (2 * numer + denom).rem_euclid(2 * denom) == 0;
    let rounded = if is_tie && above % 2 != 0 { above - 1 } else { above };
    let codes = function.codes();
    rounded.clamp(codes.lo.into(), codes.hi.into()).to_i64().unwrap()
}

/// The codes of every channel on its range.
fn exact_codes(channels: &[Channel]) -> Vec<Vec<i64>> {
    let of = |Channel { function, range }: &Channel| {
        (range.lo..=range.hi).map(|acc| half_even(function, acc)).collect()
    };
    channels.iter().map(of).collect()
}

/// Channel and accumulator where the parameters do not give the exact codes.
fn difference_from(exact: &[Vec<i64>], channels: &[Channel], params: &RequantParams) -> Option<(usize, i64)> {
    let requant = params.view();
    channels.iter().zip(exact).enumerate().find_map(|(index, (channel, exact))| {
        let applied = |acc: i64| i64::from(requant.apply(index, i32::try_from(acc).unwrap()));
        let accs = channel.range.lo..=channel.range.hi;
        accs.zip(exact).find(|(acc, code)| applied(*acc) != **code).map(|(acc, _)| (index, acc))
    })
}

fn first_difference(channels: &[Channel], params: &RequantParams) -> Option<(usize, i64)> {
    difference_from(&exact_codes(channels), channels, params)
}

/// Slopes and intercepts of float scales, of power-of-two scales and of small fractions full of ties.
fn line() -> impl Strategy<Value = (Rational, Rational)> {
    let float = (-(1i64 << 24)..1 << 24, 1i64 << 22..1 << 30, -(1i64 << 24)..1 << 24)
        .prop_map(|(a, b, c)| (ratio(a, b), ratio(c, 77_777)));
    let dyadic = (-5i64..=5, 0u32..9, -2000i64..2000, 0u32..6)
        .prop_map(|(a, r, c, t)| (ratio(a, 1 << r), ratio(c, 1 << t)));
    let fraction =
        (-9i64..=9, 1i64..40, -300i64..300, 1i64..12).prop_map(|(a, b, c, d)| (ratio(a, b), ratio(c, d)));
    prop_oneof![float, dyadic, fraction]
}

fn layer() -> impl Strategy<Value = Vec<Channel>> {
    let codes = prop::sample::select(vec![(0, 1), (0, 3), (-2, 1), (-7, 7), (0, 15), (-128, 127), (3, 255)]);
    let own = (line(), -2500i64..2500, 0i64..1500);
    (codes, prop::collection::vec(own, 1..4)).prop_map(|(codes, own)| {
        let of = |((alpha, beta), lo, span)| channel(alpha, beta, codes, (lo, lo + span));
        own.into_iter().map(of).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_choice_is_exact(channels in layer()) {
        let choice = choose(&channels).unwrap();
        prop_assert_eq!(first_difference(&channels, &choice.params), None);
        prop_assert_eq!(choice.certificate.scope, Scope::Proven);
        let tried = choice.passed_over.iter().chain([&choice.params.kind()]).copied().collect::<Vec<_>>();
        let codes = channels[0].function.codes();
        prop_assert!(order(codes.hi - codes.lo + 1).starts_with(&tried));
    }

    #[test]
    fn every_form_is_exact_or_declined(channels in layer()) {
        let exact = exact_codes(&channels);
        for form in FormKind::ALL {
            let Some(params) = solve_form(form, &channels).unwrap() else { continue };
            prop_assert_eq!(difference_from(&exact, &channels, &params), None, "{}", form);
            let certificate = certify(&channels, &params.view()).unwrap();
            prop_assert_eq!((certificate.form, params.kind()), (form.name(), form));
        }
    }

    /// The fallbacks and the even/odd pair exist whatever the scales are.
    #[test]
    fn some_forms_always_exist(channels in layer()) {
        for form in [FormKind::EvenOdd, FormKind::Thresholds, FormKind::Table] {
            prop_assert!(solve_form(form, &channels).unwrap().is_some(), "{}", form);
        }
    }

    /// Other roundings than half to even, where `eval` was checked against rationals beside its definition.
    #[test]
    fn every_rounding_is_exact(
        (alpha, beta) in line(), lo in -900i64..900, span in 0i64..500,
        rounding in prop::sample::select(Rounding::ALL.to_vec()),
    ) {
        let function = StepFunction::new(alpha, beta, IntRange { lo: -20, hi: 20 }, rounding);
        let channels = [Channel { function, range: IntRange { lo, hi: lo + span } }];
        let choice = choose(&channels).unwrap();
        for acc in lo..=lo + span {
            let code = choice.params.view().apply(0, i32::try_from(acc).unwrap());
            prop_assert_eq!(i64::from(code), channels[0].function.eval(acc));
        }
    }

    /// Float scales of 8-bit layers: one line always exists, whatever the width of the accumulator.
    #[test]
    fn float_scales_need_one_line(
        log_range in 12u32..25, mantissa in 1i64 << 23..1 << 24, other in 1i64 << 23..1 << 24,
        bias in -1.0e-3f32..1.0e-3, spread in 1i64..32, zero_point in -128i64..128,
    ) {
        let range = 1i64 << log_range;
        // The codes cover between 1/32 and all of the range.
        let alpha = ratio(mantissa, other) * ratio(255 * spread, range);
        let beta = from_f32(bias).unwrap() * &alpha + from_integer(zero_point);
        let channels = [channel(alpha, beta, (-128, 127), (-range / 2, range / 2 - 1))];
        let params = solve_form(FormKind::Multiply64, &channels).unwrap();
        prop_assert!(params.is_some_and(|params| certify(&channels, &params.view()).is_ok()));
    }
}

/// Ties of alternating parity inside the active range, which no single line of any width can follow.
#[test]
fn power_of_two_scales_shift_half_to_even() {
    for shift in 1..12 {
        for odd_factor in [1, 3, -1, -5] {
            let alpha = ratio(odd_factor, 1 << shift);
            let channels = [channel(alpha, ratio(7, 2), (-128, 127), (-3000, 3000))];
            assert_eq!(solve_form(FormKind::Multiply64, &channels), Ok(None));
            let choice = choose(&channels).unwrap();
            assert_eq!(choice.params.kind(), FormKind::ShiftHalfEven, "{odd_factor} / 2^{shift}");
            assert_eq!(first_difference(&channels, &choice.params), None);
        }
    }
}

#[test]
fn other_alternating_ties_take_an_even_odd_pair() {
    for denom in [6, 10, 14, 22] {
        let channels = [channel(ratio(1, denom), from_integer(0), (-128, 127), (-3000, 3000))];
        let choice = choose(&channels).unwrap();
        assert_eq!(choice.params.kind(), FormKind::EvenOdd, "1 / {denom}");
        assert_eq!(choice.passed_over, FormKind::ALL[..4]);
        assert_eq!(first_difference(&channels, &choice.params), None);
    }
    // Ties two codes apart all go the same way: one line does.
    let channels = [channel(ratio(2, 3), ratio(1, 2), (-128, 127), (-300, 300))];
    assert_eq!(choose(&channels).unwrap().params.kind(), FormKind::Multiply32);
}

#[test]
fn codes_that_are_accumulators_need_no_arithmetic() {
    let channels = [
        channel(from_integer(1), from_integer(-3), (0, 255), (-900, 900)),
        // Constant on its range, and falling elsewhere.
        channel(ratio(-1, 7), from_integer(900), (0, 255), (0, 10)),
    ];
    let choice = choose(&channels).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Offset);
    assert_eq!(first_difference(&channels, &choice.params), None);
}

#[test]
fn channels_share_what_they_can() {
    let arrays = |channels: &[Channel]| {
        let params = solve_form(FormKind::Multiply64, channels).unwrap().unwrap();
        assert_eq!(first_difference(channels, &params), None);
        match &params.form {
            FormParams::Multiply64(line) => {
                assert_eq!(
                    params.size_bytes(),
                    4 * line.multipliers.len() + 8 * line.offsets.len() + line.shifts.len()
                );
                (line.multipliers.len(), line.offsets.len(), line.shifts.len())
            }
            other => panic!("{other:?}"),
        }
    };
    let own =
        |alpha: Rational, beta: i64, lo: i64| channel(alpha, ratio(beta, 97), (-128, 127), (lo, lo + 2000));
    let alpha = ratio(1234, 9999);
    let alike = [own(alpha.clone(), 5, -1000), own(alpha.clone(), 5, -1500), own(alpha.clone(), 5, -400)];
    assert_eq!(arrays(&alike), (1, 1, 1));
    assert!(
        certify(&alike, &solve_form(FormKind::Multiply64, &alike).unwrap().unwrap().view()).unwrap().shared
    );
    // One weight scale, several biases.
    assert_eq!(arrays(&[own(alpha.clone(), 5, -1000), own(alpha.clone(), 500, -1500)]), (1, 2, 1));
    // Several weight scales, one shift; without a bias of their own the channels share the offset too.
    assert_eq!(arrays(&[own(alpha.clone(), 5, -1000), own(ratio(1234, 19_999), 500, -1500)]), (2, 2, 1));
    assert_eq!(arrays(&[own(alpha.clone(), 5, -1000), own(ratio(1234, 19_999), 5, -1500)]), (2, 1, 1));
    // A falling channel cannot share the multiplier of a rising one.
    assert_eq!(arrays(&[own(alpha.clone(), 5, -1000), own(-alpha, 5, -1000)]), (2, 1, 1));
}

#[test]
fn one_and_two_bit_codes_count_thresholds() {
    let channels = [
        channel(ratio(1, 64), from_integer(0), (0, 1), (-500, 500)),
        channel(ratio(-1, 48), ratio(1, 3), (0, 1), (-500, 500)),
    ];
    let choice = choose(&channels).unwrap();
    assert_eq!(first_difference(&channels, &choice.params), None);
    let expected = FormParams::Thresholds { signs: vec![1, -1], thresholds: vec![33, 9] };
    assert_eq!(choice.params.form, expected);
    assert_eq!(choice.params.size_bytes(), 10);
}

#[test]
fn sixteen_bit_codes_take_one_line_while_multipliers_last() {
    let int16 = |log_range: u32| {
        let range = 1i64 << log_range;
        let alpha = ratio(65_537 * 1_000_003, range * 1_000_000);
        [channel(alpha, ratio(1, 3), (-32_768, 32_767), (-range / 2, range / 2 - 1))]
    };
    let narrow = int16(17);
    let choice = choose(&narrow).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Multiply64);
    assert_eq!(first_difference(&narrow, &choice.params), None);
    // Multipliers past 31 bits: the thresholds themselves, and their honest size.
    let wide = int16(26);
    let choice = choose(&wide).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Thresholds);
    assert_eq!(choice.params.size_bytes(), 4 * 65_535 + 1);
    assert_eq!(choice.passed_over, FormKind::ALL[..5]);
}

#[test]
fn a_bias_may_start_the_accumulator() {
    let plain = channel(ratio(37, 1000), ratio(7, 3), (0, 255), (-4000, 4000));
    let started = [plain.with_bias(-1700).unwrap()];
    let choice = choose(&started).unwrap();
    for acc in -4000..=4000 {
        assert_eq!(
            i64::from(choice.params.view().apply(0, acc - 1700)),
            half_even(&plain.function, acc.into())
        );
    }
    assert_eq!(plain.with_bias(i64::MAX), None);
}

#[test]
fn malformed_layers_are_refused() {
    let own = |codes, range| channel(ratio(1, 3), from_integer(0), codes, range);
    assert_eq!(choose(&[]), Err(RequantError::NoChannels));
    let wide = IntRange { lo: 0, hi: 1 << 31 };
    assert_eq!(choose(&[own((0, 15), (0, 1 << 31))]), Err(RequantError::Range { channel: 0, range: wide }));
    let error = choose(&[own((0, 15), (0, 9)), own((0, 7), (0, 9))]).unwrap_err();
    assert_eq!(error.to_string(), "channel 1 has codes 0..=7, needed the 0..=15 of channel 0");
    let error = choose(&[own((0, 1 << 20), (0, 1 << 22))]).unwrap_err();
    assert_eq!(error, RequantError::Steps { channel: 0, steps: 1 << 20 });
    let error = choose(&[own((0, 1 << 31), (0, 9))]).unwrap_err();
    assert!(matches!(error, RequantError::Codes { channel: 0, .. }));
}
