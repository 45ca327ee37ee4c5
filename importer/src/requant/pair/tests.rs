//! Pairs against rationals, one by one.

use super::*;
use crate::certify::{CertifyError, Condition, Scope};
use crate::exact::{Curve, Piece, Quantizer, Rational, from_integer};
use crate::requant::Costs;
use crate::requant::FormKind;
use exactum_runtime::num::Rounding;
use proptest::prelude::*;

fn ratio(numer: i64, denom: i64) -> Rational {
    Rational::new(numer.into(), denom.into())
}

fn range(lo: i64, hi: i64) -> IntRange {
    IntRange { lo, hi }
}

fn uniform(scale: Rational, zero_point: i64, codes: IntRange) -> Quantizer {
    Quantizer::Uniform { scale, zero_point, after: 0, range: codes, rounding: Rounding::HalfEven }
}

/// `clamp(round_half_even(x / scale + zero_point))` of a sum with a clip, over a common denominator.
fn expected(f: &PairFunction, a: i64, b: i64) -> i64 {
    let sum = &f.gains[0] * from_integer(a) + &f.gains[1] * from_integer(b) + &f.offset;
    let mut x = sum;
    for piece in f.curve.pieces() {
        match piece {
            Piece::Clip { lo: Some(lo), hi: None } => x = if x < *lo { lo.clone() } else { x },
            Piece::Abs => x = if x < from_integer(0) { -x } else { x },
            other => panic!("{other:?}"),
        }
    }
    let Quantizer::Uniform { scale, zero_point, range, .. } = &f.quantizer else {
        panic!("{:?}", f.quantizer)
    };
    let twice = (x / scale + from_integer(*zero_point)) * from_integer(2);
    let above = ((&twice + from_integer(1)) / from_integer(2)).floor();
    let is_tie = &above * from_integer(2) == &twice + from_integer(1);
    let above = above.to_integer().to_i64().unwrap();
    (if is_tie && above % 2 != 0 { above - 1 } else { above }).clamp(range.lo, range.hi)
}

fn check(f: &PairFunction, a: IntRange, b: IntRange) -> FormKind {
    check_channels(std::slice::from_ref(f), a, b)
}

fn check_channels(functions: &[PairFunction], a: IntRange, b: IntRange) -> FormKind {
    let choice = choose_pair(functions, a, b, Costs::default()).unwrap();
    for (channel, f) in functions.iter().enumerate() {
        for first in a.lo..=a.hi {
            for second in b.lo..=b.hi {
                let code = code(&choice, channel, first, second);
                assert_eq!(code, expected(f, first, second), "{f:?} at {first}, {second}: {choice:?}");
                assert_eq!(code, f.eval(first, second));
            }
        }
    }
    assert_eq!(choice.certificate.operands, Some([a, b]));
    assert_eq!(choice.certificate.channels.len(), functions.len());
    choice.params.kind()
}

