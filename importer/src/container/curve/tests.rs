//! Every piece goes through its message and back; messages that say what no model has are refused.

use proptest::prelude::*;
use prost::Message;

use super::*;

fn number(numerator: i64, denominator: i64) -> Rational {
    Rational::new(numerator.into(), denominator.into())
}

fn rationals() -> impl Strategy<Value = Rational> {
    // Numbers of more than 64 bits, as products of scales are.
    (any::<i64>(), 1i64.., 0u32..200).prop_map(|(numerator, denominator, shift)| {
        number(numerator, denominator) / Rational::from_integer(BigInt::one() << shift)
    })
}

fn doubles() -> impl Strategy<Value = Rational> {
    (-1000i64..1000, 0u32..20).prop_map(|(numerator, shift)| number(numerator, 1 << shift))
}

/// Pieces for `CHANNELS` channels, of every kind.
fn pieces() -> impl Strategy<Value = Piece> {
    let list =
        || prop_oneof![prop::collection::vec(rationals(), 1), prop::collection::vec(rationals(), CHANNELS)];
    let flat = prop_oneof![
        (list(), list()).prop_map(|(gain, offset)| Piece::Affine { gain, offset }),
        (prop::option::of(rationals()), prop::option::of(rationals()))
            .prop_map(|(lo, hi)| Piece::Clip { lo, hi }),
        list().prop_map(|slope| Piece::LeakyRelu { slope }),
        (0..=LARGEST_POWER).prop_map(|exponent| Piece::Power { exponent }),
        prop::sample::select(Rounding::ALL.to_vec()).prop_map(|rounding| Piece::Round { rounding }),
        doubles().prop_map(|alpha| Piece::Elu { alpha }),
        prop::sample::select(SHORT_FLOATS.map(|(_, float)| float).to_vec())
            .prop_map(|float| Piece::Short { float }),
        prop::sample::select(named().map(|(_, piece)| piece).to_vec()),
        doubles().prop_map(|exponent| Piece::Elementary { function: Elementary::Power { exponent } }),
    ];
    flat.prop_recursive(3, 12, 3, |inner| {
        let curve = || {
            prop::collection::vec(inner.clone(), 0..3)
                .prop_map(|pieces| pieces.into_iter().fold(Curve::identity(), Curve::then))
        };
        prop_oneof![
            [curve(), curve()].prop_map(|parts| Piece::Product { factors: Box::new(parts) }),
            [curve(), curve()].prop_map(|parts| Piece::Sum { terms: Box::new(parts) }),
            [curve(), curve(), curve()].prop_map(|parts| Piece::Select { parts: Box::new(parts) }),
        ]
    })
}

const CHANNELS: usize = 3;

proptest! {
    #[test]
    fn functions_go_through_their_messages(pieces in prop::collection::vec(pieces(), 0..4)) {
        let curve = pieces.into_iter().fold(Curve::identity(), Curve::then);
        let degree = degree(&curve);
        let function = Function::Curve(Box::new(curve));
        let bytes = describe(&function).encode_to_vec();
        let message = wire::Function::decode(bytes.as_slice()).unwrap();
        match read(&message, 4, CHANNELS) {
            Ok(found) => prop_assert_eq!(found, function),
            Err(problem) => prop_assert!(degree > MOST_DEGREE, "{problem}"),
        }
    }

    /// Whatever the bytes are, they are a function that can be evaluated or a refusal.
    #[test]
    fn damaged_messages_never_panic(
        pieces in prop::collection::vec(pieces(), 1..4), at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>(),
    ) {
        let curve = pieces.into_iter().fold(Curve::identity(), Curve::then);
        let mut bytes = describe(&Function::Curve(Box::new(curve))).encode_to_vec();
        if !bytes.is_empty() {
            let position = at.index(bytes.len());
            bytes[position] ^= 1 << bit;
            bytes.truncate(cut.index(bytes.len()) + 1);
        }
        if let Ok(message) = wire::Function::decode(bytes.as_slice())
            && let Ok(Function::Curve(curve)) = read(&message, 4, CHANNELS)
        {
            (0..CHANNELS).for_each(|channel| drop(curve.eval(channel, &number(1, 3))));
        }
    }
}

