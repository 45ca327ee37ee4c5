//! Every solution against an evaluation of its own: rationals, floor, and a look at the tie.

use super::*;
use crate::certify::{Scope, certify};
use crate::exact::function_tests::{quantizers, rational_code, rational_curves};
use crate::exact::{Curve, Function, Piece, Quantizer, Rational, from_f32, from_integer};
use exactum_runtime::num::Rounding;
use proptest::prelude::*;

fn ratio(numer: i64, denom: i64) -> Rational {
    Rational::new(numer.into(), denom.into())
}

fn channel(alpha: Rational, beta: Rational, codes: (i64, i64), range: (i64, i64)) -> Channel {
    let range = IntRange { lo: range.0, hi: range.1 };
    let codes = IntRange { lo: codes.0, hi: codes.1 };
    Channel { function: Function::affine(alpha, beta, codes, Rounding::HalfEven), range }
}

/// `clamp(round_half_even(real value))` by integer division, sharing nothing with the evaluation of `Function`.
fn half_even(function: &Function, acc: i64) -> i64 {
    let value = function.real(acc);
    let (numer, denom) = (value.numer().to_i128().unwrap(), value.denom().to_i128().unwrap());
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
        let applied = |acc: i64| i64::from(requant.apply_wide(index, acc));
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
        let choice = choose(&channels, Costs::default()).unwrap();
        prop_assert_eq!(first_difference(&channels, &choice.params), None);
        prop_assert_eq!(choice.certificate.scope, Scope::Proven);
        let tried = choice.passed_over.iter().chain([&choice.params.kind()]).copied().collect::<Vec<_>>();
        let view = choice.params.view();
        prop_assert!(order(i64::from(view.hi) - i64::from(view.lo) + 1, Costs::default()).starts_with(&tried));
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
        let function = Function::affine(alpha, beta, IntRange { lo: -20, hi: 20 }, rounding);
        let channels = [Channel { function, range: IntRange { lo, hi: lo + span } }];
        let choice = choose(&channels, Costs::default()).unwrap();
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

    /// Layers of 8-bit codes that are computed by lines keep the high word of one product, whatever their biases and zero
    /// points; every code is compared.
    #[test]
    fn layers_of_bytes_keep_the_high_word(
        log_range in 11u32..18, slopes in prop::collection::vec((1i64 << 23..1 << 24, 1i64 << 23..1 << 24), 1..6),
        biases in prop::collection::vec(-3000.0f32..3000.0, 5), whole in any::<bool>(), zero_point in -128i64..128,
        rounding in prop::sample::select(Rounding::ALL.to_vec()), signs in any::<u8>(),
    ) {
        let range = IntRange { lo: -(1 << log_range) / 2, hi: (1 << log_range) / 2 - 1 };
        let of = |(index, ((mantissa, other), bias)): (usize, (&(i64, i64), &f32))| {
            let sign = if signs >> index & 1 == 1 { -1 } else { 1 };
            let alpha = ratio(sign * mantissa, *other) * ratio(255, 1 << log_range);
            let bias = if whole { from_integer(*bias as i64) } else { from_f32(*bias).unwrap() };
            let beta = bias * &alpha + from_integer(zero_point);
            let codes = IntRange { lo: -128, hi: 127 };
            Channel { function: Function::affine(alpha, beta, codes, rounding), range }
        };
        let channels: Vec<Channel> = slopes.iter().zip(&biases).enumerate().map(of).collect();
        let params = solve_form(FormKind::MultiplyHigh, &channels).unwrap();
        let is_line = solve_form(FormKind::Multiply64, &channels).unwrap().is_some();
        prop_assert_eq!(params.is_some(), is_line);
        let Some(params) = params else { return Ok(()) };
        prop_assert!(certify(&channels, &params.view()).is_ok());
        for (index, channel) in channels.iter().enumerate() {
            prop_assert!(params.view().is_exact_on(index, range));
            for acc in range.lo..=range.hi {
                let code = params.view().apply(index, i32::try_from(acc).unwrap());
                prop_assert_eq!(i64::from(code), channel.function.eval(acc));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any curve before any quantizer: lines where they do, tables where nothing else does.
    #[test]
    fn every_tail_is_exact(
        curves in prop::collection::vec(rational_curves(), 1..4), quantizer in quantizers(),
        lo in -400i64..400, span in 0i64..500,
    ) {
        let range = IntRange { lo, hi: lo + span };
        let function = |curve| Channel { function: Function::new(curve, &quantizer, 0), range };
        let channels: Vec<Channel> = curves.iter().map(function).collect();
        let choice = choose(&channels, Costs::default()).unwrap();
        for (channel, curve) in curves.iter().enumerate() {
            for acc in range.lo..=range.hi {
                let code = choice.params.view().apply(channel, i32::try_from(acc).unwrap());
                prop_assert_eq!(i64::from(code), rational_code(curve, &quantizer, acc));
            }
        }
        let general = channels.iter().any(|channel| channel.function.shape(range) == Shape::General);
        let scope = if general { Scope::Exhaustive } else { Scope::Proven };
        prop_assert_eq!(choice.certificate.scope, scope);
        prop_assert!(!general || choice.params.kind() == FormKind::Table);
    }

    /// Accumulators past 32 bits, at random and around steps.
    #[test]
    fn wide_accumulators_are_exact(
        log_bits in 33u32..53, mantissa in 1i64 << 23..1 << 24, other in 1i64 << 23..1 << 24, dyadic in any::<bool>(),
        negative in any::<bool>(), offset in -500i64..500, int16 in any::<bool>(), at in prop::collection::vec(any::<i64>(), 40),
    ) {
        // Multipliers have 63 bits, which 16-bit codes exhaust first.
        let log_range = if int16 { log_bits.min(44) } else { log_bits };
        let half = 1i64 << (log_range - 1);
        let codes = if int16 { (-32_768, 32_767) } else { (-128, 127) };
        let mantissa = if negative { -mantissa } else { mantissa };
        let other = if dyadic { 1 << 23 } else { other };
        let alpha = ratio(mantissa, other) * ratio(codes.1, half);
        let beta = if dyadic { ratio(offset, 1 << 8) } else { ratio(offset, 7) };
        let alpha = if dyadic { ratio(mantissa >> 20, half) * from_integer(codes.1 + 1) } else { alpha };
        let channels = [channel(alpha, beta, codes, (-half, half - 1))];
        let choice = choose(&channels, Costs::default()).unwrap();
        let expected = if dyadic { FormKind::ShiftHalfEven64 } else { FormKind::Multiply128 };
        prop_assert_eq!(choice.params.kind(), expected);
        let requant = choice.params.view();
        let (function, range) = (&channels[0].function, channels[0].range);
        prop_assert!(requant.is_exact_on(0, range) && requant.is_well_formed(1));
        let sign = if negative { -1 } else { 1 };
        for acc in at {
            let acc = acc % half;
            let step = function.threshold(half_even(function, acc), range).clamp(1 - half, half - 1) * sign;
            for acc in [acc, step, (step - sign).clamp(-half, half - 1)] {
                prop_assert_eq!(i64::from(requant.apply_wide(0, acc)), half_even(function, acc));
            }
        }
    }
}

/// A sign has two codes and the gap between them; sigmoids have steps but no line.
#[test]
fn signs_and_sigmoids_count_thresholds() {
    let range = IntRange { lo: -100_000, hi: 100_000 };
    let of = |curve: &Curve, quantizer| [Channel { function: Function::new(curve, &quantizer, 0), range }];
    let sign = of(&Curve::affine(vec![ratio(-1, 3)], vec![ratio(7, 2)]), Quantizer::Sign);
    let choice = choose(&sign, Costs::default()).unwrap();
    assert_eq!((choice.params.lo, choice.params.hi), (-1, 1));
    assert_eq!(choice.params.form, FormParams::Thresholds { signs: vec![-1], thresholds: vec![-10, -10] });
    let quantizer = Quantizer::Uniform {
        scale: ratio(1, 255),
        zero_point: 0,
        after: 0,
        range: IntRange { lo: 0, hi: 255 },
        rounding: Rounding::HalfEven,
    };
    let sigmoid = of(&Curve::affine(vec![ratio(1, 9999)], vec![ratio(1, 7)]).then(Piece::Sigmoid), quantizer);
    let choice = choose(&sigmoid, Costs::default()).unwrap();
    assert_eq!((choice.params.kind(), choice.certificate.scope), (FormKind::Thresholds, Scope::Proven));
    for acc in (range.lo..=range.hi).step_by(101) {
        let code = choice.params.view().apply(0, i32::try_from(acc).unwrap());
        let real = 255.0 / (1.0 + (-(acc as f64 / 9999.0 + 1.0 / 7.0)).exp());
        assert!((f64::from(code) - real).abs() < 0.500_001, "{acc}");
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
            let choice = choose(&channels, Costs::default()).unwrap();
            assert_eq!(choice.params.kind(), FormKind::ShiftHalfEven, "{odd_factor} / 2^{shift}");
            assert_eq!(first_difference(&channels, &choice.params), None);
        }
    }
}

#[test]
fn other_alternating_ties_take_an_even_odd_pair() {
    for denom in [6, 10, 14, 22] {
        let channels = [channel(ratio(1, denom), from_integer(0), (-128, 127), (-3000, 3000))];
        let choice = choose(&channels, Costs::default()).unwrap();
        assert_eq!(choice.params.kind(), FormKind::EvenOdd, "1 / {denom}");
        assert_eq!(choice.passed_over, order(256, Costs::default())[..5]);
        assert_eq!(first_difference(&channels, &choice.params), None);
    }
    // Ties two codes apart all go the same way: one line does.
    let channels = [channel(ratio(2, 3), ratio(1, 2), (-128, 127), (-300, 300))];
    assert_eq!(choose(&channels, Costs::default()).unwrap().params.kind(), FormKind::Multiply32);
}

#[test]
fn codes_that_are_accumulators_need_no_arithmetic() {
    let channels = [
        channel(from_integer(1), from_integer(-3), (0, 255), (-900, 900)),
        // Constant on its range, and falling elsewhere.
        channel(ratio(-1, 7), from_integer(900), (0, 255), (0, 10)),
    ];
    let choice = choose(&channels, Costs::default()).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Offset);
    assert_eq!(first_difference(&channels, &choice.params), None);
}

#[test]
fn channels_share_what_they_can() {
    let arrays = |channels: &[Channel]| {
        let params = solve_form(FormKind::Multiply64, channels).unwrap().unwrap();
        assert_eq!(first_difference(channels, &params), None);
        match &params.form {
            FormParams::Multiply64 { multipliers, offsets, shifts } => {
                let size_bytes = 4 * multipliers.len() + 8 * offsets.len() + shifts.len();
                assert_eq!(params.size_bytes(), size_bytes);
                (multipliers.len(), offsets.len(), shifts.len())
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
    let choice = choose(&channels, Costs::default()).unwrap();
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
    let choice = choose(&narrow, Costs::default()).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Multiply64);
    assert_eq!(first_difference(&narrow, &choice.params), None);
    // Multipliers past 31 bits: a wider product, far smaller than the thresholds.
    let wide = int16(26);
    let choice = choose(&wide, Costs::default()).unwrap();
    assert_eq!(choice.params.kind(), FormKind::Multiply128);
    assert_eq!(choice.params.size_bytes(), 8 + 16 + 1);
    assert_eq!(choice.passed_over, order(65_536, Costs::default())[..7]);
    for acc in (-(1 << 25)..1 << 25).step_by(997) {
        let code = choice.params.view().apply_wide(0, acc);
        assert_eq!(i64::from(code), half_even(&wide[0].function, acc));
    }
    let thresholds = solve_form(FormKind::Thresholds, &wide).unwrap().unwrap();
    assert_eq!(thresholds.size_bytes(), 4 * 65_535 + 1);
    let long = solve_form(FormKind::Thresholds64, &wide).unwrap().unwrap();
    certify(&wide, &long.view()).unwrap();
    for acc in (-(1 << 25)..1 << 25).step_by(9_973) {
        assert_eq!(i64::from(long.view().apply_wide(0, acc)), half_even(&wide[0].function, acc));
    }
}

#[test]
fn a_bias_may_start_the_accumulator() {
    let plain = channel(ratio(37, 1000), ratio(7, 3), (0, 255), (-4000, 4000));
    let started = [plain.with_bias(-1700).unwrap()];
    let choice = choose(&started, Costs::default()).unwrap();
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
    assert_eq!(choose(&[], Costs::default()), Err(RequantError::NoChannels));
    let wide = IntRange { lo: 0, hi: 1 << 61 };
    assert_eq!(
        choose(&[own((0, 15), (0, 1 << 61))], Costs::default()),
        Err(RequantError::Range { channel: 0, range: wide })
    );
    let error = choose(&[own((0, 1 << 20), (0, 1 << 22))], Costs::default()).unwrap_err();
    assert_eq!(error, RequantError::Steps { channel: 0, steps: 1 << 20 });
    let error = choose(&[own((0, 1 << 31), (0, 9))], Costs::default()).unwrap_err();
    assert!(matches!(error, RequantError::Codes { channel: 0, .. }));
}

/// Rows of the table of forms in the normative text: `| `name` | formula | condition |`.
#[test]
fn the_normative_table_lists_exactly_the_forms_of_the_runtime() {
    let text = include_str!("../../../docs/arithmetic.md");
    let (_, section) = text.split_once("\n## Forms\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(rows.collect::<Vec<_>>(), FormKind::ALL.map(FormKind::name));
}