/// What the device computes.
fn code(choice: &PairChoice, channel: usize, first: i64, second: i64) -> i64 {
    let [p, q] = choice.multipliers[if choice.multipliers.len() == 1 { 0 } else { channel }];
    choice.params.view().apply_wide(channel, p * first + q * second).into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Scales of trained models: 24-bit mantissas, operands of 6 and 7 bits.
    #[test]
    fn float_scales(
        a in 1i64 << 23..1 << 24, b in 1i64 << 23..1 << 24, out in 1i64 << 23..1 << 24, signs in 0u8..4,
        zero_point in -40i64..40, relu in any::<bool>(), shift in 0u32..3,
    ) {
        let signed = |value: i64, bit: u8| if signs >> bit & 1 == 1 { -value } else { value };
        let curve = if relu { Curve::identity().then(Piece::Clip { lo: Some(from_integer(0)), hi: None }) } else { Curve::identity() };
        let f = PairFunction {
            gains: [ratio(signed(a, 0), 1 << 24), ratio(signed(b, 1), 1 << (24 - shift))],
            offset: ratio(zero_point, 3),
            curve,
            quantizer: uniform(ratio(out, 1 << 23), zero_point, range(-128, 127)),
        };
        // Of rare scales no line of 32 bits is near enough.
        let form = check(&f, range(-32, 31), range(0, 127));
        prop_assert!(matches!(form, FormKind::Multiply32 | FormKind::Multiply64), "{form:?}");
    }

    /// Few values and few codes, one operand far smaller than the other: lines could lean either way.
    #[test]
    fn few_values(
        a in 1i64 << 23..1 << 24, b in 1i64 << 23..1 << 24, out in 1i64 << 23..1 << 24, signs in 0u8..4,
        small in 0u32..14, swap in any::<bool>(), steps in 1i64..8, offset in -9i64..9, lo in -4i64..1,
    ) {
        let signed = |value: i64, bit: u8| if signs >> bit & 1 == 1 { -value } else { value };
        let f = PairFunction {
            gains: [ratio(signed(a, 0), 1 << 24), ratio(signed(b, 1), 1 << (24 + small))],
            offset: ratio(offset, 4),
            curve: Curve::identity(),
            quantizer: uniform(ratio(out, 1 << 24), 0, range(0, steps)),
        };
        let f = if swap { f.swapped() } else { f };
        check(&f, range(lo, lo + 7), range(0, 3));
    }

    /// Small fractions and powers of two, full of ties.
    #[test]
    fn small_fractions(
        a in -9i64..10, b in -9i64..10, c in 1i64..9, r in 0u32..6, offset in -9i64..9, abs in any::<bool>(),
    ) {
        let curve = if abs { Curve::identity().then(Piece::Abs) } else { Curve::identity() };
        let f = PairFunction {
            gains: [ratio(a, c), ratio(b, c << r)],
            offset: ratio(offset, 2),
            curve,
            quantizer: uniform(from_integer(2), 3, range(-50, 50)),
        };
        check(&f, range(-20, 31), range(-31, 15));
    }
}

#[test]
fn full_bytes_take_a_line() {
    let f = PairFunction {
        gains: [ratio(10_077_695, 1 << 28), ratio(13_421_773, 1 << 28)],
        offset: ratio(0, 1),
        curve: Curve::identity(),
        quantizer: uniform(ratio(11_111_111, 1 << 27), -7, range(-128, 127)),
    };
    let started = std::time::Instant::now();
    assert_eq!(check(&f, range(-128, 127), range(-128, 127)), FormKind::Multiply32);
    assert!(started.elapsed().as_secs() < 60);
}

/// Equal power-of-two scales have ties of both parities: added exactly, then shifted.
#[test]
fn powers_of_two_add_exactly() {
    let f = PairFunction {
        gains: [ratio(1, 8), ratio(1, 32)],
        offset: ratio(0, 1),
        curve: Curve::identity(),
        quantizer: uniform(ratio(1, 4), 0, range(-128, 127)),
    };
    let choice =
        choose_pair(std::slice::from_ref(&f), range(-128, 127), range(-128, 127), Costs::default()).unwrap();
    assert_eq!((&*choice.multipliers, choice.params.kind()), (&[[4, 1]][..], FormKind::ShiftHalfEven));
    assert_eq!(choice.certificate.scope, Scope::Proven);
    assert_eq!(check(&f, range(-128, 127), range(-128, 127)), FormKind::ShiftHalfEven);
    // The same holds for wider operands than any walk over pairs could take.
    let wide = choose_pair(
        std::slice::from_ref(&f),
        range(-32_768, 32_767),
        range(-32_768, 32_767),
        Costs::default(),
    )
    .unwrap();
    assert_eq!(wide.params.kind(), FormKind::ShiftHalfEven);
}

