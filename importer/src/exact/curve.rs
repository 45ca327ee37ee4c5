//! Real functions of one real variable, as the operators between an integer layer and a quantizer compose them.
//!
//! `passes` builds a [`Curve`] piece by piece from the operators it meets; [`Function`](super::Function) puts a
//! quantizer behind it. Constants are rationals, for all channels or for each.

use super::elementary::Elementary;
use super::number::Number;
use super::short_float::ShortFloat;
use super::{Rational, double, from_integer};
use exactum_host::functions;
use exactum_runtime::num::Rounding;
use num_traits::{One, Pow, Signed, Zero};
use serde::{Deserialize, Serialize};

/// One step of a real function of one real. Lists hold one element for all channels, or one for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// `x * gain + offset`.
    Affine {
        /// Factor.
        #[serde(with = "crate::exact::text::rationals")]
        gain: Vec<Rational>,
        /// Value at 0.
        #[serde(with = "crate::exact::text::rationals")]
        offset: Vec<Rational>,
    },
    /// At least `lo`, then at most `hi`. ReLU has `lo` 0 and no `hi`.
    Clip {
        /// Smallest value.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "crate::exact::text::optional_rational"
        )]
        lo: Option<Rational>,
        /// Largest value.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            with = "crate::exact::text::optional_rational"
        )]
        hi: Option<Rational>,
    },
    /// `slope * x` for negative x, else x. Slopes may be negative, zero and above 1.
    LeakyRelu {
        /// Factor of negative values.
        #[serde(with = "crate::exact::text::rationals")]
        slope: Vec<Rational>,
    },
    /// `x` to a power; `x^0` is 1.
    Power {
        /// The exponent.
        exponent: u32,
    },
    /// The magnitude.
    Abs,
    /// To an integer.
    Round {
        /// How.
        #[serde(with = "crate::exact::text::rounding")]
        rounding: Rounding,
    },
    /// The logistic function, as `docs/arithmetic.md` defines it on doubles.
    Sigmoid,
    /// The hyperbolic tangent, as `docs/arithmetic.md` defines it on doubles.
    Tanh,
    /// `alpha * (exp(x) - 1)` for negative x, as `docs/arithmetic.md` defines it on doubles, else x.
    Elu {
        /// The factor, which a double holds.
        #[serde(with = "crate::exact::text::rational")]
        alpha: Rational,
    },
    /// The error function, as `docs/arithmetic.md` defines it on doubles.
    Erf,
    /// -1, 0 or 1.
    Sign,
    /// x rounded to a float of 16 bits.
    Short {
        /// Its type.
        float: ShortFloat,
    },
    /// `x / (1 + |x|)`.
    Softsign,
    /// `1 / x`, which is infinite at 0.
    Reciprocal,
    /// A function that `docs/arithmetic.md` defines on doubles.
    Elementary {
        /// Which.
        function: Elementary,
    },
    /// The product of two functions of x, such as `x * sigmoid(x)`.
    Product {
        /// Both functions.
        factors: Box<[Curve; 2]>,
    },
    /// The sum of two functions of x.
    Sum {
        /// Both functions.
        terms: Box<[Curve; 2]>,
    },
    /// The second function of x where the first one is not zero, else the third.
    Select {
        /// Condition and both choices.
        parts: Box<[Curve; 3]>,
    },
}

/// A real function: pieces in the order of evaluation, adjacent affine ones merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Curve {
    pieces: Vec<Piece>,
}

/// The element of `channel` in a list with one element for all channels or one for each.
pub(super) fn pick<T>(values: &[T], channel: usize) -> &T {
    &values[if values.len() == 1 { 0 } else { channel }]
}

/// Combines lists of one element for all channels or one for each.
pub(crate) fn zip(
    a: &[Rational],
    b: &[Rational],
    f: impl Fn(&Rational, &Rational) -> Rational,
) -> Vec<Rational> {
    (0..a.len().max(b.len())).map(|channel| f(pick(a, channel), pick(b, channel))).collect()
}

