//! Functions against rationals evaluated by a definition of their own.

use super::*;
use crate::exact::Piece;
use num_traits::{Signed, ToPrimitive, Zero};
use proptest::prelude::*;

/// Rounds by comparing rationals, sharing nothing with the evaluation above.
fn rounded(value: &Rational, rounding: Rounding) -> Rational {
    let (below, above) = (value.floor(), value.ceil());
    let half = Rational::new(1.into(), 2.into());
    let away = if value.is_negative() { &below } else { &above };
    let toward = if value.is_negative() { &above } else { &below };
    let nearest = |tie: &Rational| {
        let rest = value - &below;
        if rest == half {
            tie.clone()
        } else if rest < half {
            below.clone()
        } else {
            above.clone()
        }
    };
    match rounding {
        Rounding::HalfEven => nearest(if (below.to_integer() % 2i32).is_zero() { &below } else { &above }),
        Rounding::HalfAway => nearest(away),
        Rounding::HalfToward => nearest(toward),
        Rounding::Floor => below.clone(),
        Rounding::Ceil => above.clone(),
        Rounding::Away => away.clone(),
        Rounding::Toward => toward.clone(),
    }
}

fn ratio(numer: i64, denom: i64) -> Rational {
    Rational::new(numer.into(), denom.into())
}

/// Curve and quantizer by comparisons of rationals.
pub(crate) fn rational_code(curve: &Curve, quantizer: &Quantizer, acc: i64) -> i64 {
    let zero = Rational::zero();
    let mut x = from_integer(acc);
    for piece in curve.pieces() {
        x = match piece {
            Piece::Affine { gain, offset } => &gain[0] * x + &offset[0],
            Piece::Clip { lo, hi } => {
                let raised = lo.iter().fold(x, |x, lo| if x < *lo { lo.clone() } else { x });
                hi.iter().fold(raised, |x, hi| if x > *hi { hi.clone() } else { x })
            }
            Piece::LeakyRelu { slope } => {
                if x < zero {
                    x * &slope[0]
                } else {
                    x
                }
            }
            Piece::Abs => {
                if x < zero {
                    -x
                } else {
                    x
                }
            }
            Piece::Power { exponent } => (0..*exponent).fold(from_integer(1), |power, _| power * &x),
            Piece::Round { rounding } => rounded(&x, *rounding),
            other => panic!("{other:?} is no rational function"),
        };
    }
    match quantizer {
        Quantizer::Uniform { scale, zero_point, after, range, rounding } => {
            let code = rounded(&(x / scale + from_integer(*zero_point)), *rounding) + from_integer(*after);
            let code = code.max(from_integer(range.lo)).min(from_integer(range.hi));
            code.to_integer().to_i64().unwrap()
        }
        Quantizer::Sign => {
            if x < zero {
                -1
            } else {
                1
            }
        }
        Quantizer::Thresholds { thresholds } => thresholds[0].iter().filter(|t| **t <= x).count() as i64,
    }
}

pub(crate) fn rational_pieces() -> impl Strategy<Value = Piece> {
    let small = || (-40i64..40, 1i64..17).prop_map(|(n, d)| ratio(n, d));
    let bound = || prop::option::of((-300i64..300, 1i64..9).prop_map(|(n, d)| ratio(n, d)));
    let rounding = prop::sample::select(Rounding::ALL.to_vec());
    prop_oneof![
        4 => (small(), small()).prop_map(|(g, o)| Piece::Affine { gain: vec![g], offset: vec![o] }),
        3 => (bound(), bound()).prop_map(|(lo, hi)| Piece::Clip { lo, hi }),
        2 => (-5i64..12).prop_map(|n| Piece::LeakyRelu { slope: vec![ratio(n, 7)] }),
        1 => (0u32..4).prop_map(|exponent| Piece::Power { exponent }),
        1 => Just(Piece::Abs),
        1 => rounding.prop_map(|rounding| Piece::Round { rounding }),
    ]
}

pub(crate) fn rational_curves() -> impl Strategy<Value = Curve> {
    prop::collection::vec(rational_pieces(), 0..5)
        .prop_map(|pieces| pieces.into_iter().fold(Curve::identity(), Curve::then))
}