#[test]
fn functions_without_direction_take_a_table() {
    let f = PairFunction {
        gains: [ratio(10_077_695, 1 << 26), ratio(-13_421_773, 1 << 27)],
        offset: ratio(1, 3),
        curve: Curve::identity().then(Piece::Abs),
        quantizer: uniform(ratio(1, 3), 0, range(0, 255)),
    };
    let choice = choose_pair(std::slice::from_ref(&f), range(-8, 7), range(0, 99), Costs::default()).unwrap();
    assert_eq!((choice.params.kind(), choice.certificate.scope), (FormKind::Table, Scope::Exhaustive));
    assert_eq!(choice.certificate.points(), 1600);
    assert_eq!(check(&f, range(-8, 7), range(0, 99)), FormKind::Table);
    let error = choose_pair(std::slice::from_ref(&f), range(-500, 500), range(-500, 500), Costs::default())
        .unwrap_err();
    assert_eq!(error, RequantError::NoForm { channels: 1, codes: range(0, 255) });
}

#[test]
fn a_wrong_line_is_refuted() {
    let f = PairFunction {
        gains: [ratio(10_077_695, 1 << 28), ratio(13_421_773, 1 << 28)],
        offset: ratio(0, 1),
        curve: Curve::identity(),
        quantizer: uniform(ratio(11_111_111, 1 << 27), -7, range(-128, 127)),
    };
    let ranges = [range(-128, 127), range(-128, 127)];
    let choice = choose_pair(std::slice::from_ref(&f), ranges[0], ranges[1], Costs::default()).unwrap();
    let [m0, m1] = choice.multipliers[0];
    let certify = |multipliers: &[[i64; 2]]| {
        certify_pair(std::slice::from_ref(&f), ranges, multipliers, &choice.params.view())
    };
    for multipliers in [[m0 + 64, m1], [m0, m1 - 64]] {
        let error = certify(&[multipliers]).unwrap_err();
        assert!(matches!(error, CertifyError::Refuted { .. }), "{error}");
    }
    assert!(matches!(certify(&[]), Err(CertifyError::Length { found: 0, .. })));
    assert!(matches!(certify(&[[1 << 32, 1]]), Err(CertifyError::Range { channel: 0, .. })));
    let past_64_bits = CertifyError::Unproven { channel: 0, condition: Condition::Sum };
    assert_eq!(certify(&[[i64::MAX, 1]]), Err(past_64_bits));
    let text = choice.certificate.to_string();
    assert!(
        text.starts_with("proven: multiply32 gives the exact code in -128..=127 for every pair of"),
        "{text}"
    );
}

/// Pairs beside the steps of some rows, which no walk over all of them could reach.
fn check_near_steps(f: &PairFunction, a: IntRange, b: IntRange) -> FormKind {
    let choice = choose_pair(std::slice::from_ref(f), a, b, Costs::default()).unwrap();
    assert_eq!(choice.certificate.scope, Scope::Proven);
    let span = a.hi - a.lo;
    for first in (0..40).map(|i| a.lo + span * i / 39) {
        let row = f.of_second(first);
        let falling = row.falls(b);
        for step in f.codes().lo + 1..=f.codes().hi {
            let n = row.first_at_least(step, b, falling);
            for n in [n.saturating_sub(1), n] {
                let second = if falling { n.saturating_neg() } else { n };
                if b.contains(second) {
                    assert_eq!(
                        code(&choice, 0, first, second),
                        f.eval(first, second),
                        "{f:?} at {first}, {second}"
                    );
                }
            }
        }
    }
    choice.params.kind()
}

/// Gains of a layer: products of two floats of trained models.
fn gain(seed: i64, k: i64) -> Rational {
    let float = |k: i64| (seed * 7_919 + k) * 104_729 % 8_388_607 + 8_388_608;
    ratio(float(k), 1 << 30) * ratio(float(k + 17), 1 << 30)
}

/// The sums of two layers, each with a scale of its own, before a quantizer or a ReLU: more runs than any walk could take.
#[test]
fn long_sums_of_two_layers_have_a_form() {
    for seed in 1..=4i64 {
        let (a, b) = (range(-70_000 - seed, 61_234), range(-104_022, 99_000 + 7 * seed));
        let relu = Piece::Clip { lo: Some(from_integer(0)), hi: None };
        for curve in [Curve::identity(), Curve::identity().then(relu)] {
            let sign = from_integer(if seed % 2 == 0 { -1 } else { 1 });
            let f = PairFunction {
                gains: [gain(seed, 1) * sign, gain(seed, seed + 5)],
                offset: ratio(7_654_321, 1 << 25),
                curve,
                quantizer: uniform(ratio(11_111_111 + seed, 1 << 30), 0, range(-128, 127)),
            };
            // A line, unless none of the approximations that are proven leaves room for one.
            let form = check_near_steps(&f, a, b);
            assert!(matches!(form, FormKind::Multiply128 | FormKind::Thresholds64), "{form:?}");
        }
    }
}

