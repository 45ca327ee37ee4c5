//! Quantized operators of ONNX and of ONNX Runtime: real numbers are restored, the operator is exact, and the result is
//! quantized with the zero point outside the rounding.

use exactum_qonnx::ElemType;

use super::applied::Applied;
use super::exact::{index, position};
use super::int::Int;
use super::quantize::{Grid, numbers};
use super::round::Mode;
use super::{Exact, Result, Value, conv, elementwise, function, fused, linear, pool, reduce, shape};

/// Smallest and largest integer of a type.
pub(super) fn range(elem: ElemType) -> Option<(Int, Int)> {
    let (signed, bits) = match elem {
        ElemType::I4 => (true, 4),
        ElemType::I8 => (true, 8),
        ElemType::I16 => (true, 16),
        ElemType::I32 => (true, 32),
        ElemType::I64 => (true, 64),
        ElemType::U4 => (false, 4),
        ElemType::U8 => (false, 8),
        ElemType::U16 => (false, 16),
        ElemType::U32 => (false, 32),
        ElemType::U64 => (false, 64),
        _ => return None,
    };
    let half = 1i128 << (bits - 1);
    Some(if signed { ((-half).into(), (half - 1).into()) } else { (0i128.into(), (2 * half - 1).into()) })
}

fn zero() -> Exact {
    Exact::whole(vec![], vec![Int::ZERO])
}

/// A scale or zero point for each place along `axis` of a tensor of `rank` axes, or one for all.
fn along(applied: &Applied<'_>, parameter: &Exact, axis: i64, rank: usize) -> Result<Exact> {
    match parameter.shape[..] {
        _ if parameter.len() == 1 => Ok(parameter.clone().shaped(vec![])),
        [count] => {
            let mut shape = vec![1; rank - applied.axis(axis, rank)?];
            shape[0] = count;
            Ok(parameter.clone().shaped(shape))
        }
        _ => applied.fail(format!("a scale or zero point of shape {:?}", parameter.shape)),
    }
}

/// The real numbers of codes `x`, with scale and zero point in operands `scale` and `scale + 1`.
fn restored(applied: &Applied<'_>, x: usize, scale: usize, axis: i64) -> Result<Exact> {
    let codes = applied.real(x)?;
    let parameter = |parameter: &Exact| along(applied, parameter, axis, codes.shape.len());
    let zero_point = applied.optional_real(scale + 1)?.map(parameter).transpose()?.unwrap_or_else(zero);
    numbers(codes, &parameter(applied.real(scale)?)?, &zero_point)
}

/// The real numbers of codes whose scales and zero points are for blocks of `block` elements along an axis.
fn restored_blocks(applied: &Applied<'_>, block: usize) -> Result<Exact> {
    let codes = applied.real(0)?;
    let axis = applied.axis(applied.int("axis", 1)?, codes.shape.len())?;
    let spread = |parameter: &Exact| {
        parameter.pick(codes.shape.clone(), |at| {
            let mut place = position(&codes.shape, at);
            place[axis] /= block;
            index(&parameter.shape, &place)
        })
    };
    let zero_point = applied.optional_real(2)?.map(spread).unwrap_or_else(zero);
    codes.sub(&zero_point)?.mul(&spread(applied.real(1)?))
}

/// The codes of `x`, with scale and zero point in operands `scale` and `scale + 1`. Their type is that of the zero
/// point, `otherwise` without one.
fn quantized(
    applied: &Applied<'_>,
    x: &Exact,
    scale: usize,
    axis: i64,
    otherwise: ElemType,
) -> Result<Value> {
    let has_zero_point = applied.has(scale + 1);
    let elem = if has_zero_point { applied.elem(scale + 1)? } else { otherwise };
    let Some(range) = range(elem) else { return applied.fail(format!("codes of type {elem}")) };
    let parameter = |parameter: &Exact| along(applied, parameter, axis, x.shape.len());
    let zero_point = applied.optional_real(scale + 1)?.map(parameter).transpose()?.unwrap_or_else(zero);
    let scale = parameter(applied.real(scale)?)?;
    let grid = Grid { scale: &scale, zero_point: &zero_point, range, mode: Mode::HalfEven, outside: true };
    Ok(Value::Real(grid.codes(x)?, elem))
}

