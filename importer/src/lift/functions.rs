//! Functions of single elements beside the plain activations: elementary functions, and those that are made of them.

use super::activation::{apply, negation};
use super::{Context, Lifter};
use crate::diagnostic::Diagnostic;
use crate::exact::Elementary;
use crate::graph::{Activation, Affine, Op, ValueId};

/// `x * multiply + add`.
pub(super) fn line(multiply: f64, add: f64) -> Op {
    Op::Affine(Affine { multiply: vec![multiply], divide: vec![1.0], add: vec![add], axis: 1 })
}

/// The attribute `name`, which has to be finite.
fn number(context: &Context<'_>, name: &str, default: f32) -> Result<f64, Diagnostic> {
    let value = context.node.float(name).unwrap_or(default);
    if value.is_finite() {
        Ok(value.into())
    } else {
        Err(context.attribute(name, format!("{value:?}"), "a finite number"))
    }
}

/// Functions without attributes.
pub(super) fn plain(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let elementary = |of: Elementary| Activation::Elementary { of };
    let function = match context.node.op_type.as_str() {
        "Sign" => Activation::Sign,
        "Softsign" => Activation::Softsign,
        "Reciprocal" => Activation::Reciprocal,
        "Exp" => elementary(Elementary::Exp),
        "Log" => elementary(Elementary::Log),
        "Softplus" => elementary(Elementary::Softplus),
        "Sqrt" => elementary(Elementary::Sqrt),
        "Sin" => elementary(Elementary::Sin),
        "Cos" => elementary(Elementary::Cos),
        "Tan" => elementary(Elementary::Tan),
        "Asin" => elementary(Elementary::Asin),
        "Acos" => elementary(Elementary::Acos),
        "Atan" => elementary(Elementary::Atan),
        "Sinh" => elementary(Elementary::Sinh),
        "Cosh" => elementary(Elementary::Cosh),
        "Asinh" => elementary(Elementary::Asinh),
        "Acosh" => elementary(Elementary::Acosh),
        "Atanh" => elementary(Elementary::Atanh),
        other => return Err(context.form("", other.to_owned(), "a function of single elements")),
    };
    let id = apply(lifter, context, x, function)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Selu`: `gamma elu(x)`.
pub(super) fn selu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let (alpha, gamma) = (number(context, "alpha", 1.673_263_2)?, number(context, "gamma", 1.050_701)?);
    let elu = apply(lifter, context, x, Activation::Elu { alpha })?;
    let id = lifter.emit(context, line(gamma, 0.0), vec![elu], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Celu`: `alpha elu(x / alpha)`.
pub(super) fn celu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let alpha = number(context, "alpha", 1.0)?;
    if alpha <= 0.0 {
        return Err(context.attribute("alpha", format!("{alpha:?}"), "a positive number"));
    }
    let divided = Affine { multiply: vec![1.0], divide: vec![alpha], add: vec![0.0], axis: 1 };
    let divided = lifter.emit(context, Op::Affine(divided), vec![x], None)?;
    let elu = apply(lifter, context, divided, Activation::Elu { alpha: 1.0 })?;
    let id = lifter.emit(context, line(alpha, 0.0), vec![elu], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// 1 where `x` is positive, else 0.
pub(super) fn positive(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let sign = apply(lifter, context, x, Activation::Sign)?;
    apply(lifter, context, sign, Activation::Clip { lo: Some(0.0), hi: None })
}

/// `ThresholdedRelu`.
pub(super) fn thresholded_relu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let alpha = number(context, "alpha", 1.0)?;
    let more = lifter.emit(context, line(1.0, -alpha), vec![x], None)?;
    let above = positive(lifter, context, more)?;
    let id = lifter.emit(context, Op::Mul, vec![x, above], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Shrink`.
pub(super) fn shrink(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let (bias, limit) = (number(context, "bias", 0.0)?, number(context, "lambd", 0.5)?);
    let zero = lifter.emit(context, line(0.0, 0.0), vec![x], None)?;
    let side = |lifter: &mut Lifter<'_>, sign: f64, other: ValueId| {
        let beyond = lifter.emit(context, line(sign, -limit), vec![x], None)?;
        let beyond = positive(lifter, context, beyond)?;
        let moved = lifter.emit(context, line(1.0, -sign * bias), vec![x], None)?;
        lifter.emit(context, Op::Where, vec![beyond, moved, other], None)
    };
    let above = side(lifter, 1.0, zero)?;
    // The lower side comes first where both conditions hold.
    let id = side(lifter, -1.0, above)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Swish` and `QuickGelu`: `x sigmoid(alpha x)`.
pub(super) fn swish(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let default = if context.node.op_type == "Swish" { 1.0 } else { 1.702 };
    let alpha = number(context, "alpha", default)?;
    let scaled = lifter.emit(context, line(alpha, 0.0), vec![x], None)?;
    let gate = apply(lifter, context, scaled, Activation::Sigmoid)?;
    let id = lifter.emit(context, Op::Mul, vec![x, gate], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Mish`: `x tanh(softplus(x))`.
pub(super) fn mish(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let softplus = apply(lifter, context, x, Activation::Elementary { of: Elementary::Softplus })?;
    let gate = apply(lifter, context, softplus, Activation::Tanh)?;
    let id = lifter.emit(context, Op::Mul, vec![x, gate], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Gelu` of ONNX and of ONNX Runtime.
pub(super) fn gelu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let id = match context.node.string("approximate").unwrap_or("none") {
        "none" => by_erf(lifter, context, x)?,
        "tanh" => by_tanh(lifter, context, x)?,
        other => return Err(context.attribute("approximate", other, "none or tanh")),
    };
    lifter.finish(context, 0, id);
    Ok(())
}

/// `FastGelu` and `BiasGelu`.
pub(super) fn biased_gelu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut x = lifter.real(context, 0)?;
    if context.optional(1).is_some() {
        let bias = lifter.real(context, 1)?;
        x = lifter.emit(context, Op::Add, vec![x, bias], None)?;
    }
    let fast = context.node.op_type == "FastGelu";
    let id = if fast { by_tanh(lifter, context, x)? } else { by_erf(lifter, context, x)? };
    lifter.finish(context, 0, id);
    Ok(())
}

/// `x * (erf(x / sqrt(2)) / 2 + 1 / 2)`.
fn by_erf(lifter: &mut Lifter<'_>, context: &Context<'_>, x: ValueId) -> Result<ValueId, Diagnostic> {
    let scaled = lifter.emit(context, line(std::f64::consts::FRAC_1_SQRT_2, 0.0), vec![x], None)?;
    let erf = apply(lifter, context, scaled, Activation::Erf)?;
    let gate = lifter.emit(context, line(0.5, 0.5), vec![erf], None)?;
    lifter.emit(context, Op::Mul, vec![x, gate], None)
}

/// `x * (tanh(c (x + 0.044715 x^3)) / 2 + 1 / 2)` with the doubles nearest to `c = sqrt(2 / pi)` and to 0.044715.
fn by_tanh(lifter: &mut Lifter<'_>, context: &Context<'_>, x: ValueId) -> Result<ValueId, Diagnostic> {
    const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
    let cube = apply(lifter, context, x, Activation::Power { exponent: 3 })?;
    let part = lifter.emit(context, line(0.044_715, 0.0), vec![cube], None)?;
    let sum = lifter.emit(context, Op::Add, vec![x, part], None)?;
    let scaled = lifter.emit(context, line(SQRT_2_OVER_PI, 0.0), vec![sum], None)?;
    let tanh = apply(lifter, context, scaled, Activation::Tanh)?;
    let gate = lifter.emit(context, line(0.5, 0.5), vec![tanh], None)?;
    lifter.emit(context, Op::Mul, vec![x, gate], None)
}

/// `Greater`, `Less`, `GreaterOrEqual`, `LessOrEqual` and `Equal`: 1 where it holds, else 0.
pub(super) fn compare(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let mut operands = vec![];
    for index in 0..2 {
        let operand = lifter.value(context, index)?;
        operands.push(match &operand.coding {
            None => operand.id,
            Some(coding) => lifter.as_numbers(context, index, coding, operand.id)?,
        });
    }
    let mut difference = lifter.emit(context, Op::Sub, operands, None)?;
    let op = context.node.op_type.as_str();
    if matches!(op, "Less" | "GreaterOrEqual") {
        difference = lifter.emit(context, negation(), vec![difference], None)?;
    }
    let id = match op {
        "Greater" | "Less" => positive(lifter, context, difference)?,
        "Equal" => {
            let sign = apply(lifter, context, difference, Activation::Sign)?;
            let other = apply(lifter, context, sign, Activation::Abs)?;
            lifter.emit(context, line(-1.0, 1.0), vec![other], None)?
        }
        _ => {
            let other = positive(lifter, context, difference)?;
            lifter.emit(context, line(-1.0, 1.0), vec![other], None)?
        }
    };
    lifter.finish(context, 0, id);
    Ok(())
}

/// `And`, `Or`, `Xor` and `Not` of truth values, which are 0 and 1.
pub(super) fn logic(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let a = lifter.real(context, 0)?;
    let not = |lifter: &mut Lifter<'_>, x| lifter.emit(context, line(-1.0, 1.0), vec![x], None);
    let id = match context.node.op_type.as_str() {
        "Not" => not(lifter, a)?,
        "And" => {
            let b = lifter.real(context, 1)?;
            lifter.emit(context, Op::Mul, vec![a, b], None)?
        }
        "Xor" => {
            let b = lifter.real(context, 1)?;
            let difference = lifter.emit(context, Op::Sub, vec![a, b], None)?;
            apply(lifter, context, difference, Activation::Abs)?
        }
        _ => {
            // Or: not both false. A sum less a product has no constant operand to negate.
            let b = lifter.real(context, 1)?;
            let sum = lifter.emit(context, Op::Add, vec![a, b], None)?;
            positive(lifter, context, sum)?
        }
    };
    lifter.finish(context, 0, id);
    Ok(())
}
