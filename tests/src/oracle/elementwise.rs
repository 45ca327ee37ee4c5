//! Operators on single elements, and on pairs of them with broadcasting.

use exactum_qonnx::AttributeValue;
use num_rational::BigRational;
use num_traits::{Pow, Signed, Zero};

use super::applied::Applied;
use super::exact::{broadcast, reader};
use super::int::Int;
use super::round::{Mode, whole};
use super::standard::range;
use super::{Exact, Result, Value, function};

/// The operators of this file.
pub(super) const OPERATORS: [&str; 61] = [
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "And",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "DebugMarker",
    "Div",
    "Dropout",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "Greater",
    "GreaterOrEqual",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
    "Xor",
];

/// The first output.
pub(super) fn operator(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    match applied.node.op_type.as_str() {
        "Identity" | "DebugMarker" => Ok(x.clone()),
        "Dropout" if !applied.has(2) || applied.scalar(2)?.is_zero() => Ok(x.clone()),
        "Relu" => Ok(x.clone().map(|integer| integer.max(&Int::ZERO).clone())),
        "Abs" => Ok(x.clone().map(Int::abs)),
        "Neg" => Ok(x.clone().map(|integer| -integer)),
        "Sign" => Ok(Exact::whole(
            x.shape.clone(),
            x.integers.iter().map(|integer| i64::from(integer.sign()).into()).collect(),
        )),
        "Ceil" => Ok(rounded(x, Mode::Ceil)),
        "Floor" => Ok(rounded(x, Mode::Floor)),
        "Round" => Ok(rounded(x, Mode::HalfEven)),
        "LeakyRelu" => leaky_relu(x, &applied.number("alpha", 0.01)?),
        "PRelu" => prelu(x, applied.real(1)?),
        "Clip" => clip(applied),
        "HardSigmoid" => hard_sigmoid(x, &applied.number("alpha", 0.2)?, &applied.number("beta", 0.5)?),
        "HardSwish" => {
            let fraction = |n: i64, d: i64| BigRational::new(n.into(), d.into());
            x.mul(&hard_sigmoid(x, &fraction(1, 6), &fraction(1, 2))?)
        }
        "Elu" => function::elu(x, &applied.number("alpha", 1.0)?),
        "Erf" => function::erf(x),
        "Gelu" if applied.string("approximate", "none")? == "tanh" => gelu_by_tanh(x),
        "Gelu" => gelu(x),
        "Selu" => {
            let elu = function::elu(x, &applied.number("alpha", 1.673_263_2)?)?;
            Ok(elu.times(&applied.number("gamma", 1.050_701)?))
        }
        "Celu" => {
            let alpha = applied.number("alpha", 1.0)?;
            let one = BigRational::from_integer(1.into());
            Ok(function::elu(&x.clone().times(&alpha.recip()), &one)?.times(&alpha))
        }
        "ThresholdedRelu" => {
            let more = x.sub(&Exact::scalar(&applied.number("alpha", 1.0)?))?;
            x.mul(&truths(&more, |sign| sign > 0))
        }
        "Shrink" => {
            let (bias, limit) = (applied.number("bias", 0.0)?, applied.number("lambd", 0.5)?);
            let numbers = x.rationals();
            let shrunk = numbers.iter().map(|x| {
                if *x < -limit.clone() {
                    x + &bias
                } else if *x > limit {
                    x - &bias
                } else {
                    BigRational::zero()
                }
            });
            Ok(Exact::from_rationals(x.shape.clone(), &shrunk.collect::<Vec<_>>()))
        }
        "Swish" => swish(x, &applied.number("alpha", 1.0)?),
        "Mish" => match function::elementary("Softplus", x)? {
            Some(softplus) => x.mul(&function::tanh(&softplus)?),
            None => applied.fail("no softplus"),
        },
        "Softsign" => {
            let one = BigRational::from_integer(1.into());
            let numbers: Vec<BigRational> = x.rationals().iter().map(|x| x / (&one + x.abs())).collect();
            Ok(Exact::from_rationals(x.shape.clone(), &numbers))
        }
        "Reciprocal" => Ok(reciprocal(x)),
        "Not" => Ok(truths(x, |sign| sign == 0)),
        "And" => Ok(truths(&x.mul(applied.real(1)?)?, |sign| sign != 0)),
        "Or" => Ok(truths(&x.add(applied.real(1)?)?, |sign| sign != 0)),
        "Xor" | "Equal" | "Greater" | "Less" | "GreaterOrEqual" | "LessOrEqual" => {
            let difference = x.sub(applied.real(1)?)?;
            let holds: fn(i32) -> bool = match applied.node.op_type.as_str() {
                "Xor" => |sign| sign != 0,
                "Equal" => |sign| sign == 0,
                "Greater" => |sign| sign > 0,
                "Less" => |sign| sign < 0,
                "GreaterOrEqual" => |sign| sign >= 0,
                _ => |sign| sign <= 0,
            };
            Ok(truths(&difference, holds))
        }
        "Mean" => {
            let count = BigRational::from_integer(applied.operands.len().into());
            Ok(fold(applied, |a, b| a + b)?.times(&count.recip()))
        }
        "Sigmoid" => function::sigmoid(x),
        "Tanh" => function::tanh(x),
        "Sub" => x.sub(applied.real(1)?),
        "Mul" => x.mul(applied.real(1)?),
        "Div" => div(applied),
        "Pow" => pow(applied),
        "Add" | "Sum" => fold(applied, |a, b| a + b),
        "Max" => fold(applied, |a, b| a.max(b).clone()),
        "Min" => fold(applied, |a, b| a.min(b).clone()),
        other => match function::elementary(other, x)? {
            Some(value) => Ok(value),
            None => applied.fail(format!("operator {other} of computed values")),
        },
    }
}

