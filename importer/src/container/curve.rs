//! Functions of outputs as the messages of a container, and back. What is read is built anew, so that a message cannot say
//! what no model has: lists that fit no channels, powers beyond bounds, denominators of zero.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, ToPrimitive, Zero};

use super::wire;
use super::wire::piece::Kind;
use crate::exact::{Curve, Elementary, Piece, Rational, ShortFloat};
use crate::interface::Function;
use exactum_runtime::num::Rounding;

/// Largest power that is computed in rationals.
const LARGEST_POWER: u32 = 64;

/// Most bytes of a numerator or denominator.
const MOST_BYTES: usize = 1 << 12;

/// Largest power that powers of powers and products may come to.
const MOST_DEGREE: u64 = 1 << 12;

/// Why a message is refused: what it has.
type Read<T> = Result<T, String>;

/// Functions that their names say, each with its name in the schema.
fn named() -> [(wire::Named, Piece); 22] {
    let elementary = |function: Elementary| Piece::Elementary { function };
    [
        (wire::Named::Abs, Piece::Abs),
        (wire::Named::Sign, Piece::Sign),
        (wire::Named::Softsign, Piece::Softsign),
        (wire::Named::Reciprocal, Piece::Reciprocal),
        (wire::Named::Sigmoid, Piece::Sigmoid),
        (wire::Named::Tanh, Piece::Tanh),
        (wire::Named::Erf, Piece::Erf),
        (wire::Named::Exp, elementary(Elementary::Exp)),
        (wire::Named::Log, elementary(Elementary::Log)),
        (wire::Named::Softplus, elementary(Elementary::Softplus)),
        (wire::Named::Sqrt, elementary(Elementary::Sqrt)),
        (wire::Named::Sin, elementary(Elementary::Sin)),
        (wire::Named::Cos, elementary(Elementary::Cos)),
        (wire::Named::Tan, elementary(Elementary::Tan)),
        (wire::Named::Asin, elementary(Elementary::Asin)),
        (wire::Named::Acos, elementary(Elementary::Acos)),
        (wire::Named::Atan, elementary(Elementary::Atan)),
        (wire::Named::Sinh, elementary(Elementary::Sinh)),
        (wire::Named::Cosh, elementary(Elementary::Cosh)),
        (wire::Named::Asinh, elementary(Elementary::Asinh)),
        (wire::Named::Acosh, elementary(Elementary::Acosh)),
        (wire::Named::Atanh, elementary(Elementary::Atanh)),
    ]
}

const ROUNDINGS: [(wire::Rounding, Rounding); 7] = [
    (wire::Rounding::HalfEven, Rounding::HalfEven),
    (wire::Rounding::HalfAway, Rounding::HalfAway),
    (wire::Rounding::HalfToward, Rounding::HalfToward),
    (wire::Rounding::Floor, Rounding::Floor),
    (wire::Rounding::Ceil, Rounding::Ceil),
    (wire::Rounding::Away, Rounding::Away),
    (wire::Rounding::Toward, Rounding::Toward),
];

const SHORT_FLOATS: [(wire::ShortFloat, ShortFloat); 2] =
    [(wire::ShortFloat::Float16, ShortFloat::Float16), (wire::ShortFloat::Bfloat16, ShortFloat::Bfloat16)];

/// The message of `function`.
pub(super) fn describe(function: &Function) -> wire::Function {
    let kind = match function {
        Function::Curve(curve) => wire::function::Kind::Curve(of_curve(curve)),
        Function::Softmax { axis } => wire::function::Kind::Softmax(wire::Softmax { axis: *axis as u32 }),
    };
    wire::Function { kind: Some(kind) }
}

fn of_curve(curve: &Curve) -> wire::Curve {
    wire::Curve { pieces: curve.pieces().iter().map(of_piece).collect() }
}