/// `x` less the zero point in operand `index`, if there is one.
fn centred(applied: &Applied<'_>, x: usize, index: usize, axis: i64) -> Result<Exact> {
    let codes = applied.real(x)?;
    match applied.optional_real(index)? {
        Some(zero_point) => codes.sub(&along(applied, zero_point, axis, codes.shape.len())?),
        None => Ok(codes.clone()),
    }
}

/// Operators of ONNX itself.
pub(super) fn operator(applied: &Applied<'_>) -> Result<Value> {
    match applied.node.op_type.as_str() {
        "QuantizeLinear" => {
            if applied.int("block_size", 0)? != 0 {
                return applied.fail("blocks of scales");
            }
            let code = applied.int("output_dtype", 0)? as i32;
            let given = ElemType::from_code(code).filter(|elem| *elem != ElemType::Undefined);
            let axis = applied.int("axis", 1)?;
            quantized(applied, applied.real(0)?, 1, axis, given.unwrap_or(ElemType::U8))
        }
        "DequantizeLinear" => {
            let block = applied.int("block_size", 0)?;
            if block != 0 {
                return Ok(Value::Real(restored_blocks(applied, block as usize)?, ElemType::F32));
            }
            Ok(Value::Real(restored(applied, 0, 1, applied.int("axis", 1)?)?, ElemType::F32))
        }
        "QLinearConv" => {
            let (x, weight) = (restored(applied, 0, 1, 1)?, restored(applied, 3, 4, 0)?);
            let last = applied.int("channels_last", 0)? != 0;
            let x = if last { shape::channels_first(&x)? } else { x };
            let bias = match applied.optional_real(8)? {
                // Its unit is that of the products.
                Some(bias) => {
                    let scale = applied.real(4)?.clone().times(&applied.scalar(1)?);
                    Some(bias.mul(&along(applied, &scale, 0, 1)?)?)
                }
                None => None,
            };
            let sums = conv::convolve(applied, &x, &weight, bias.as_ref())?;
            let sums = if last { shape::channels_last(&sums)? } else { sums };
            quantized(applied, &sums, 6, 1, applied.elem(0)?)
        }
        "QLinearMatMul" => {
            let rows = applied.real(0)?.shape.len() as i64 - 2;
            let product = linear::mat_mul(&restored(applied, 0, 1, rows)?, &restored(applied, 3, 4, -1)?)?;
            quantized(applied, &product, 6, -1, applied.elem(0)?)
        }
        "ConvInteger" => {
            let (x, weight) = (centred(applied, 0, 2, 1)?, centred(applied, 1, 3, 0)?);
            Ok(Value::Real(conv::convolve(applied, &x, &weight, None)?, ElemType::I32))
        }
        "MatMulInteger" => {
            let rows = applied.real(0)?.shape.len() as i64 - 2;
            let (a, b) = (centred(applied, 0, 2, rows)?, centred(applied, 1, 3, -1)?);
            Ok(Value::Real(linear::mat_mul(&a, &b)?, ElemType::I32))
        }
        other => applied.fail(format!("operator {other}")),
    }
}

