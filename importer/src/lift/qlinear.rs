//! `QuantizeLinear` and `DequantizeLinear`, and the operators from codes to codes that standard ONNX and ONNX Runtime have.
//!
//! Each operator from codes to codes is the operator on the reals that the codes stand for, and a quantizer.

use exactum_qonnx::ElemType;

use super::codes::{self, At};
use super::conv::{channels_first, channels_last, convolve};
use super::matmul::product;
use super::{Context, Lifter, choose, pool, reduce};
use crate::diagnostic::Diagnostic;
use crate::graph::{Activation, Affine, Op, ValueId};

/// `QuantizeLinear`.
pub(super) fn quantize(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let named = context.node.int("output_dtype").and_then(|code| i32::try_from(code).ok());
    let elem = named.filter(|code| *code != 0).and_then(ElemType::from_code);
    let coding = codes::read(context, At { scale: 1, zero_point: 2 }, &lifter.shape(x), elem)?;
    let codes = lifter.encode(context, x, coding, None)?;
    lifter.finish(context, 0, codes);
    Ok(())
}

/// `DequantizeLinear`.
pub(super) fn dequantize(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let at = At { scale: 1, zero_point: 2 };
    let shape = match context.value(0) {
        Some(operand) => lifter.shape(operand.id),
        None => context.tensor(0)?.shape.clone(),
    };
    let axis = context.node.int("axis").unwrap_or(1);
    if let Some(id) = lifter.uneven_constant(context, 0, at, axis)? {
        lifter.finish(context, 0, id);
        return Ok(());
    }
    // Only the zero point's type is checked: codes of any type can be read.
    let elem = context.optional(2).is_none().then_some(ElemType::I32);
    let coding = codes::read(context, at, &shape, elem)?;
    let id = lifter.decode(context, 0, &coding)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `DynamicQuantizeLinear`, which has no place in a compiled program.
pub(super) fn dynamic(_: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let problem = context.problem(
        crate::diagnostic::Code::NotConstant,
        "",
        "a scale that depends on the input",
        "constant scales",
    );
    Err(problem.with_hint(
        "quantize statically, with calibration data: quantize_static in ONNX Runtime, or an activation quantizer with a \
         constant or learned scale in Brevitas",
    ))
}

/// The reals of the codes at `operand`, whose parameters follow it.
fn input(lifter: &mut Lifter<'_>, context: &Context<'_>, operand: usize) -> Result<ValueId, Diagnostic> {
    let at = At { scale: operand + 1, zero_point: operand + 2 };
    if let Some(id) = lifter.uneven_constant(context, operand, at, 1)? {
        return Ok(id);
    }
    let shape = match context.value(operand) {
        Some(value) => lifter.shape(value.id),
        None => context.tensor(operand)?.shape.clone(),
    };
    let coding = codes::read_along(context, at, &shape, None, 1)?;
    lifter.decode(context, operand, &coding)
}

/// The constant at `operand`, whose parameters follow it, with channels along `axis`.
fn weight(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    operand: usize,
    axis: i64,
) -> Result<ValueId, Diagnostic> {
    let tensor = context.tensor(operand)?;
    let at = At { scale: operand + 1, zero_point: operand + 2 };
    if let Some(id) = lifter.uneven_constant(context, operand, at, axis)? {
        return Ok(id);
    }
    let coding = codes::read_along(context, at, &tensor.shape, Some(tensor.elem), axis)?;
    lifter.decode(context, operand, &coding)
}

/// Makes codes of `y` with the parameters at `at` the result.
fn output(lifter: &mut Lifter<'_>, context: &Context<'_>, y: ValueId, at: At) -> Result<(), Diagnostic> {
    let coding = codes::read_along(context, at, &lifter.shape(y), None, 1)?;
    let codes = lifter.encode(context, y, coding, None)?;
    lifter.finish(context, 0, codes);
    Ok(())
}

/// `QLinearConv`; that of ONNX Runtime can have the channels of its input and output last.
pub(super) fn conv(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = input(lifter, context, 0)?;
    let last = context.flag("channels_last");
    if last {
        x = channels_first(lifter, context, x)?;
    }
    let weight = weight(lifter, context, 3, 0)?;
    let bias = lifter.bias_in_units(context, 8)?;
    let mut y = convolve(lifter, context, x, weight, bias)?;
    if last {
        y = channels_last(lifter, context, y)?;
    }
    output(lifter, context, y, At { scale: 6, zero_point: 7 })
}

/// `QLinearMatMul`.
pub(super) fn mat_mul(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = input(lifter, context, 0)?;
    let matrix = weight(lifter, context, 3, -1)?;
    let y = product(lifter, context, x, matrix, None)?;
    output(lifter, context, y, At { scale: 6, zero_point: 7 })
}

/// `QGemm`. Its summand counts in units of the product, the factor included.
pub(super) fn gemm(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = input(lifter, context, 0)?;
    let trans_b = context.flag("transB");
    let mut matrix = weight(lifter, context, 3, if trans_b { 0 } else { 1 })?;
    if lifter.shape(x).len() != 2 || lifter.shape(matrix).len() != 2 {
        let found = format!("{:?} times {:?}", lifter.shape(x), lifter.shape(matrix));
        return Err(context.shapes(found, "two matrices"));
    }
    if context.flag("transA") {
        x = lifter.transpose(context, x, vec![1, 0])?;
    }
    if trans_b {
        matrix = lifter.transpose(context, matrix, vec![1, 0])?;
    }
    let bias = lifter.bias_in_units(context, 6)?;
    let mut y = product(lifter, context, x, matrix, bias)?;
    let alpha = context.node.float("alpha").unwrap_or(1.0);
    if !alpha.is_finite() {
        return Err(context.attribute("alpha", format!("{alpha:?}"), "a finite number"));
    }
    if alpha != 1.0 {
        let affine = Affine { multiply: vec![alpha.into()], divide: vec![1.0], add: vec![0.0], axis: 1 };
        y = lifter.emit(context, Op::Affine(affine), vec![y], None)?;
    }
    if context.optional(7).is_some() {
        return output(lifter, context, y, At { scale: 7, zero_point: 8 });
    }
    lifter.finish(context, 0, y);
    Ok(())
}

/// `QLinearAdd` and `QLinearMul`.
pub(super) fn binary(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operands = vec![input(lifter, context, 0)?, input(lifter, context, 3)?];
    let op = if context.node.op_type == "QLinearMul" { Op::Mul } else { Op::Add };
    let y = lifter.emit(context, op, operands, None)?;
    output(lifter, context, y, At { scale: 6, zero_point: 7 })
}

/// `QLinearConcat`.
pub(super) fn concat(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let count = context.operands.len().saturating_sub(2);
    if count == 0 || !count.is_multiple_of(3) {
        let found = format!("{count} operands to join");
        return Err(context.problem(
            crate::diagnostic::Code::BadSchema,
            "",
            found,
            "codes, scale and zero point of each",
        ));
    }
    let mut operands = vec![];
    for index in 0..count / 3 {
        operands.push(input(lifter, context, 2 + 3 * index)?);
    }
    let rank = lifter.shape(operands[0]).len();
    let axis = context.axis(context.node.int("axis").unwrap_or(1), rank)?;
    if axis == 0 {
        return Err(context.attribute("axis", "0, the batch", "an axis after the batch"));
    }
    let y = lifter.emit(context, Op::Concat { axis }, operands, None)?;
    output(lifter, context, y, At { scale: 0, zero_point: 1 })
}

/// The operators of one operand.
pub(super) fn unary(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = input(lifter, context, 0)?;
    let last = context.flag("channels_last");
    if last {
        x = channels_first(lifter, context, x)?;
    }
    let activation = |function| Op::Activation(function);
    let mut y = match context.node.op_type.as_str() {
        "QLinearAveragePool" => pool::average(lifter, context, x)?,
        "QLinearGlobalAveragePool" => pool::global(lifter, context, x, pool::Kind::Average)?,
        "QLinearReduceMean" => reduce::mean_of(lifter, context, x)?,
        "QLinearSoftmax" => choose::softmax_of(lifter, context, x)?,
        "QLinearLeakyRelu" => {
            let slope = vec![context.node.float("alpha").unwrap_or(0.01).into()];
            lifter.emit(context, activation(Activation::LeakyRelu { slope, axis: 1 }), vec![x], None)?
        }
        _ => lifter.emit(context, activation(Activation::Sigmoid), vec![x], None)?,
    };
    if last {
        y = channels_last(lifter, context, y)?;
    }
    output(lifter, context, y, At { scale: 3, zero_point: 4 })
}