/// The sums of two layers of few bits before a sigmoid: more than thresholds are looked for row by row, few enough to be proven so.
#[test]
fn short_sums_of_two_layers_have_a_form_before_a_curve() {
    let f = PairFunction {
        gains: [gain(3, 1) * from_integer(64), gain(3, 8) * from_integer(-64)],
        offset: ratio(7_654_321, 1 << 25),
        curve: Curve::identity().then(Piece::Sigmoid),
        quantizer: uniform(ratio(11_111_111, 1 << 31), -128, range(-128, 127)),
    };
    check_near_steps(&f, range(-700, 650), range(-1022, 990));
}

/// A proof by nearness refuses factors that are too far from the proportion, and lines that are off.
#[test]
fn what_is_nearly_right_is_refuted() {
    let f = PairFunction {
        gains: [gain(5, 1), gain(5, 9)],
        offset: ratio(1, 7),
        curve: Curve::identity(),
        quantizer: uniform(ratio(11_111_111, 1 << 30), 0, range(-128, 127)),
    };
    let ranges = [range(-70_001, 65_000), range(-80_000, 90_003)];
    let choice = choose_pair(std::slice::from_ref(&f), ranges[0], ranges[1], Costs::default()).unwrap();
    let [p, q] = choice.multipliers[0];
    let proven = |multipliers: [i64; 2], params: &RequantParams| {
        certify_pair(std::slice::from_ref(&f), ranges, &[multipliers], &params.view())
    };
    assert!(proven([p, q], &choice.params).is_ok());
    let apart = Err(CertifyError::Unproven { channel: 0, condition: Condition::Proportion });
    assert_eq!(proven([p + p / 1000, q], &choice.params), apart);
    let mut off = choice.params.clone();
    let FormParams::Multiply128 { offsets, shifts, .. } = &mut off.form else { panic!("{off:?}") };
    let [low, high] = offsets[0];
    let offset = (i128::from(high) << 64) + i128::from(low as u64) + (1i128 << shifts[0]);
    offsets[0] = [offset as i64, (offset >> 64) as i64];
    assert!(matches!(proven([p, q], &off), Err(CertifyError::Refuted { .. })));
}

fn line(gains: [Rational; 2], offset: Rational) -> PairFunction {
    let quantizer = uniform(ratio(11_111_111, 1 << 24), 0, range(-128, 127));
    PairFunction { gains, offset, curve: Curve::identity(), quantizer }
}

/// Channels with gains of their own, one of them dead, share a form.
#[test]
fn channels_have_multipliers_of_their_own() {
    let functions: Vec<PairFunction> = [10_077_695, -3_333_333, 0, 15_000_001]
        .iter()
        .enumerate()
        .map(|(channel, gain)| {
            line([ratio(*gain, 1 << 24), ratio(13_421_773, 1 << 24)], ratio(channel as i64, 3))
        })
        .collect();
    assert_eq!(check_channels(&functions, range(-32, 31), range(-7, 100)), FormKind::Multiply32);
    let constant = line([ratio(0, 1), ratio(0, 1)], ratio(7, 2));
    let with_constant = [functions[0].clone(), constant];
    assert_eq!(check_channels(&with_constant, range(-32, 31), range(-7, 100)), FormKind::Multiply32);
}

/// Powers of two that differ between channels: exact sums, of which ties need the shift.
#[test]
fn channels_with_powers_of_two_add_exactly() {
    let f = |shift: u32| PairFunction {
        gains: [ratio(1, 1 << shift), ratio(1, 8)],
        offset: ratio(0, 1),
        curve: Curve::identity(),
        quantizer: uniform(ratio(1, 4), 0, range(-128, 127)),
    };
    let functions = [f(3), f(6), f(2)];
    assert_eq!(check_channels(&functions, range(-90, 90), range(-8, 7)), FormKind::ShiftHalfEven);
}

