//! Quantizers of constants, and layers from codes to codes. What is divided is a float, so a double keeps each quotient on
//! its side of a tie; sums are integers and their factors rational.

use exactum_qonnx::ElemType;
use exactum_runtime::num::Rounding;
use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::linear::{centred, convolved, match_mul};
use super::{Call, Fault, Numbers, Problem, Result, Tensor, elems, family, of_type};
use crate::exact::{self, Rational};
use exactum_host::elements::{position, strided, strides};

family! {
    "QuantizeLinear" 2..=3 ["axis" "block_size" "output_dtype" "precision" "saturate"] quantize;
    "DequantizeLinear" 2..=3 ["axis" "block_size" "output_dtype"] dequantize;
    "DynamicQuantizeLinear" 1..=1 [] dynamic;
    "QLinearMatMul" 8..=8 [] mat_mul;
    "QLinearConv" 8..=9 ["auto_pad" "dilations" "group" "kernel_shape" "pads" "strides"] conv;
}

/// The element type that attribute `output_dtype` names, if any.
fn named(call: &Call<'_>) -> Result<Option<ElemType>> {
    let code = call.int("output_dtype", 0)?;
    let elem = i32::try_from(code).ok().filter(|code| *code != 0).and_then(ElemType::from_code);
    if code != 0 && elem.is_none() {
        return Err(call.no_form(format!("output_dtype {code}"), "a type of numbers"));
    }
    Ok(elem)
}

/// Which element of the scales, or zero points, each element of `x` has.
fn places(call: &Call<'_>, x: &[usize], of: &[usize]) -> Result<Vec<usize>> {
    let count = elems(x);
    if elems(of) == 1 {
        return Ok(vec![0; count]);
    }
    let axis = call.axis(call.int("axis", 1)?, x.len())?;
    let problem = || {
        call.shapes(
            format!("scales of shape {of:?} for {x:?}"),
            "one for all, an index of the axis or a block",
        )
    };
    let block = usize::try_from(call.int("block_size", 0)?).unwrap_or(0);
    if of.len() == 1 && block == 0 {
        if of[0] != x[axis] {
            return Err(problem());
        }
        return Ok(strided((0..x.len()).map(|i| (x[i], usize::from(i == axis)))));
    }
    let fits = |i: usize| if i == axis { of[i] == x[i].div_ceil(block) } else { of[i] == x[i] };
    if block == 0 || of.len() != x.len() || !(0..x.len()).all(fits) {
        return Err(problem());
    }
    let strides = strides(of);
    let index = |i: usize, at: usize| if i == axis { at / block } else { at };
    Ok((0..count)
        .map(|at| position(x, at).into_iter().enumerate().map(|(i, at)| index(i, at) * strides[i]).sum())
        .collect())
}

fn factors<'c>(call: &'c Call<'_>, index: usize) -> Result<&'c [f64]> {
    let scales = call.reals(index)?;
    match scales.iter().find(|scale| !scale.is_finite() || **scale == 0.0) {
        Some(scale) => {
            Err(Problem::new(Fault::Elements, format!("{scale:?} as a scale"), "finite numbers but 0"))
        }
        None => Ok(scales),
    }
}

/// The zero points of operand `index` at `places` of the scales.
fn zeros(call: &Call<'_>, index: usize, scales: usize, places: &[usize]) -> Result<Vec<f64>> {
    let Some(tensor) = call.optional(index) else { return Ok(vec![0.0; places.len()]) };
    let all = tensor.numbers.reals();
    match all.len() {
        1 => Ok(vec![all[0]; places.len()]),
        count if count == scales => Ok(places.iter().map(|place| all[*place]).collect()),
        count => Err(call.shapes(format!("{count} zero points"), format!("1 or {scales}"))),
    }
}

fn quantize(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let elem = match call.optional(2) {
        Some(zero_point) => zero_point.elem,
        None => named(call)?.unwrap_or(ElemType::U8),
    };
    if !matches!(call.int("precision", 0)?, 0 | 1) {
        return Err(call.no_form("another precision", "that of float32"));
    }
    let scales = factors(call, 1)?;
    let places = places(call, &x.shape, &call.operand(1)?.shape)?;
    let zeros = zeros(call, 2, scales.len(), &places)?;
    let quotients: Vec<f64> = x.numbers.reals().iter().zip(&places).map(|(x, at)| x / scales[*at]).collect();
    let codes = quotients.iter().zip(&zeros);
    if elem.integer().is_some() {
        let (low, high) = elem.limits();
        let code = |(x, zero): (&f64, &f64)| (x.round_ties_even() + zero).clamp(low as f64, high as f64);
        if quotients.iter().any(|x| x.is_nan()) {
            return Err(Problem::new(Fault::Elements, "NaN, which has no code", "numbers"));
        }
        return Ok(vec![Tensor::wrapped(elem, x.shape.clone(), codes.map(|pair| code(pair) as i128))?]);
    }
    if elem.size_bits() > 8 || zeros.iter().any(|zero| *zero != 0.0) {
        return Err(call.no_form(format!("codes of type {elem}"), "integers, or small floats around 0"));
    }
    let saturates = elem == ElemType::F4E2M1 || call.int("saturate", 1)? != 0;
    let number = |x: &f64| if saturates { elem.saturated(*x) } else { elem.nearest(*x) };
    let numbers = Numbers::Real(quotients.iter().map(number).collect());
    Ok(vec![Tensor { elem, shape: x.shape.clone(), numbers }])
}