/// The numbers in the schema, which files have: renaming or moving a variant here must not change them.
#[test]
fn names_keep_their_numbers() {
    let numbers: Vec<i32> = named().iter().map(|(name, _)| *name as i32).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>());
    let relu = Curve::identity().then(Piece::Clip { lo: Some(number(0, 1)), hi: None });
    let curve = Curve::affine(vec![number(-3, 4)], vec![number(0, 1)]).after(&relu).then(Piece::Sigmoid);
    let bytes = describe(&Function::Curve(Box::new(curve))).encode_to_vec();
    // Function.curve { pieces: clip { lo: 0 }, affine { gain: -3/4, offset: 0 }, named: SIGMOID }.
    let expected =
        [10, 24, 10, 4, 18, 2, 10, 0, 10, 12, 10, 10, 10, 6, 10, 1, 253, 18, 1, 4, 18, 0, 10, 2, 64, 5];
    assert_eq!(bytes, expected);
}

fn of(kind: Kind) -> wire::Function {
    let curve = wire::Curve { pieces: vec![wire::Piece { kind: Some(kind) }] };
    wire::Function { kind: Some(wire::function::Kind::Curve(curve)) }
}

fn in_a_row(kind: Kind, count: usize) -> wire::Function {
    let pieces = vec![wire::Piece { kind: Some(kind) }; count];
    wire::Function { kind: Some(wire::function::Kind::Curve(wire::Curve { pieces })) }
}

#[test]
fn what_no_model_has_is_refused() {
    let half = || of_rational(&number(1, 2));
    let zero = wire::Rational { numerator: vec![1], denominator: vec![0, 0] };
    let long = wire::Rational { numerator: vec![1; MOST_BYTES + 1], denominator: vec![] };
    let third = of_rational(&number(1, 3));
    let affine = |gain: Vec<wire::Rational>| Kind::Affine(wire::Affine { gain, offset: vec![half()] });
    let no_kind = wire::Curve { pieces: vec![wire::Piece { kind: None }] };
    let cases = [
        (wire::Function { kind: None }, "a kind that is not known"),
        (wire::Function { kind: Some(wire::function::Kind::Curve(no_kind)) }, "a piece that is not known"),
        (
            wire::Function { kind: Some(wire::function::Kind::Softmax(wire::Softmax { axis: 4 })) },
            "axis 4 of 4",
        ),
        (of(affine(vec![])), "0 numbers for 3 channels"),
        (of(affine(vec![half(), half()])), "2 numbers for 3 channels"),
        (of(Kind::LeakyRelu(wire::LeakyRelu { slope: vec![] })), "0 numbers for 3 channels"),
        (of(affine(vec![zero.clone()])), "divided by 0"),
        (of(Kind::Clip(wire::Clip { lo: None, hi: Some(zero) })), "divided by 0"),
        (of(Kind::Elu(long)), "more than 4096 bytes"),
        (of(Kind::Elu(third.clone())), "no double holds"),
        (of(Kind::RealPower(third)), "no double holds"),
        (of(Kind::Power(u32::MAX)), "power 4294967295"),
        (in_a_row(Kind::Power(64), 3), "powers of powers up to x^262144"),
        (of(Kind::Round(0)), "a rounding that is not known"),
        (of(Kind::Round(99)), "a rounding that is not known"),
        (of(Kind::ShortFloat(3)), "a float type that is not known"),
        (of(Kind::Named(-1)), "a name that is not known"),
        (
            of(Kind::Sum(wire::Pair { first: None, second: Some(wire::Curve::default()) })),
            "a part that is missing",
        ),
        (of(Kind::Select(wire::Select::default())), "a part that is missing"),
    ];
    for (message, found) in cases {
        let problem = read(&message, 4, CHANNELS).expect_err(found);
        assert!(problem.contains(found), "{problem:?} instead of {found:?}");
    }
}
