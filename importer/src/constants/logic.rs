//! Comparisons, truth values and bits.

use super::{Call, Numbers, Result, Tensor, family, of_type, one};
use exactum_qonnx::ElemType;

family! {
    "Equal" 2..=2 ["axis" "broadcast"] |call| compare(call, |a, b| a == b, |a, b| a == b);
    "Less" 2..=2 ["axis" "broadcast"] |call| compare(call, |a, b| a < b, |a, b| a < b);
    "Greater" 2..=2 ["axis" "broadcast"] |call| compare(call, |a, b| a > b, |a, b| a > b);
    "LessOrEqual" 2..=2 [] |call| compare(call, |a, b| a <= b, |a, b| a <= b);
    "GreaterOrEqual" 2..=2 [] |call| compare(call, |a, b| a >= b, |a, b| a >= b);
    "And" 2..=2 ["axis" "broadcast"] |call| truths(call, |a, b| a & b);
    "Or" 2..=2 ["axis" "broadcast"] |call| truths(call, |a, b| a | b);
    "Xor" 2..=2 ["axis" "broadcast"] |call| truths(call, |a, b| a ^ b);
    "Not" 1..=1 [] not;
    "BitwiseAnd" 2..=2 [] |call| bits(call, |a, b| a & b);
    "BitwiseOr" 2..=2 [] |call| bits(call, |a, b| a | b);
    "BitwiseXor" 2..=2 [] |call| bits(call, |a, b| a ^ b);
    "BitwiseNot" 1..=1 [] bitwise_not;
    "BitShift" 2..=2 ["direction"] bit_shift;
    "IsNaN" 1..=1 [] |call| tell(call, f64::is_nan);
    "IsInf" 1..=1 ["detect_negative" "detect_positive"] |call| {
        let (below, above) = (call.int("detect_negative", 1)? != 0, call.int("detect_positive", 1)? != 0);
        tell(call, |x| x.is_infinite() && if x < 0.0 { below } else { above })
    };
}

/// The operands, which are of one type, and the elements that meet.
type Pairs<'c> = (&'c Tensor, &'c Tensor, Vec<usize>, Vec<Vec<usize>>);

fn pairs<'c>(call: &'c Call<'_>) -> Result<Pairs<'c>> {
    let (a, b) = (call.operand(0)?, call.operand(1)?);
    if a.elem != b.elem {
        return Err(of_type(b, "the same type in both operands"));
    }
    if call.node.attribute("axis").is_some() {
        return Err(call.no_form("attribute \"axis\"", "operands that broadcast from the last axis on"));
    }
    let (shape, indices) = call.broadcast(&[a, b])?;
    Ok((a, b, shape, indices))
}

fn compare(call: &Call<'_>, real: fn(f64, f64) -> bool, whole: fn(i64, i64) -> bool) -> Result {
    let (a, b, shape, indices) = pairs(call)?;
    let meet = indices[0].iter().zip(&indices[1]);
    let truths: Vec<bool> = match (&a.numbers, &b.numbers) {
        (Numbers::Int(a), Numbers::Int(b)) => meet.map(|(i, j)| whole(a[*i], b[*j])).collect(),
        (a, b) => {
            let (a, b) = (a.reals(), b.reals());
            meet.map(|(i, j)| real(a[*i], b[*j])).collect()
        }
    };
    one(Tensor::truths(shape, truths))
}

fn integers(call: &Call<'_>, function: impl Fn(i64, i64) -> i128) -> Result {
    let (a, b, shape, indices) = pairs(call)?;
    let (left, right) = (call.whole(0)?, call.whole(1)?);
    let (elem, meet) = (a.elem, indices[0].iter().zip(&indices[1]));
    debug_assert_eq!(elem, b.elem);
    one(Tensor::wrapped(elem, shape, meet.map(|(i, j)| function(left[*i], right[*j])))?)
}

fn truths(call: &Call<'_>, function: fn(i64, i64) -> i64) -> Result {
    if call.operand(0)?.elem != ElemType::Bool {
        return Err(of_type(call.operand(0)?, "truth values"));
    }
    integers(call, |a, b| function(a, b).into())
}

fn bits(call: &Call<'_>, function: fn(i64, i64) -> i64) -> Result {
    if call.operand(0)?.elem.integer().is_none() {
        return Err(of_type(call.operand(0)?, "integers"));
    }
    integers(call, |a, b| function(a, b).into())
}

fn not(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    if x.elem != ElemType::Bool {
        return Err(of_type(x, "truth values"));
    }
    one(Tensor::truths(x.shape.clone(), call.whole(0)?.iter().map(|value| *value == 0)))
}

fn bitwise_not(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    if x.elem.integer().is_none() {
        return Err(of_type(x, "integers"));
    }
    one(Tensor::wrapped(x.elem, x.shape.clone(), call.whole(0)?.iter().map(|value| i128::from(!value)))?)
}

fn bit_shift(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let Some((width, signed)) = x.elem.integer() else { return Err(of_type(x, "integers")) };
    let left = match call.text("direction", "")? {
        "LEFT" => true,
        "RIGHT" => false,
        other => return Err(call.no_form(format!("direction {other:?}"), "LEFT or RIGHT")),
    };
    integers(call, |a, b| match u32::try_from(b) {
        Ok(count) if count < width && left => i128::from(a) << count,
        Ok(count) if count < width => i128::from(a) >> count,
        // Nothing is left but the sign.
        _ if signed && !left && a < 0 => -1,
        _ => 0,
    })
}

fn tell(call: &Call<'_>, function: impl Fn(f64) -> bool) -> Result {
    let x = call.operand(0)?;
    one(Tensor::truths(x.shape.clone(), call.reals(0)?.iter().map(|value| function(*value))))
}