fn dequantize(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let scale = call.operand(1)?;
    let elem = named(call)?.unwrap_or(scale.elem);
    let scales = factors(call, 1)?;
    let places = places(call, &x.shape, &scale.shape)?;
    let zeros = zeros(call, 2, scales.len(), &places)?;
    let reals = x.numbers.reals();
    let values = reals.iter().zip(&zeros).zip(&places).map(|((x, zero), at)| (x - zero) * scales[*at]);
    Ok(vec![Tensor::real(elem, x.shape.clone(), values)])
}

/// In single precision, as the definition has it.
fn dynamic(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values: Vec<f32> = call.reals(0)?.iter().map(|value| *value as f32).collect();
    let least = values.iter().fold(0f32, |least, value| least.min(*value));
    let most = values.iter().fold(0f32, |most, value| most.max(*value));
    let scale = (most - least) / 255.0;
    if !(scale > 0.0 && scale.is_finite()) {
        return Err(Problem::new(Fault::Elements, "numbers without a scale", "finite numbers, not all 0"));
    }
    let zero = (-least / scale).round_ties_even().clamp(0.0, 255.0);
    let code = |value: &f32| ((value / scale).round_ties_even() + zero).clamp(0.0, 255.0) as i128;
    Ok(vec![
        Tensor::wrapped(ElemType::U8, x.shape.clone(), values.iter().map(code))?,
        Tensor::real(ElemType::F32, vec![], [scale.into()]),
        Tensor::wrapped(ElemType::U8, vec![], [zero as i128])?,
    ])
}

/// The codes of `sums`, whose unit is the product of the scales at operands `a` and `b`; that of `b` may be one for each
/// index of `axis`.
fn codes(call: &Call<'_>, sums: &Tensor, (a, b): (usize, usize), axis: usize) -> Result {
    let (y_scale, y_zero) = (6, 7);
    let rational = |index: usize| -> Result<Vec<Rational>> {
        let scales = factors(call, index)?;
        scales
            .iter()
            .map(|scale| exact::from_f64(*scale).ok_or_else(|| call.no_form("a scale", "numbers")))
            .collect()
    };
    let (left, right, target) = (rational(a)?, rational(b)?, rational(y_scale)?);
    let channels = sums.shape.get(axis).copied().unwrap_or(1);
    if left.len() != 1 || target.len() != 1 || ![1, channels].contains(&right.len()) {
        return Err(call.no_form("a scale for each row", "one scale, or one for each output"));
    }
    let zero = call.operand(y_zero)?;
    let (low, high) = zero.elem.limits();
    let shift = BigInt::from(call.integer(y_zero)?);
    let units: Vec<Rational> = right.iter().map(|right| &left[0] * right / &target[0]).collect();
    let inner = elems(sums.shape.get(axis + 1..).unwrap_or_default()).max(1);
    let code = |(at, sum): (usize, &i64)| {
        let unit = &units[at / inner % channels % units.len()];
        let rounded = exact::round(&(unit * exact::from_integer(*sum)), Rounding::HalfEven);
        (rounded + &shift).clamp(low.into(), high.into()).to_i128().unwrap_or_default()
    };
    let values = sums.as_ints().ok_or_else(|| of_type(sums, "integers"))?;
    let shape = sums.shape.clone();
    Ok(vec![Tensor::wrapped(zero.elem, shape, values.iter().enumerate().map(code))?])
}

fn mat_mul(call: &Call<'_>) -> Result {
    let (a, b) = (&call.operand(0)?.shape, &call.operand(3)?.shape);
    let a = centred(call, 0, 2, a.len().saturating_sub(2))?;
    let b = centred(call, 3, 5, b.len().saturating_sub(1))?;
    let sums = match_mul(call, &a, &b, ElemType::I64)?;
    codes(call, &sums, (1, 4), sums.shape.len().saturating_sub(1))
}

fn conv(call: &Call<'_>) -> Result {
    let (x, w) = (centred(call, 0, 2, 0)?, centred(call, 3, 5, 0)?);
    let mut sums = convolved(call, &x, &w, ElemType::I64)?;
    if call.optional(8).is_some() {
        let (bias, channels) = (call.whole(8)?, sums.shape[1]);
        if bias.len() != channels {
            return Err(call.shapes(format!("{} biases", bias.len()), channels.to_string()));
        }
        let inner = elems(&sums.shape[2..]);
        let values = sums.as_ints().unwrap_or_default().iter().enumerate();
        let biased = values.map(|(at, sum)| i128::from(*sum) + i128::from(bias[at / inner % channels]));
        sums = Tensor::wrapped(ElemType::I64, sums.shape.clone(), biased.collect::<Vec<_>>())?;
    }
    codes(call, &sums, (1, 4), 1)
}