impl Piece {
    /// 1, or the number of channels.
    fn channels(&self) -> usize {
        match self {
            Self::Affine { gain, offset } => gain.len().max(offset.len()),
            Self::LeakyRelu { slope } => slope.len(),
            other => other.parts().iter().map(Curve::channels).max().unwrap_or(1),
        }
    }

    /// The functions of x that it combines.
    fn parts(&self) -> &[Curve] {
        match self {
            Self::Product { factors: parts } | Self::Sum { terms: parts } => parts.as_slice(),
            Self::Select { parts } => parts.as_slice(),
            _ => &[],
        }
    }

    /// Whether larger numbers never give smaller values in any channel, or `Some(false)` if never larger ones; `None` if
    /// neither is plain. Doubles count as the real functions they stand for.
    pub(crate) fn rises(&self) -> Option<bool> {
        match self {
            Self::Affine { gain, .. } if gain.iter().all(|gain| !gain.is_negative()) => Some(true),
            Self::Affine { gain, .. } => gain.iter().all(|gain| !gain.is_positive()).then_some(false),
            Self::LeakyRelu { slope } => (!slope.iter().any(Signed::is_negative)).then_some(true),
            Self::Power { exponent } => (exponent % 2 == 1).then_some(true),
            Self::Elu { alpha } => (!alpha.is_negative()).then_some(true),
            Self::Clip { .. }
            | Self::Round { .. }
            | Self::Short { .. }
            | Self::Sigmoid
            | Self::Tanh
            | Self::Erf
            | Self::Sign
            | Self::Softsign => Some(true),
            Self::Elementary { function } => function.rises(),
            Self::Abs | Self::Reciprocal | Self::Product { .. } | Self::Sum { .. } | Self::Select { .. } => {
                None
            }
        }
    }

    fn channel(&self, channel: usize) -> Self {
        let own = |values: &[Rational]| vec![pick(values, channel).clone()];
        match self {
            Self::Affine { gain, offset } => Self::Affine { gain: own(gain), offset: own(offset) },
            Self::LeakyRelu { slope } => Self::LeakyRelu { slope: own(slope) },
            Self::Product { factors } => {
                Self::Product { factors: Box::new(factors.each_ref().map(|factor| factor.channel(channel))) }
            }
            Self::Sum { terms } => {
                Self::Sum { terms: Box::new(terms.each_ref().map(|term| term.channel(channel))) }
            }
            Self::Select { parts } => {
                Self::Select { parts: Box::new(parts.each_ref().map(|part| part.channel(channel))) }
            }
            other => other.clone(),
        }
    }

    /// The piece with the channels `chosen`, in that order.
    fn select(self, chosen: &[u32]) -> Self {
        let of = |values: Vec<Rational>| match values.len() {
            1 => values,
            _ => chosen.iter().map(|channel| values[*channel as usize].clone()).collect(),
        };
        match self {
            Self::Affine { gain, offset } => Self::Affine { gain: of(gain), offset: of(offset) },
            Self::LeakyRelu { slope } => Self::LeakyRelu { slope: of(slope) },
            Self::Product { factors } => {
                Self::Product { factors: Box::new(factors.map(|factor| factor.select(chosen))) }
            }
            Self::Sum { terms } => Self::Sum { terms: Box::new(terms.map(|term| term.select(chosen))) },
            Self::Select { parts } => Self::Select { parts: Box::new(parts.map(|part| part.select(chosen))) },
            other => other,
        }
    }

    fn is_identity(&self) -> bool {
        match self {
            Self::Affine { gain, offset } => gain.iter().all(One::is_one) && offset.iter().all(Zero::is_zero),
            Self::Clip { lo, hi } => lo.is_none() && hi.is_none(),
            Self::LeakyRelu { slope } => slope.iter().all(One::is_one),
            Self::Power { exponent } => *exponent == 1,
            _ => false,
        }
    }

