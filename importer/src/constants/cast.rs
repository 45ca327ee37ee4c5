//! Changes of the element type.

use exactum_qonnx::ElemType;

use super::{Call, Fault, Numbers, Problem, Result, Tensor, family, of_type, one};

family! {
    "Cast" 1..=1 ["to" "saturate"] |call| {
        let code = call.int("to", 0)?;
        let elem = i32::try_from(code).ok().and_then(ElemType::from_code).unwrap_or_default();
        one(cast(call, elem)?)
    };
    "CastLike" 2..=2 ["saturate"] |call| one(cast(call, call.operand(1)?.elem)?);
    "BitCast" 1..=1 ["to"] bit_cast;
}

/// Whether `elem` is a float type.
fn is_float(elem: ElemType) -> bool {
    matches!(
        elem,
        ElemType::F32
            | ElemType::F64
            | ElemType::F16
            | ElemType::Bf16
            | ElemType::F8E4M3Fn
            | ElemType::F8E4M3Fnuz
            | ElemType::F8E5M2
            | ElemType::F8E5M2Fnuz
            | ElemType::F4E2M1
    )
}

/// Whether numbers beyond the largest of `elem` become the largest one.
fn is_saturated(elem: ElemType, asked: bool) -> bool {
    elem == ElemType::F4E2M1 || asked && elem.size_bits() == 8
}

fn cast(call: &Call<'_>, elem: ElemType) -> Result<Tensor> {
    let x = call.operand(0)?;
    let shape = x.shape.clone();
    if elem == ElemType::F4E2M1
        && x.as_reals().is_some_and(|values| values.iter().any(|value| value.is_nan()))
    {
        return Err(Problem::new(Fault::Elements, format!("NaN, which no {elem} holds"), "numbers"));
    }
    if is_float(elem) {
        let saturates = call.int("saturate", 1)? != 0;
        let number = |value: f64| {
            if is_saturated(elem, saturates) { elem.saturated(value) } else { elem.nearest(value) }
        };
        let values = x.numbers.reals().into_iter().map(number).collect();
        return Ok(Tensor { elem, shape, numbers: Numbers::Real(values) });
    }
    if elem == ElemType::Bool {
        return Ok(Tensor::truths(shape, x.numbers.reals().into_iter().map(|value| value != 0.0)));
    }
    if elem.integer().is_none() {
        return Err(Problem::new(Fault::Form, format!("{elem} as the new type"), "a type of numbers"));
    }
    match &x.numbers {
        Numbers::Int(values) => Tensor::wrapped(elem, shape, values.iter().map(|value| (*value).into())),
        Numbers::Real(values) => {
            let (low, high) = elem.limits();
            let whole = |value: &f64| {
                let inside = value.trunc() >= low as f64 && value.trunc() <= high as f64;
                inside.then(|| value.trunc() as i128).filter(|value| *value <= high)
            };
            let values: Option<Vec<i128>> = values.iter().map(whole).collect();
            match values {
                Some(values) => Tensor::wrapped(elem, shape, values),
                None => {
                    let found = format!("constants that no {elem} holds");
                    Err(Problem::new(Fault::Elements, found, "numbers within the type"))
                }
            }
        }
    }
}

/// The same bits in another type of the same width.
fn bit_cast(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let code = call.int("to", 0)?;
    let elem = i32::try_from(code).ok().and_then(ElemType::from_code).unwrap_or_default();
    if elem.size_bits() != x.elem.size_bits() {
        return Err(call.no_form(format!("{} as {elem}", x.elem), "types of the same width"));
    }
    let bits: Vec<i64> = match (&x.numbers, x.elem) {
        (Numbers::Int(values), _) => values.clone(),
        (Numbers::Real(values), ElemType::F32) => {
            values.iter().map(|value| i64::from((*value as f32).to_bits())).collect()
        }
        (Numbers::Real(values), ElemType::F64) => {
            values.iter().map(|value| i64::from_le_bytes(value.to_le_bytes())).collect()
        }
        _ => return Err(of_type(x, "integers, float32 or float64")),
    };
    let shape = x.shape.clone();
    match elem {
        ElemType::F32 => {
            let values = bits.iter().map(|bits| f64::from(f32::from_bits(*bits as u32))).collect();
            one(Tensor { elem, shape, numbers: Numbers::Real(values) })
        }
        ElemType::F64 => {
            let values = bits.iter().map(|bits| f64::from_le_bytes(bits.to_le_bytes())).collect();
            one(Tensor { elem, shape, numbers: Numbers::Real(values) })
        }
        elem if elem.integer().is_some() => {
            one(Tensor::wrapped(elem, shape, bits.iter().map(|bits| (*bits).into()))?)
        }
        elem => Err(call.no_form(format!("{elem} as the new type"), "integers, float32 or float64")),
    }
}
