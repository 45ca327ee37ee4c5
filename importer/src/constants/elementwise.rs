//! Arithmetic on elements: functions of two numbers, of many, and choices.

use exactum_qonnx::ElemType;

use super::{Call, Fault, Numbers, Problem, Result, Tensor, family, of_type, one, spread};

family! {
    "Add" 2..=2 ["axis" "broadcast"] |call| binary(call, |a, b| a + b, |a, b| Some(a + b));
    "Sub" 2..=2 ["axis" "broadcast"] |call| binary(call, |a, b| a - b, |a, b| Some(a - b));
    "Mul" 2..=2 ["axis" "broadcast"] |call| binary(call, |a, b| a * b, |a, b| Some(a * b));
    "Div" 2..=2 ["axis" "broadcast"] |call| binary(call, |a, b| a / b, i128::checked_div);
    "Mod" 2..=2 ["fmod"] modulo;
    "Pow" 2..=2 ["axis" "broadcast"] power;
    "Min" 1..=MANY [] |call| many(call, least, |a, b| Some(a.min(b)));
    "Max" 1..=MANY [] |call| many(call, greatest, |a, b| Some(a.max(b)));
    "Sum" 1..=MANY [] |call| many(call, |a, b| a + b, |a, b| Some(a + b));
    "Mean" 1..=MANY [] mean;
    "PRelu" 2..=2 [] p_relu;
    "Clip" 1..=3 ["min" "max"] clip;
    "Where" 3..=3 [] choose;
}

const MANY: usize = usize::MAX;

fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || a < b { a } else { b }
}