/// 1 where `holds` of the sign of an element, else 0.
fn truths(x: &Exact, holds: impl Fn(i32) -> bool) -> Exact {
    let truth = |integer: &Int| Int::from(i64::from(holds(integer.sign())));
    Exact::whole(x.shape.clone(), x.integers.iter().map(truth).collect())
}

/// `1 / x`, infinite at 0.
pub(super) fn reciprocal(x: &Exact) -> Exact {
    let one =
        |number: &BigRational| if number.is_zero() { function::infinity(false) } else { number.recip() };
    Exact::from_rationals(x.shape.clone(), &x.rationals().iter().map(one).collect::<Vec<_>>())
}

/// `x * sigmoid(alpha * x)`.
pub(super) fn swish(x: &Exact, alpha: &BigRational) -> Result<Exact> {
    x.mul(&function::sigmoid(&x.clone().times(alpha))?)
}

fn constant(value: f64) -> BigRational {
    BigRational::from_float(value).expect("a finite constant")
}

/// `x * (erf(x / sqrt(2)) / 2 + 1 / 2)`.
pub(super) fn gelu(x: &Exact) -> Result<Exact> {
    let half = constant(0.5);
    let erf = function::erf(&x.clone().times(&constant(std::f64::consts::FRAC_1_SQRT_2)))?;
    x.mul(&erf.times(&half).add(&Exact::scalar(&half))?)
}

/// `x * (tanh(sqrt(2 / pi) * (x + 0.044715 x^3)) / 2 + 1 / 2)`.
pub(super) fn gelu_by_tanh(x: &Exact) -> Result<Exact> {
    let half = constant(0.5);
    let cube = x.mul(&x.mul(x)?)?;
    let inner = x.add(&cube.times(&constant(0.044_715)))?.times(&constant(0.797_884_560_802_865_4));
    x.mul(&function::tanh(&inner)?.times(&half).add(&Exact::scalar(&half))?)
}

/// `Where`: the second operand where the first is not zero, else the third.
pub(super) fn choose(applied: &Applied<'_>) -> Result<Exact> {
    let condition = applied.real(0)?;
    let side = |index: usize, holds: fn(i32) -> bool| applied.real(index)?.mul(&truths(condition, holds));
    side(1, |sign| sign != 0)?.add(&side(2, |sign| sign == 0)?)
}

/// `f` of all operands, from the first on.
fn fold(applied: &Applied<'_>, f: impl Fn(&Int, &Int) -> Int) -> Result<Exact> {
    (1..applied.operands.len()).try_fold(applied.real(0)?.clone(), |x, index| x.zip(applied.real(index)?, &f))
}

/// `x` as whole numbers.
pub(super) fn rounded(x: &Exact, mode: Mode) -> Exact {
    let (numerator, denominator) = (Int::from(x.unit.numer().clone()), Int::from(x.unit.denom().clone()));
    let round = |integer: &Int| mode.round(&(integer * &numerator), &denominator);
    Exact::whole(x.shape.clone(), x.integers.iter().map(round).collect())
}