pub(crate) fn quantizers() -> impl Strategy<Value = Quantizer> {
    let uniform = (1i64..40, 1i64..40, -9i64..9, -32_000i64..9, -20i64..5, 0i64..40, 0..Rounding::ALL.len())
        .prop_map(|(n, d, zero_point, after, lo, span, rounding)| Quantizer::Uniform {
            scale: ratio(n, d),
            zero_point,
            after,
            range: IntRange { lo: lo + after, hi: lo + after + span },
            rounding: Rounding::ALL[rounding],
        });
    let thresholds = prop::collection::vec((-900i64..900, 1i64..5), 0..12).prop_map(|list| {
        let mut list: Vec<Rational> = list.into_iter().map(|(n, d)| ratio(n, d)).collect();
        list.sort();
        Quantizer::Thresholds { thresholds: vec![list] }
    });
    prop_oneof![6 => uniform, 1 => Just(Quantizer::Sign), 2 => thresholds]
}

/// What a scan says of the direction on a range.
fn scanned(function: &Function, range: IntRange) -> (bool, bool) {
    let codes: Vec<i64> = (range.lo..=range.hi).map(|acc| function.eval(acc)).collect();
    (codes.is_sorted(), codes.is_sorted_by(|a, b| a >= b))
}

fn affine_functions() -> impl Strategy<Value = (Rational, Rational, IntRange, Rounding)> {
    let small = (-40i64..40, 1i64..17, -60i64..60, 1i64..5);
    let large = (any::<i64>(), 1i64..i64::MAX, any::<i64>(), 1i64..i64::MAX);
    let rounding = prop::sample::select(Rounding::ALL.to_vec());
    (prop_oneof![small, large], -20i64..5, 0i64..40, rounding).prop_map(
        |((a, b, c, d), lo, span, rounding)| {
            (ratio(a, b), ratio(c, d), IntRange { lo, hi: lo + span }, rounding)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn affine_functions_round_their_rationals(
        (alpha, beta, codes, rounding) in affine_functions(), acc in prop_oneof![-100i64..100, any::<i64>()],
    ) {
        let value = &alpha * from_integer(acc) + &beta;
        let expected = rounded(&value, rounding).max(from_integer(codes.lo)).min(from_integer(codes.hi));
        let f = Function::affine(alpha, beta, codes, rounding);
        prop_assert_eq!(from_integer(f.eval(acc)), expected);
        prop_assert_eq!(f.real(acc), value);
    }

    #[test]
    fn thresholds_of_lines_are_the_first_integers((alpha, beta, codes, rounding) in affine_functions(), step in 1i64..40) {
        let code = (codes.lo + step).min(codes.hi);
        prop_assume!(code > codes.lo);
        let falling = alpha.is_negative();
        let f = Function::affine(alpha, beta, codes, rounding);
        let range = IntRange { lo: -(1 << 62), hi: 1 << 62 };
        prop_assert_eq!(f.falls(range), falling);
        let first = f.threshold(code, range);
        let at = |n: i64| f.eval(if falling { -n } else { n });
        if first > -(1 << 62) {
            prop_assert!(at((first - 1).min(1 << 62)) < code);
        }
        if first <= 1 << 62 {
            prop_assert!(at(first.max(-(1 << 62))) >= code);
        }
    }

    #[test]
    fn codes_are_those_of_rationals(curve in rational_curves(), quantizer in quantizers(), acc in -400i64..400) {
        let f = Function::new(&curve, &quantizer, 0);
        prop_assert_eq!(f.eval(acc), rational_code(&curve, &quantizer, acc));
        prop_assert!(f.codes().contains(f.eval(acc)));
        prop_assert!(quantizer.codes().contains_range(f.codes()));
    }

    #[test]
    fn shapes_hold(curve in rational_curves(), quantizer in quantizers(), lo in -300i64..300, span in 0i64..300) {
        let (f, range) = (Function::new(&curve, &quantizer, 0), IntRange { lo, hi: lo + span });
        let (rises, falls) = scanned(&f, range);
        match f.shape(range) {
            Shape::Rising => prop_assert!(rises && !falls),
            Shape::Falling => prop_assert!(falls && !rises),
            Shape::Constant => prop_assert!(rises && falls),
            // Lines are known whole; other curves may be monotone without being seen to be.
            Shape::General => prop_assert!(f.sections.is_none() || !(rises || falls)),
        }
    }

    #[test]
    fn thresholds_of_curves_are_the_first_integers(
        curve in rational_curves(), quantizer in quantizers(), lo in -300i64..300, span in 0i64..300, code in -20i64..30,
    ) {
        let (f, range) = (Function::new(&curve, &quantizer, 0), IntRange { lo, hi: lo + span });
        prop_assume!(f.shape(range) != Shape::General);
        let falling = f.falls(range);
        let first = f.threshold(code, range);
        for acc in range.lo..=range.hi {
            let n = if falling { -acc } else { acc };
            prop_assert_eq!(f.eval(acc) >= code, n >= first, "{} {}", acc, first);
        }
    }

    #[test]
    fn a_shifted_function_reads_a_shifted_integer(
        curve in rational_curves(), quantizer in quantizers(), acc in -500i64..500, bias in -500i64..500,
    ) {
        let f = Function::new(&curve, &quantizer, 0);
        prop_assert_eq!(f.shifted(bias).eval(acc + bias), f.eval(acc));
    }

    #[test]
    fn the_rounded_line_is_the_function(
        curve in rational_curves(), quantizer in quantizers(), lo in -300i64..300, span in 0i64..300,
    ) {
        let (f, range) = (Function::new(&curve, &quantizer, 0), IntRange { lo, hi: lo + span });
        if let Some(line) = f.rounded_line(range, f.codes()) {
            for acc in range.lo..=range.hi {
                let value = rounded(&(&line.alpha * from_integer(acc) + &line.beta), line.rounding);
                let code = value.max(from_integer(f.codes().lo)).min(from_integer(f.codes().hi));
                prop_assert_eq!(code, from_integer(f.eval(acc)));
            }
        }
    }
}

/// Sigmoids and tanhs, whose doubles could waver, against a scan.
#[test]
fn curves_of_doubles_have_a_direction() {
    for (piece, pieces_after) in [
        (Piece::Sigmoid, vec![]),
        (Piece::Tanh, vec![]),
        (Piece::Tanh, vec![Piece::Affine { gain: vec![from_integer(-3)], offset: vec![ratio(1, 3)] }]),
        (Piece::Sigmoid, vec![Piece::Power { exponent: 2 }]),
    ] {
        for (gain, codes) in [(ratio(1, 700), 255), (ratio(-1, 90), 15), (ratio(1, 5), 65_535)] {
            let curve = Curve::affine(vec![gain], vec![ratio(1, 9)]).then(piece.clone());
            let curve = pieces_after.iter().cloned().fold(curve, Curve::then);
            let quantizer = Quantizer::Uniform {
                scale: ratio(1, codes),
                zero_point: 0,
                after: 0,
                range: IntRange { lo: -codes - 1, hi: codes },
                rounding: Rounding::HalfEven,
            };
            let (f, range) = (Function::new(&curve, &quantizer, 0), IntRange { lo: -4000, hi: 4000 });
            let (rises, falls) = scanned(&f, range);
            match f.shape(range) {
                Shape::Rising => assert!(rises && !falls),
                Shape::Falling => assert!(falls && !rises, "{curve:?} {codes} {rises} {falls}"),
                other => panic!("{other:?} of {curve:?}"),
            }
            let code = f.codes().lo + (f.codes().hi - f.codes().lo) * 2 / 3;
            let first = f.threshold(code, range);
            let sign = if falls { -1 } else { 1 };
            assert!((range.lo..=range.hi).all(|acc| (f.eval(acc) >= code) == (sign * acc >= first)));
        }
    }
    // Neither of two directions.
    let even = Curve::affine(vec![ratio(1, 100)], vec![from_integer(0)]).then(Piece::Tanh).then(Piece::Abs);
    let quantizer = Quantizer::Thresholds { thresholds: vec![vec![ratio(1, 5), ratio(1, 2)]] };
    let f = Function::new(&even, &quantizer, 0);
    assert_eq!(f.shape(IntRange { lo: -50, hi: 50 }), Shape::General);
    assert_eq!(f.shape(IntRange { lo: -150, hi: -5 }), Shape::Falling);
}

#[test]
fn ties_round_to_even_with_the_zero_point_inside() {
    let codes = IntRange { lo: 0, hi: 255 };
    let f = Function::affine(ratio(1, 2), from_integer(3), codes, Rounding::HalfEven);
    assert_eq!([1, 2, 3, -1, -9].map(|acc| f.eval(acc)), [4, 4, 4, 2, 0]);
    let outside = Quantizer::Uniform {
        scale: from_integer(2),
        zero_point: 0,
        after: 3,
        range: codes,
        rounding: Rounding::HalfEven,
    };
    let f = Function::new(&Curve::identity(), &outside, 0);
    assert_eq!([1, 2, 3, -1, -9].map(|acc| f.eval(acc)), [3, 4, 5, 3, 0]);
}
