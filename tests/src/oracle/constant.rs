//! Values of a file, and operators that make or retype values.

use exactum_qonnx::{AttributeValue, ElemType, Tensor, TensorData};

use super::applied::Applied;
use super::elementwise::rounded;
use super::exact::rational;
use super::function;
use super::int::Int;
use super::round::{Mode, nearest_f64};
use super::standard::range;
use super::{Exact, Result, Value};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Signed;

/// The value of a constant tensor.
pub(super) fn read(tensor: &Tensor) -> Value {
    let shape = tensor.shape.clone();
    let whole = |integers: Vec<Int>| Value::Real(Exact::whole(shape.clone(), integers), tensor.elem());
    let float = |values: &[f64]| match (values, Exact::from_f64(shape.clone(), values)) {
        (_, Ok(exact)) => Value::Real(exact, tensor.elem()),
        ([value], _) if value.is_infinite() => Value::Infinite { negative: *value < 0.0 },
        (_, Err(error)) => Value::Unreadable(error.problem),
    };
    macro_rules! integers {
        ($values:expr) => {
            whole($values.iter().map(|value| Int::from(i128::from(*value))).collect())
        };
    }
    match &tensor.data {
        TensorData::F32(values) => float(&values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>()),
        TensorData::F64(values) => float(values),
        TensorData::I8(values) => integers!(values),
        TensorData::U8(values) => integers!(values),
        TensorData::I16(values) => integers!(values),
        TensorData::U16(values) => integers!(values),
        TensorData::I32(values) => integers!(values),
        TensorData::U32(values) => integers!(values),
        TensorData::I64(values) => integers!(values),
        TensorData::U64(values) => integers!(values),
        TensorData::Bool(values) => whole(values.iter().map(|value| i64::from(*value).into()).collect()),
        TensorData::Opaque { elem: elem @ (ElemType::I4 | ElemType::U4), bytes } => {
            let count = shape.iter().product();
            let nibble = |index: usize| {
                let nibble = i64::from(bytes[index / 2] >> (index % 2 * 4) & 15);
                Int::from(if *elem == ElemType::I4 && nibble > 7 { nibble - 16 } else { nibble })
            };
            whole((0..count).map(nibble).collect())
        }
        TensorData::Opaque { elem: elem @ (ElemType::F16 | ElemType::Bf16), bytes } => {
            let bits = |pair: &[u8]| u16::from_le_bytes([pair[0], pair[1]]);
            float(&bytes.chunks_exact(2).map(|pair| short_float(*elem, bits(pair))).collect::<Vec<_>>())
        }
        TensorData::Strings(_) | TensorData::Opaque { .. } => {
            Value::Unreadable(format!("elements of type {}", tensor.elem()))
        }
    }
}