fn greatest(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

type Integers = fn(i128, i128) -> Option<i128>;

fn combine(
    call: &Call<'_>,
    a: &Tensor,
    b: &Tensor,
    real: fn(f64, f64) -> f64,
    whole: Integers,
) -> Result<Tensor> {
    if a.elem != b.elem {
        return Err(of_type(b, "the same type in both operands"));
    }
    let (shape, indices) = call.broadcast(&[a, b])?;
    let pairs = indices[0].iter().zip(&indices[1]);
    match (&a.numbers, &b.numbers) {
        (Numbers::Int(a_values), Numbers::Int(b_values)) => {
            let results: Option<Vec<i128>> =
                pairs.map(|(i, j)| whole(a_values[*i].into(), b_values[*j].into())).collect();
            let results = results.ok_or_else(|| {
                Problem::new(Fault::Elements, "integer arithmetic without a result", "no division by zero")
            })?;
            Tensor::wrapped(a.elem, shape, results)
        }
        (Numbers::Real(a_values), Numbers::Real(b_values)) => {
            Ok(Tensor::real(a.elem, shape, pairs.map(|(i, j)| real(a_values[*i], b_values[*j]))))
        }
        _ => Err(of_type(b, "the same type in both operands")),
    }
}

/// Early versions name the axis at which the second operand begins.
fn early(call: &Call<'_>) -> Result<()> {
    if call.node.attribute("axis").is_some() {
        return Err(call.no_form("attribute \"axis\"", "operands that broadcast from the last axis on"));
    }
    Ok(())
}

fn binary(call: &Call<'_>, real: fn(f64, f64) -> f64, whole: Integers) -> Result {
    early(call)?;
    one(combine(call, call.operand(0)?, call.operand(1)?, real, whole)?)
}

fn many(call: &Call<'_>, real: fn(f64, f64) -> f64, whole: Integers) -> Result {
    let mut result = call.operand(0)?.clone();
    for index in 1..call.operands.len() {
        result = combine(call, &result, call.operand(index)?, real, whole)?;
    }
    one(result)
}

fn mean(call: &Call<'_>) -> Result {
    let count = call.operands.len() as f64;
    let first = call.operand(0)?;
    call.reals(0)?;
    let mut result = Tensor { elem: ElemType::F64, ..first.clone() };
    for index in 1..call.operands.len() {
        call.reals(index)?;
        let next = Tensor { elem: ElemType::F64, ..call.operand(index)?.clone() };
        result = combine(call, &result, &next, |a, b| a + b, |a, b| Some(a + b))?;
    }
    one(Tensor::real(
        first.elem,
        result.shape.clone(),
        result.numbers.reals().into_iter().map(|sum| sum / count),
    ))
}

fn modulo(call: &Call<'_>) -> Result {
    if call.int("fmod", 0)? != 0 {
        return binary(call, |a, b| a % b, i128::checked_rem);
    }
    // The sign is that of the divisor.
    binary(
        call,
        |a, b| {
            let rest = a % b;
            if rest == 0.0 {
                return 0f64.copysign(b);
            }
            if (rest < 0.0) == (b < 0.0) { rest } else { rest + b }
        },
        |a, b| {
            let rest = a.checked_rem(b)?;
            Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
        },
    )
}

/// The result has the type of the base.
fn power(call: &Call<'_>) -> Result {
    early(call)?;
    let (base, exponent) = (call.operand(0)?, call.operand(1)?);
    let (shape, indices) = call.broadcast(&[base, exponent])?;
    let pairs = indices[0].iter().zip(&indices[1]);
    let no_result =
        || Problem::new(Fault::Elements, "a power that is no integer of the type", "another exponent");
    match (&base.numbers, &exponent.numbers) {
        (Numbers::Int(bases), Numbers::Int(exponents)) => {
            let (least, most) = base.elem.limits();
            let power = |(i, j): (&usize, &usize)| {
                let exponent = u32::try_from(exponents[*j]).ok()?;
                i128::from(bases[*i]).checked_pow(exponent).filter(|value| (least..=most).contains(value))
            };
            let values: Option<Vec<i128>> = pairs.map(power).collect();
            one(Tensor::wrapped(base.elem, shape, values.ok_or_else(no_result)?)?)
        }
        (Numbers::Int(bases), Numbers::Real(exponents)) => {
            let (least, most) = base.elem.limits();
            let power = |(i, j): (&usize, &usize)| {
                let value = (bases[*i] as f64).powf(exponents[*j]).trunc();
                (value >= least as f64 && value <= most as f64).then_some(value as i128)
            };
            let values: Option<Vec<i128>> = pairs.map(power).collect();
            one(Tensor::wrapped(base.elem, shape, values.ok_or_else(no_result)?)?)
        }
        (Numbers::Real(bases), exponents) => {
            let exponents = exponents.reals();
            one(Tensor::real(base.elem, shape, pairs.map(|(i, j)| bases[*i].powf(exponents[*j]))))
        }
    }
}

fn p_relu(call: &Call<'_>) -> Result {
    let (x, slope) = (call.operand(0)?, call.operand(1)?);
    if slope.shape.len() > x.shape.len() || call.broadcast_shape(&[&x.shape, &slope.shape])? != x.shape {
        return Err(call.shapes(format!("{:?} of {:?}", slope.shape, x.shape), "slopes that broadcast"));
    }
    let (values, slopes) = (call.reals(0)?, call.reals(1)?);
    let indices = spread(&slope.shape, &x.shape);
    let scaled = values.iter().zip(&indices).map(|(x, i)| if *x < 0.0 { x * slopes[*i] } else { *x });
    one(Tensor::real(x.elem, x.shape.clone(), scaled))
}

fn clip(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let bound = |index: usize, name: &str| -> Result<Option<Tensor>> {
        if let Some(bound) = call.optional(index) {
            call.scalar(index)?;
            if bound.elem != x.elem {
                return Err(of_type(bound, "the type of the clipped"));
            }
            return Ok(Some(bound.clone()));
        }
        match call.node.attribute(name) {
            None => Ok(None),
            Some(_) => Ok(Some(Tensor::real(x.elem, vec![], [call.float(name, 0.0)?]))),
        }
    };
    let (low, high) = (bound(1, "min")?, bound(2, "max")?);
    let mut result = x.clone();
    match &mut result.numbers {
        Numbers::Int(values) => {
            let number =
                |bound: &Option<Tensor>| bound.as_ref().and_then(|bound| bound.as_ints().map(|v| v[0]));
            let (low, high) = (number(&low), number(&high));
            for value in values {
                *value = (*value).max(low.unwrap_or(i64::MIN)).min(high.unwrap_or(i64::MAX));
            }
        }
        Numbers::Real(values) => {
            let number = |bound: &Option<Tensor>| bound.as_ref().and_then(Tensor::scalar);
            let (low, high) = (number(&low), number(&high));
            for value in values {
                *value = low.map_or(*value, |low| if *value < low { low } else { *value });
                *value = high.map_or(*value, |high| if *value > high { high } else { *value });
            }
        }
    }
    one(result)
}

fn choose(call: &Call<'_>) -> Result {
    let holds = call.whole(0)?;
    let (x, y) = (call.operand(1)?, call.operand(2)?);
    if x.elem != y.elem {
        return Err(of_type(y, "the same type in both branches"));
    }
    let (shape, indices) = call.broadcast(&[call.operand(0)?, x, y])?;
    let choices =
        || (0..indices[0].len()).map(|at| (holds[indices[0][at]] != 0, indices[1][at], indices[2][at]));
    let numbers = match (&x.numbers, &y.numbers) {
        (Numbers::Int(x), Numbers::Int(y)) => {
            Numbers::Int(choices().map(|(first, i, j)| if first { x[i] } else { y[j] }).collect())
        }
        (x, y) => {
            let (x, y) = (x.reals(), y.reals());
            Numbers::Real(choices().map(|(first, i, j)| if first { x[i] } else { y[j] }).collect())
        }
    };
    one(Tensor { elem: x.elem, shape, numbers })
}