    /// The value of `channel` at `x`; see [`Number::rational`] for values that are no numbers.
    pub(super) fn eval(&self, channel: usize, x: &Rational) -> Rational {
        self.of_rational(channel, x).rational()
    }

    fn number(&self, channel: usize, x: &Number) -> Number {
        match x {
            Number::Finite(x) => self.of_rational(channel, x),
            Number::Infinite { negative } => self.of_infinite(channel, x, *negative),
            Number::Undefined => Number::Undefined,
        }
    }

    fn of_rational(&self, channel: usize, x: &Rational) -> Number {
        let value = match self {
            Self::Affine { gain, offset } => x * pick(gain, channel) + pick(offset, channel),
            Self::Clip { lo, hi } => {
                let raised = lo.as_ref().map_or(x, |lo| x.max(lo));
                hi.as_ref().map_or(raised, |hi| raised.min(hi)).clone()
            }
            Self::LeakyRelu { slope } if x.is_negative() => x * pick(slope, channel),
            Self::LeakyRelu { .. } => x.clone(),
            Self::Power { exponent } => Pow::pow(x, *exponent),
            Self::Abs => x.abs(),
            Self::Round { rounding } => Rational::from_integer(super::round(x, *rounding)),
            Self::Elu { .. } if !x.is_negative() => x.clone(),
            Self::Softsign => x / (Rational::one() + x.abs()),
            Self::Short { float } => return float.nearest(x),
            Self::Sign | Self::Reciprocal | Self::Product { .. } | Self::Sum { .. } | Self::Select { .. } => {
                return self.of_parts(channel, &Number::Finite(x.clone()));
            }
            Self::Sigmoid | Self::Tanh | Self::Elu { .. } | Self::Erf | Self::Elementary { .. } => {
                return Number::of_double(self.of_double(double::nearest(x)));
            }
        };
        Number::Finite(value)
    }

    fn of_infinite(&self, channel: usize, x: &Number, negative: bool) -> Number {
        match self {
            Self::Affine { gain, offset } => {
                let line = Number::Finite(pick(gain, channel).clone()).times(x);
                line.plus(&Number::Finite(pick(offset, channel).clone()))
            }
            Self::Clip { lo, hi } => {
                let end = if negative { lo } else { hi };
                end.clone().map_or_else(|| x.clone(), Number::Finite)
            }
            Self::LeakyRelu { slope } if negative => Number::Finite(pick(slope, channel).clone()).times(x),
            Self::LeakyRelu { .. } | Self::Round { .. } | Self::Short { .. } => x.clone(),
            Self::Power { exponent: 0 } => Number::Finite(Rational::one()),
            Self::Power { exponent } => Number::Infinite { negative: negative && exponent % 2 == 1 },
            Self::Abs => x.magnitude(),
            Self::Elu { .. } if !negative => x.clone(),
            // A quotient of two infinities.
            Self::Softsign => Number::Undefined,
            Self::Sign | Self::Reciprocal | Self::Product { .. } | Self::Sum { .. } | Self::Select { .. } => {
                self.of_parts(channel, x)
            }
            Self::Sigmoid | Self::Tanh | Self::Elu { .. } | Self::Erf | Self::Elementary { .. } => {
                Number::of_double(self.of_double(x.nearest()))
            }
        }
    }

    fn of_double(&self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => functions::sigmoid(x),
            Self::Tanh => functions::tanh(x),
            Self::Elu { alpha } => functions::elu(x, double::nearest(alpha)),
            Self::Erf => functions::erf(x),
            Self::Elementary { function } => function.value(x),
            _ => x,
        }
    }

    fn of_parts(&self, channel: usize, x: &Number) -> Number {
        let part = |curve: &Curve| curve.number(channel, x);
        match self {
            Self::Sign => x.sign(),
            Self::Reciprocal => x.reciprocal(),
            Self::Product { factors } => part(&factors[0]).times(&part(&factors[1])),
            Self::Sum { terms } => part(&terms[0]).plus(&part(&terms[1])),
            Self::Select { parts } => match part(&parts[0]) {
                Number::Undefined => Number::Undefined,
                condition => part(&parts[if condition.is_zero() { 2 } else { 1 }]),
            },
            _ => x.clone(),
        }
    }

    /// Whether it has a value at every number.
    fn is_total(&self) -> bool {
        match self {
            Self::Reciprocal => false,
            Self::Elementary { function } => function.domain() == (None, None),
            other => other.parts().iter().all(Curve::is_total),
        }
    }
}