/// Operators of ONNX Runtime.
pub(super) fn microsoft(applied: &Applied<'_>) -> Result<Value> {
    let op_type = applied.node.op_type.as_str();
    match op_type {
        "QuantizeLinear" | "DequantizeLinear" | "QLinearConv" => operator(applied),
        "FusedConv" | "FusedGemm" | "FusedMatMul" => {
            Ok(Value::Real(fused::operator(applied)?, ElemType::F32))
        }
        "NhwcMaxPool" => {
            let first = shape::channels_first(applied.real(0)?)?;
            let largest = shape::channels_last(&pool::max(applied, &first)?)?;
            Ok(Value::Real(largest, applied.elem(0)?))
        }
        "QLinearReduceMean" => {
            let means = reduce::over(applied, &restored(applied, 0, 1, 1)?, "ReduceMean")?;
            quantized(applied, &means, 3, 1, applied.elem(0)?)
        }
        "Gelu" => Ok(Value::Real(elementwise::gelu(applied.real(0)?)?, ElemType::F32)),
        "QuickGelu" => {
            let alpha = applied.number("alpha", 1.702)?;
            Ok(Value::Real(elementwise::swish(applied.real(0)?, &alpha)?, ElemType::F32))
        }
        "FastGelu" | "BiasGelu" => {
            let x = match applied.optional_real(1)? {
                Some(bias) => applied.real(0)?.add(bias)?,
                None => applied.real(0)?.clone(),
            };
            let fast = op_type == "FastGelu";
            let y = if fast { elementwise::gelu_by_tanh(&x)? } else { elementwise::gelu(&x)? };
            Ok(Value::Real(y, ElemType::F32))
        }
        "QLinearAdd" | "QLinearMul" => {
            let (a, b) = (restored(applied, 0, 1, 1)?, restored(applied, 3, 4, 1)?);
            let result = if op_type == "QLinearAdd" { a.add(&b)? } else { a.mul(&b)? };
            quantized(applied, &result, 6, 1, applied.elem(0)?)
        }
        "QLinearConcat" => {
            let parts: Vec<Exact> = (2..applied.operands.len())
                .step_by(3)
                .map(|index| restored(applied, index, index + 1, 1))
                .collect::<Result<_>>()?;
            let parts: Vec<&Exact> = parts.iter().collect();
            let joined = shape::concat(applied, &parts)?;
            quantized(applied, &joined, 0, 1, applied.elem(2)?)
        }
        "QLinearGlobalAveragePool" | "QLinearAveragePool" => {
            let x = restored(applied, 0, 1, 1)?;
            let last = applied.int("channels_last", 0)? != 0;
            let x = if last { shape::channels_first(&x)? } else { x };
            let means = if op_type == "QLinearAveragePool" {
                pool::average(applied, &x)?
            } else {
                pool::global_average(&x)?
            };
            let means = if last { shape::channels_last(&means)? } else { means };
            quantized(applied, &means, 3, 1, applied.elem(0)?)
        }
        "QLinearSigmoid" => {
            quantized(applied, &function::sigmoid(&restored(applied, 0, 1, 1)?)?, 3, 1, applied.elem(0)?)
        }
        "QLinearLeakyRelu" => {
            let result =
                elementwise::leaky_relu(&restored(applied, 0, 1, 1)?, &applied.number("alpha", 0.01)?)?;
            quantized(applied, &result, 3, 1, applied.elem(0)?)
        }
        "QGemm" => {
            // Scales of B are those of its columns, which are rows in the file where it is transposed.
            let columns = i64::from(applied.int("transB", 0)? == 0);
            let (a, b) = (restored(applied, 0, 1, 1)?, restored(applied, 3, 4, columns)?);
            let mut sums = linear::scaled_product(applied, &a, &b)?;
            if let Some(c) = applied.optional_real(6)? {
                // Its unit is that of the products.
                let unit = applied.scalar(1)? * applied.number("alpha", 1.0)?;
                let scale = along(applied, applied.real(4)?, 0, 1)?.times(&unit);
                sums = sums.add(&c.mul(&scale)?)?;
            }
            if applied.has(7) {
                quantized(applied, &sums, 7, 1, applied.elem(0)?)
            } else {
                Ok(Value::Real(sums, ElemType::F32))
            }
        }
        other => applied.fail(format!("operator {other} of {}", applied.node.domain)),
    }
}