/// `slope * x` for numbers below 0.
pub(super) fn leaky_relu(x: &Exact, slope: &BigRational) -> Result<Exact> {
    prelu(x, &Exact::scalar(slope))
}

fn prelu(x: &Exact, slope: &Exact) -> Result<Exact> {
    let above = x.clone().map(|integer| integer.max(&Int::ZERO).clone());
    let below = x.clone().map(|integer| integer.min(&Int::ZERO).clone());
    above.add(&below.mul(slope)?)
}

/// `max(0, min(1, alpha * x + beta))`.
pub(super) fn hard_sigmoid(x: &Exact, alpha: &BigRational, beta: &BigRational) -> Result<Exact> {
    let line = x.clone().times(alpha).add(&Exact::scalar(beta))?;
    let one = Exact::whole(vec![], vec![Int::ONE]);
    Ok(line.zip(&one, |a, b| a.min(b).clone())?.map(|integer| integer.max(&Int::ZERO).clone()))
}

/// The bounds are attributes or operands, by version; the upper one wins where they cross.
fn clip(applied: &Applied<'_>) -> Result<Exact> {
    let bound = |name: &str, index: usize, unbounded: bool| -> Result<Option<Exact>> {
        if let Some(attribute) = applied.node.attribute(name) {
            let infinite = matches!(attribute, AttributeValue::Float(value)
                if value.is_infinite() && value.is_sign_negative() == unbounded);
            return if infinite { Ok(None) } else { Ok(Some(Exact::scalar(&applied.number(name, 0.0)?))) };
        }
        match applied.operands.get(index) {
            None | Some(None) => Ok(None),
            Some(Some(Value::Infinite { negative })) if *negative == unbounded => Ok(None),
            _ => Ok(Some(Exact::scalar(&applied.scalar(index)?))),
        }
    };
    let mut x = applied.real(0)?.clone();
    if let Some(lowest) = bound("min", 1, true)? {
        x = x.zip(&lowest, |a, b| a.max(b).clone())?;
    }
    if let Some(highest) = bound("max", 2, false)? {
        x = x.zip(&highest, |a, b| a.min(b).clone())?;
    }
    Ok(x)
}

/// The quotient; of integers towards zero.
fn div(applied: &Applied<'_>) -> Result<Exact> {
    let divisor = applied.real(1)?;
    let reciprocal = if applied.constant { divisor.reciprocals()? } else { reciprocal(divisor) };
    let quotient = applied.real(0)?.mul(&reciprocal)?;
    Ok(if range(applied.elem(0)?).is_some() { rounded(&quotient, Mode::Down) } else { quotient })
}

fn pow(applied: &Applied<'_>) -> Result<Exact> {
    let (base, exponent) = (applied.real(0)?, applied.real(1)?);
    let half = |exponent: &BigRational| *exponent == BigRational::new(1.into(), 2.into());
    if exponent.rationals().iter().all(half) && exponent.len() == 1 {
        return match function::elementary("Sqrt", base)? {
            Some(root) => Ok(root),
            None => applied.fail("no root"),
        };
    }
    let whole_exponent = |exponent: &BigRational| whole(exponent).is_some_and(|whole| whole.abs() <= 16);
    if !applied.constant && exponent.len() == 1 && !whole_exponent(&exponent.rational(0)) {
        return function::power(base, &exponent.rational(0));
    }
    if !applied.constant && base.len() == 1 && exponent.len() > 1 {
        return function::exponential(super::round::nearest_f64(&base.rational(0)), exponent);
    }
    let exponents: Option<Vec<i64>> = exponent.rationals().iter().map(whole).collect();
    let Some(exponents) = exponents.filter(|all| all.iter().all(|exponent| exponent.abs() < 1 << 12)) else {
        return applied.fail("an exponent that is not a small whole number");
    };
    let shape = broadcast(&base.shape, &exponent.shape)?;
    let (of_base, of_exponent) = (reader(&shape, &base.shape), reader(&shape, &exponent.shape));
    let count: usize = shape.iter().product();
    let mut powers = Vec::with_capacity(count);
    for index in 0..count {
        let (number, exponent) = (base.rational(of_base(index)), exponents[of_exponent(index)]);
        if number.is_zero() && exponent.is_negative() {
            powers.push(function::infinity(false));
            continue;
        }
        powers.push(Pow::pow(number, exponent as i32));
    }
    Ok(Exact::from_rationals(shape.clone(), &powers))
}