impl Curve {
    /// `x`.
    pub fn identity() -> Self {
        Self::default()
    }

    /// `x * gain + offset`.
    pub fn affine(gain: Vec<Rational>, offset: Vec<Rational>) -> Self {
        Self::identity().then(Piece::Affine { gain, offset })
    }

    /// Whether it leaves every number as it is.
    pub fn is_identity(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The pieces in the order of evaluation.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The curve with `piece` applied to its values.
    #[must_use]
    pub fn then(mut self, piece: Piece) -> Self {
        let merged = match (self.pieces.last(), piece) {
            (Some(Piece::Affine { gain, offset }), Piece::Affine { gain: factor, offset: shift }) => {
                let gain = zip(gain, &factor, |a, b| a * b);
                let offset = zip(&zip(offset, &factor, |a, b| a * b), &shift, |a, b| a + b);
                self.pieces.pop();
                Piece::Affine { gain, offset }
            }
            (_, piece) => piece,
        };
        if !merged.is_identity() {
            self.pieces.push(merged);
        }
        self
    }

    /// This curve of the values of `first`.
    #[must_use]
    pub fn after(self, first: &Self) -> Self {
        self.pieces.into_iter().fold(first.clone(), Self::then)
    }

    /// 1 if all channels have the same curve, else the number of channels.
    pub fn channels(&self) -> usize {
        self.pieces.iter().map(Piece::channels).max().unwrap_or(1)
    }

    /// The curve of one channel.
    #[must_use]
    pub fn channel(&self, channel: usize) -> Self {
        self.pieces.iter().map(|piece| piece.channel(channel)).fold(Self::identity(), Self::then)
    }

    /// The curve whose channels are those of this one that `chosen` names, in that order.
    #[must_use]
    pub fn select(self, chosen: &[u32]) -> Self {
        self.pieces.into_iter().map(|piece| piece.select(chosen)).fold(Self::identity(), Self::then)
    }

    /// The curve of the channels of all `curves`, one after the other; `None` if they differ in more than constants.
    pub fn joined(curves: &[Self]) -> Option<Self> {
        let affine = |curve: &Self| matches!(curve.pieces.first(), Some(Piece::Affine { .. }));
        let counts: Vec<usize> = curves.iter().map(Self::channels).collect();
        let lists: Vec<Vec<Piece>> = curves
            .iter()
            .map(|curve| {
                let one = Piece::Affine { gain: vec![Rational::one()], offset: vec![Rational::zero()] };
                let first = (!affine(curve)).then_some(one);
                first.into_iter().chain(curve.pieces.iter().cloned()).collect()
            })
            .collect();
        let length = lists.first()?.len();
        if lists.iter().any(|list| list.len() != length) {
            return None;
        }
        let each = |values: &[Rational], count: usize| -> Vec<Rational> {
            (0..count).map(|channel| pick(values, channel).clone()).collect()
        };
        let joined = |place: usize| {
            let (mut gains, mut offsets, mut slopes) = (vec![], vec![], vec![]);
            for (list, count) in lists.iter().zip(&counts) {
                match (&list[place], &lists[0][place]) {
                    (Piece::Affine { gain, offset }, Piece::Affine { .. }) => {
                        gains.extend(each(gain, *count));
                        offsets.extend(each(offset, *count));
                    }
                    (Piece::LeakyRelu { slope }, Piece::LeakyRelu { .. }) => {
                        slopes.extend(each(slope, *count))
                    }
                    (piece, first) if piece == first && piece.channels() == 1 => {}
                    _ => return None,
                }
            }
            Some(match &lists[0][place] {
                Piece::Affine { .. } => Piece::Affine { gain: gains, offset: offsets },
                Piece::LeakyRelu { .. } => Piece::LeakyRelu { slope: slopes },
                other => other.clone(),
            })
        };
        (0..length).try_fold(Self::identity(), |curve, place| Some(curve.then(joined(place)?)))
    }

    /// Gains and offsets if the curve is nothing but affine.
    pub fn as_affine(&self) -> Option<(Vec<Rational>, Vec<Rational>)> {
        match self.pieces.as_slice() {
            [] => Some((vec![Rational::one()], vec![Rational::zero()])),
            [Piece::Affine { gain, offset }] => Some((gain.clone(), offset.clone())),
            _ => None,
        }
    }

    /// Whether rationals give rationals by rational arithmetic alone: no sigmoid and the like.
    pub fn is_rational(&self) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Sigmoid | Piece::Tanh | Piece::Elu { .. } | Piece::Erf | Piece::Elementary { .. } => false,
            piece => piece.parts().iter().all(Self::is_rational),
        })
    }

    /// Whether it consists of a few lines by its form: bent, limited and folded ones, whose pieces are no others.
    pub(crate) fn is_piecewise_linear(&self) -> bool {
        self.pieces.iter().all(|piece| match piece {
            Piece::Affine { .. }
            | Piece::Clip { .. }
            | Piece::LeakyRelu { .. }
            | Piece::Abs
            | Piece::Sign
            | Piece::Power { exponent: 0 | 1 } => true,
            Piece::Sum { terms: parts } => parts.iter().all(Self::is_piecewise_linear),
            Piece::Select { parts } => parts.iter().all(Self::is_piecewise_linear),
            _ => false,
        })
    }

    /// Whether it has a value at every number.
    pub(crate) fn is_total(&self) -> bool {
        self.pieces.iter().all(Piece::is_total)
    }

    /// Whether `channel` has a value, which may be infinite, at `x`.
    pub(crate) fn is_defined(&self, channel: usize, x: &Rational) -> bool {
        self.number(channel, &Number::Finite(x.clone())) != Number::Undefined
    }

    fn number(&self, channel: usize, x: &Number) -> Number {
        self.pieces.iter().fold(x.clone(), |x, piece| piece.number(channel, &x))
    }

    /// The value `value` for every x.
    pub fn constant(value: Vec<Rational>) -> Self {
        Self::affine(vec![Rational::zero()], value)
    }

    /// The sum of two functions of x; lines become one line.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        match (self.as_affine(), other.as_affine()) {
            (Some((a, b)), Some((c, d))) => {
                let gain = zip(&a, &c, |a, c| a + c);
                let offset = zip(&b, &d, |b, d| b + d);
                Self::affine(gain, offset)
            }
            _ => Self::identity().then(Piece::Sum { terms: Box::new([self, other]) }),
        }
    }

    /// `-1` times the function.
    #[must_use]
    pub fn negated(self) -> Self {
        self.then(Piece::Affine { gain: vec![from_integer(-1)], offset: vec![Rational::zero()] })
    }

    /// The value of `channel` at a double, which may be infinite or none (NaN), as the nearest double.
    pub fn value(&self, channel: usize, x: f64) -> f64 {
        self.number(channel, &Number::of_double(x)).nearest()
    }

    /// The value of `channel` at `x`.
    ///
    /// Infinite values are a rational past every double; where there is none, as at the logarithm of a negative number,
    /// it is 0.
    pub fn eval(&self, channel: usize, x: &Rational) -> Rational {
        self.number(channel, &Number::Finite(x.clone())).rational()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::function_tests::{quantizers, rational_curves};
    use crate::exact::{Quantizer, from_integer};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn curves_compose(first in rational_curves(), second in rational_curves(), x in -300i64..300) {
            let x = from_integer(x);
            let both = second.clone().after(&first);
            prop_assert_eq!(both.eval(0, &x), second.eval(0, &first.eval(0, &x)));
            let is_affine = |piece: &Piece| matches!(piece, Piece::Affine { .. });
            prop_assert!(!both.pieces().windows(2).any(|pair| pair.iter().all(is_affine)));
        }

        #[test]
        fn curves_and_quantizers_round_trip(curve in rational_curves(), quantizer in quantizers()) {
            let text = serde_json::to_string(&curve).unwrap();
            prop_assert_eq!(serde_json::from_str::<Curve>(&text).unwrap(), curve);
            let text = serde_json::to_string(&quantizer).unwrap();
            prop_assert_eq!(serde_json::from_str::<Quantizer>(&text).unwrap(), quantizer);
        }

        /// One gain for all channels after an offset for each, and the other way round.
        #[test]
        fn channels_are_curves_of_their_own(
            gains in prop::collection::vec(-9i64..9, 3), offsets in prop::collection::vec(-9i64..9, 3),
            gain in -9i64..9, x in -50i64..50,
        ) {
            let of = |values: &[i64]| values.iter().copied().map(from_integer).collect::<Vec<_>>();
            let curve = Curve::affine(vec![from_integer(gain)], of(&offsets))
                .then(Piece::Affine { gain: of(&gains), offset: vec![from_integer(1)] })
                .then(Piece::LeakyRelu { slope: of(&gains) });
            prop_assert_eq!(curve.channels(), 3);
            for channel in 0..3 {
                let inner = (gain * x + offsets[channel]) * gains[channel] + 1;
                let value = if inner < 0 { gains[channel] * inner } else { inner };
                prop_assert_eq!(curve.eval(channel, &from_integer(x)), from_integer(value));
                prop_assert_eq!(curve.channel(channel).eval(0, &from_integer(x)), from_integer(value));
            }
        }
    }

    #[test]
    fn identities_vanish() {
        let identity = Curve::affine(vec![from_integer(1)], vec![from_integer(0)]);
        assert_eq!(identity, Curve::identity());
        assert_eq!(identity.as_affine(), Some((vec![from_integer(1)], vec![from_integer(0)])));
        let double = || Curve::affine(vec![from_integer(2)], vec![from_integer(3)]);
        let half = Rational::new(1.into(), 2.into());
        let back = Piece::Affine { gain: vec![half.clone()], offset: vec![-half * from_integer(3)] };
        assert_eq!(double().then(back), Curve::identity());
        assert_eq!(double().then(Piece::Abs).as_affine(), None);
        assert!(double().is_rational() && !double().then(Piece::Tanh).is_rational());
    }

    #[test]
    fn infinities_go_on() {
        let log = Curve::identity().then(Piece::Elementary { function: Elementary::Log });
        let after = |piece: Piece| log.clone().then(piece).value(0, 0.0);
        assert_eq!(log.value(0, 0.0), f64::NEG_INFINITY);
        assert_eq!([after(Piece::Tanh), after(Piece::Sigmoid), after(Piece::Sign)], [-1.0, 0.0, -1.0]);
        assert_eq!(after(Piece::Elementary { function: Elementary::Exp }), 0.0);
        assert_eq!(after(Piece::Clip { lo: Some(from_integer(-2)), hi: None }), -2.0);
        assert!(after(Piece::Softsign).is_nan() && log.value(0, -1.0).is_nan());
        let reciprocal = Curve::identity().then(Piece::Reciprocal);
        assert_eq!([reciprocal.value(0, 0.0), reciprocal.value(0, f64::INFINITY)], [f64::INFINITY, 0.0]);
        // x exp(x) at minus infinity is zero times infinity.
        let factors = Box::new([
            Curve::identity(),
            Curve::identity().then(Piece::Elementary { function: Elementary::Exp }),
        ]);
        assert!(after(Piece::Product { factors }).is_nan());
    }
}
