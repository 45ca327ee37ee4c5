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
pub(super) const OPERATORS: [&str; 30] = [
    "Abs",
    "Add",
    "Ceil",
    "Clip",
    "DebugMarker",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pow",
    "Relu",
    "Round",
    "Sigmoid",
    "Sign",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
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
        "Gelu" => {
            let constant = |value: f64| BigRational::from_float(value).expect("a finite constant");
            let half = constant(0.5);
            let erf = function::erf(&x.clone().times(&constant(std::f64::consts::FRAC_1_SQRT_2)))?;
            x.mul(&erf.times(&half).add(&Exact::scalar(&half))?)
        }
        "Sigmoid" => function::sigmoid(x),
        "Tanh" => function::tanh(x),
        "Log" if applied.constant => function::log(x),
        "Sqrt" if applied.constant => function::sqrt(x),
        "Sub" => x.sub(applied.real(1)?),
        "Mul" => x.mul(applied.real(1)?),
        "Div" => div(applied),
        "Pow" => pow(applied),
        "Add" | "Sum" => fold(applied, |a, b| a + b),
        "Max" => fold(applied, |a, b| a.max(b).clone()),
        "Min" => fold(applied, |a, b| a.min(b).clone()),
        other => applied.fail(format!("operator {other} of computed values")),
    }
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
    let quotient = applied.real(0)?.mul(&applied.real(1)?.reciprocals()?)?;
    Ok(if range(applied.elem(0)?).is_some() { rounded(&quotient, Mode::Down) } else { quotient })
}

fn pow(applied: &Applied<'_>) -> Result<Exact> {
    let (base, exponent) = (applied.real(0)?, applied.real(1)?);
    // Batch norms in single operators take the root of their constants so.
    let half = |exponent: &BigRational| *exponent == BigRational::new(1.into(), 2.into());
    if applied.constant && exponent.rationals().iter().all(half) && exponent.len() == 1 {
        return function::sqrt(base);
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
            return applied.fail("a division by zero");
        }
        powers.push(Pow::pow(number, exponent as i32));
    }
    Ok(Exact::from_rationals(shape.clone(), &powers))
}