/// The number that 16 bits stand for: sign, exponent and fraction as IEEE 754 has them, of 5 and 10 bits in a half and of 8
/// and 7 bits in a bfloat16.
fn short_float(elem: ElemType, bits: u16) -> f64 {
    if elem == ElemType::Bf16 {
        return f64::from(f32::from_bits(u32::from(bits) << 16));
    }
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        0 => fraction * 2f64.powi(-24),
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// `value` as the file's type holds it: numbers of `float32` are rounded to nearest, all others stay.
pub(super) fn as_float(value: Value) -> Result<Value> {
    let Value::Real(exact, ElemType::F32) = value else { return Ok(value) };
    // Operators on floats are exact enough in doubles that rounding twice is rounding once.
    let rounded: Vec<f64> =
        exact.rationals().iter().map(|number| f64::from(nearest_f64(number) as f32)).collect();
    Ok(Value::Real(Exact::from_f64(exact.shape.clone(), &rounded)?, ElemType::F32))
}

/// The number of a float type of 16 bits that is nearest to `x`, of two the even one; infinite beyond the type. All numbers of
/// the type that are not negative are in the order of their bits, the even ones those of even bits.
fn short(elem: ElemType, x: &BigRational) -> Option<BigRational> {
    let number = |bits: u16| rational(short_float(elem, bits));
    let size = x.abs();
    let infinity = if elem == ElemType::Bf16 { 0x7f80 } else { 0x7c00 };
    let (mut below, mut above) = (0u16, infinity);
    while above - below > 1 {
        let middle = below.midpoint(above);
        if number(middle)? <= size { below = middle } else { above = middle }
    }
    let lower = number(below)?;
    // What would be the next number after the largest is as far from it as the one before.
    let step = if above == infinity { &lower - number(below - 1)? } else { number(above)? - &lower };
    let twice = (&size - &lower) * BigInt::from(2);
    let up = twice > step || twice == step && below % 2 == 1;
    if up && above == infinity {
        return Some(function::infinity(x.is_negative()));
    }
    let rounded = if up { lower + step } else { lower };
    Some(if x.is_negative() { -rounded } else { rounded })
}

pub(super) fn operator(applied: &Applied<'_>) -> Result<Value> {
    match applied.node.op_type.as_str() {
        "Constant" => constant(applied),
        "ConstantOfShape" => constant_of_shape(applied),
        "Shape" => {
            let sizes = &applied.real(0)?.shape;
            let rank = sizes.len() as i64;
            let end = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
            let (start, end) = (end(applied.int("start", 0)?), end(applied.int("end", rank)?));
            let sizes: Vec<Int> =
                sizes[start..end.max(start)].iter().map(|size| Int::from(*size as i64)).collect();
            Ok(Value::Real(Exact::whole(vec![sizes.len()], sizes), ElemType::I64))
        }
        _ => cast(applied),
    }
}

fn constant(applied: &Applied<'_>) -> Result<Value> {
    let [attribute] = &applied.node.attributes[..] else {
        return applied.fail("not one attribute");
    };
    let integers = |shape: Vec<usize>, values: &[i64]| {
        let integers = values.iter().map(|value| Int::from(*value)).collect();
        Value::Real(Exact::whole(shape, integers), ElemType::I64)
    };
    Ok(match (attribute.name.as_str(), &attribute.value) {
        ("value", AttributeValue::Tensor(tensor)) => read(tensor),
        ("value_float", AttributeValue::Float(value)) => read(&Tensor::scalar("", *value)),
        ("value_floats", AttributeValue::Floats(values)) => {
            read(&Tensor::new("", &[values.len()], values.clone()))
        }
        ("value_int", AttributeValue::Int(value)) => integers(vec![], &[*value]),
        ("value_ints", AttributeValue::Ints(values)) => integers(vec![values.len()], values),
        ("value_string" | "value_strings", _) => Value::Unreadable("text".to_owned()),
        (name, _) => return applied.fail(format!("attribute {name}")),
    })
}

fn constant_of_shape(applied: &Applied<'_>) -> Result<Value> {
    let sizes: Option<Vec<usize>> =
        applied.whole(0)?.iter().map(|size| usize::try_from(*size).ok()).collect();
    let Some(shape) = sizes else { return applied.fail("a negative size") };
    let value = match applied.node.attribute("value") {
        None => read(&Tensor::scalar("", 0.0)),
        Some(AttributeValue::Tensor(tensor)) => read(tensor),
        Some(other) => return applied.fail(format!("attribute value is {other:?}")),
    };
    match value {
        Value::Real(one, elem) if one.len() == 1 => Ok(Value::Real(one.pick(shape, |_| 0), elem)),
        _ => applied.fail("not one value"),
    }
}

/// Another type: floats of 32 and 64 bits hold every number here, shorter ones are rounded to, integers drop what is behind
/// the point.
fn cast(applied: &Applied<'_>) -> Result<Value> {
    let to = applied.int("to", 0)?;
    let elem = i32::try_from(to).ok().and_then(ElemType::from_code);
    let x = applied.real(0)?;
    match elem {
        Some(elem @ (ElemType::F32 | ElemType::F64)) => Ok(Value::Real(x.clone(), elem)),
        Some(elem @ (ElemType::F16 | ElemType::Bf16)) => {
            let rounded: Option<Vec<_>> = x.rationals().iter().map(|x| short(elem, x)).collect();
            let Some(rounded) = rounded else { return applied.fail(format!("a cast to type {elem}")) };
            Ok(Value::Real(Exact::from_rationals(x.shape.clone(), &rounded), elem))
        }
        Some(ElemType::Bool) => {
            let truth = |integer: &Int| Int::from(i64::from(integer.sign() != 0));
            let truths = Exact::whole(x.shape.clone(), x.integers.iter().map(truth).collect());
            Ok(Value::Real(truths, ElemType::Bool))
        }
        Some(elem) if let Some((lowest, highest)) = range(elem) => {
            let whole = rounded(x, Mode::Down);
            if whole.integers.iter().any(|integer| *integer < lowest || *integer > highest) {
                return applied.fail(format!("numbers that {elem} does not hold"));
            }
            Ok(Value::Real(whole, elem))
        }
        _ => applied.fail(format!("a cast to type {to}")),
    }
}