fn of_piece(piece: &Piece) -> wire::Piece {
    let numbers = |values: &[Rational]| values.iter().map(of_rational).collect();
    let pair = |parts: &[Curve; 2]| {
        let [first, second] = parts.each_ref().map(|part| Some(of_curve(part)));
        wire::Pair { first, second }
    };
    let kind = match piece {
        Piece::Affine { gain, offset } => {
            Kind::Affine(wire::Affine { gain: numbers(gain), offset: numbers(offset) })
        }
        Piece::Clip { lo, hi } => {
            Kind::Clip(wire::Clip { lo: lo.as_ref().map(of_rational), hi: hi.as_ref().map(of_rational) })
        }
        Piece::LeakyRelu { slope } => Kind::LeakyRelu(wire::LeakyRelu { slope: numbers(slope) }),
        Piece::Power { exponent } => Kind::Power(*exponent),
        Piece::Round { rounding } => Kind::Round(by_value(&ROUNDINGS, rounding).into()),
        Piece::Elu { alpha } => Kind::Elu(of_rational(alpha)),
        Piece::Short { float } => Kind::ShortFloat(by_value(&SHORT_FLOATS, float).into()),
        Piece::Elementary { function: Elementary::Power { exponent } } => {
            Kind::RealPower(of_rational(exponent))
        }
        Piece::Product { factors } => Kind::Product(pair(factors)),
        Piece::Sum { terms } => Kind::Sum(pair(terms)),
        Piece::Select { parts } => {
            let [condition, yes, no] = parts.each_ref().map(|part| Some(of_curve(part)));
            Kind::Select(wire::Select { condition, yes, no })
        }
        Piece::Abs
        | Piece::Sign
        | Piece::Softsign
        | Piece::Reciprocal
        | Piece::Sigmoid
        | Piece::Tanh
        | Piece::Erf
        | Piece::Elementary { .. } => Kind::Named(by_value(&named(), piece).into()),
    };
    wire::Piece { kind: Some(kind) }
}

/// The name of `value`; what is unspecified for one without, which the test of all pieces would find.
fn by_value<N: Copy + Default, V: PartialEq>(names: &[(N, V)], value: &V) -> N {
    names.iter().find(|(_, known)| known == value).map(|(name, _)| *name).unwrap_or_default()
}

fn of_rational(value: &Rational) -> wire::Rational {
    let numerator = if value.is_zero() { vec![] } else { value.numer().to_signed_bytes_le() };
    let denominator = if value.denom().is_one() { vec![] } else { value.denom().magnitude().to_bytes_le() };
    wire::Rational { numerator, denominator }
}

/// The function that `message` describes, of values with `rank` axes and `channels`.
pub(super) fn read(message: &wire::Function, rank: usize, channels: usize) -> Read<Function> {
    match &message.kind {
        Some(wire::function::Kind::Curve(curve)) => {
            let curve = read_curve(Some(curve), channels)?;
            let degree = degree(&curve);
            if degree > MOST_DEGREE {
                return Err(format!("powers of powers up to x^{degree}"));
            }
            Ok(Function::Curve(Box::new(curve)))
        }
        Some(wire::function::Kind::Softmax(wire::Softmax { axis })) if (*axis as usize) < rank => {
            Ok(Function::Softmax { axis: *axis as usize })
        }
        Some(wire::function::Kind::Softmax(wire::Softmax { axis })) => {
            Err(format!("a softmax along axis {axis} of {rank}"))
        }
        None => Err("a kind that is not known".to_owned()),
    }
}

/// The power of x that numbers grow by at most.
fn degree(curve: &Curve) -> u64 {
    let of_piece = |piece: &Piece| match piece {
        Piece::Power { exponent } => u64::from(*exponent).max(1),
        Piece::Product { factors } => factors.iter().map(degree).fold(0, u64::saturating_add),
        Piece::Sum { terms } => terms.iter().map(degree).fold(0, u64::saturating_add),
        Piece::Select { parts } => parts.iter().map(degree).max().unwrap_or(1),
        _ => 1,
    };
    curve.pieces().iter().map(of_piece).fold(1, u64::saturating_mul)
}

fn read_curve(message: Option<&wire::Curve>, channels: usize) -> Read<Curve> {
    let message = message.ok_or("a part that is missing")?;
    message.pieces.iter().try_fold(Curve::identity(), |curve, piece| {
        let piece = read_piece(piece, channels)?;
        Ok(curve.then(piece))
    })
}