/// The sums of a layer and codes, as in residual blocks without a quantizer before the sum: more pairs than could be
/// compared one by one, all of them proven.
#[test]
fn sums_of_layers_and_codes_take_a_wide_line() {
    let sums = range(-700_000, 700_000);
    let functions: Vec<PairFunction> = [10_077_695, 9_000_001]
        .iter()
        .map(|gain| line([ratio(*gain, 1 << 37), ratio(13_421_773, 1 << 25)], ratio(1, 7)))
        .collect();
    for swapped in [false, true] {
        let functions: Vec<PairFunction> =
            functions.iter().map(|f| if swapped { f.swapped() } else { f.clone() }).collect();
        let [a, b] = if swapped { [range(-128, 127), sums] } else { [sums, range(-128, 127)] };
        let choice = choose_pair(&functions, a, b, Costs::default()).unwrap();
        assert_eq!(choice.params.kind(), FormKind::Multiply128);
        assert_eq!(choice.certificate.scope, Scope::Proven);
        // An independent walk in large steps, and near steps of the function.
        for (channel, f) in functions.iter().enumerate() {
            for first in (sums.lo..=sums.hi).step_by(9973) {
                for second in (-128..=127).step_by(17) {
                    let at = if swapped { [second, first] } else { [first, second] };
                    assert_eq!(code(&choice, channel, at[0], at[1]), expected(f, at[0], at[1]));
                }
            }
        }
    }
}

/// Sums of two layers of many bits have more steps in their rows than a proof could walk over: they are added in the
/// proportion of their gains, or nearly.
#[test]
fn two_long_sums_are_added_in_exact_proportion() {
    let sums = range(-700_000, 700_000);
    let f = line([ratio(10_077_695, 1 << 37), ratio(13_421_773, 1 << 37)], ratio(1, 7));
    let choice = choose_pair(&[f], sums, sums, Costs::default()).unwrap();
    assert_eq!(
        (&*choice.multipliers, choice.params.kind()),
        (&[[10_077_695, 13_421_773]][..], FormKind::Multiply128)
    );
    // No 62 bits hold the sums in their proportion.
    let f =
        line([ratio(10_077_695, 1 << 37), ratio((1 << 60) - 1, 1 << 37) / ratio(1 << 40, 1)], ratio(1, 7));
    assert_eq!(check_near_steps(&f, sums, sums), FormKind::Multiply128);
}

/// A sum of two 8-bit values with scales of their own before a function that bends: the size of one and the same network must not
/// be a matter of its scales. A table of all pairs has 65536 entries.
#[test]
fn no_function_of_a_sum_is_a_table_by_luck() {
    for seed in 1..=3i64 {
        // Scales as floats have them: 24 bits, in no proportion of small integers.
        let scale = |k: i64| ratio((seed * 7_919 + k) * 104_729 % 8_388_607 + 8_388_608, 1 << 29);
        for (piece, unit) in [(Piece::Sigmoid, ratio(1, 256)), (Piece::Tanh, ratio(1, 128))] {
            let f = PairFunction {
                gains: [scale(1), scale(seed + 5)],
                offset: scale(9) * from_integer(seed % 11 - 5),
                curve: Curve::identity().then(piece),
                quantizer: uniform(unit, 0, range(-128, 127)),
            };
            let (a, b) = (range(-128, 127), range(-128 + seed, 127));
            let choice = choose_pair(std::slice::from_ref(&f), a, b, Costs::default()).unwrap();
            assert!(choice.params.size_bytes() <= 8 * 255 + 1, "{}: {f:?}", choice.params.size_bytes());
            for first in (a.lo..=a.hi).step_by(17) {
                for second in (b.lo..=b.hi).step_by(13) {
                    assert_eq!(
                        code(&choice, 0, first, second),
                        f.eval(first, second),
                        "{f:?} at {first}, {second}"
                    );
                }
            }
        }
    }
}