fn read_piece(message: &wire::Piece, channels: usize) -> Read<Piece> {
    let pair = |pair: &wire::Pair| {
        Ok::<_, String>(Box::new([
            read_curve(pair.first.as_ref(), channels)?,
            read_curve(pair.second.as_ref(), channels)?,
        ]))
    };
    let kind = message.kind.as_ref().ok_or("a piece that is not known")?;
    Ok(match kind {
        Kind::Affine(wire::Affine { gain, offset }) => {
            Piece::Affine { gain: of_channels(gain, channels)?, offset: of_channels(offset, channels)? }
        }
        Kind::Clip(wire::Clip { lo, hi }) => {
            let (lo, hi) = (lo.as_ref().map(rational).transpose()?, hi.as_ref().map(rational).transpose()?);
            Piece::Clip { lo, hi }
        }
        Kind::LeakyRelu(wire::LeakyRelu { slope }) => {
            Piece::LeakyRelu { slope: of_channels(slope, channels)? }
        }
        Kind::Power(exponent) if *exponent <= LARGEST_POWER => Piece::Power { exponent: *exponent },
        Kind::Power(exponent) => return Err(format!("power {exponent}")),
        Kind::Round(rounding) => {
            let rounding = wire::Rounding::try_from(*rounding).ok();
            Piece::Round { rounding: by_name(&ROUNDINGS, rounding).ok_or("a rounding that is not known")? }
        }
        Kind::Elu(alpha) => Piece::Elu { alpha: double(alpha)? },
        Kind::ShortFloat(float) => {
            let float = wire::ShortFloat::try_from(*float).ok();
            Piece::Short { float: by_name(&SHORT_FLOATS, float).ok_or("a float type that is not known")? }
        }
        Kind::Named(name) => {
            let name = wire::Named::try_from(*name).ok();
            by_name(&named(), name).ok_or("a name that is not known")?
        }
        Kind::RealPower(exponent) => {
            Piece::Elementary { function: Elementary::Power { exponent: double(exponent)? } }
        }
        Kind::Product(factors) => Piece::Product { factors: pair(factors)? },
        Kind::Sum(terms) => Piece::Sum { terms: pair(terms)? },
        Kind::Select(wire::Select { condition, yes, no }) => Piece::Select {
            parts: Box::new([
                read_curve(condition.as_ref(), channels)?,
                read_curve(yes.as_ref(), channels)?,
                read_curve(no.as_ref(), channels)?,
            ]),
        },
    })
}

fn by_name<N: PartialEq, V: Clone>(names: &[(N, V)], name: Option<N>) -> Option<V> {
    names.iter().find(|(known, _)| Some(known) == name.as_ref()).map(|(_, value)| value.clone())
}

/// One number for all channels, or one for each.
fn of_channels(values: &[wire::Rational], channels: usize) -> Read<Vec<Rational>> {
    if values.len() != 1 && values.len() != channels {
        return Err(format!("{} numbers for {channels} channels", values.len()));
    }
    values.iter().map(rational).collect()
}

fn rational(message: &wire::Rational) -> Read<Rational> {
    let wire::Rational { numerator, denominator } = message;
    if numerator.len().max(denominator.len()) > MOST_BYTES {
        return Err(format!("a number of more than {MOST_BYTES} bytes"));
    }
    let below = match denominator.as_slice() {
        [] => BigUint::one(),
        bytes => BigUint::from_bytes_le(bytes),
    };
    if below.is_zero() {
        return Err("a number divided by 0".to_owned());
    }
    Ok(Rational::new(BigInt::from_signed_bytes_le(numerator), BigInt::from_biguint(Sign::Plus, below)))
}

/// A number that a double holds.
fn double(message: &wire::Rational) -> Read<Rational> {
    let value = rational(message)?;
    let held = value.to_f64().and_then(Rational::from_float).is_some_and(|held| held == value);
    if held { Ok(value) } else { Err("a number that no double holds".to_owned()) }
}

#[cfg(test)]
mod tests;
