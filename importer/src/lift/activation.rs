//! Functions of single elements.

use exactum_runtime::num::Rounding;

use super::{Coding, Context, Lifter, Operand};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Activation, Affine, Op, ValueId};

/// `function` of `x`.
pub(super) fn apply(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    function: Activation,
) -> Result<ValueId, Diagnostic> {
    lifter.emit(context, Op::Activation(function), vec![x], None)
}

/// `Sigmoid`, `Tanh`, `Erf` and `Abs`.
pub(super) fn plain(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let function = match context.node.op_type.as_str() {
        "Tanh" => Activation::Tanh,
        "Erf" => Activation::Erf,
        "Abs" => Activation::Abs,
        _ => Activation::Sigmoid,
    };
    let id = apply(lifter, context, x, function)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Relu`, of codes too if 0 is their zero point.
pub(super) fn relu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operand = lifter.value(context, 0)?;
    if operand
        .coding
        .as_ref()
        .is_some_and(|coding| coding.zero_point.iter().any(|zero_point| *zero_point != 0))
    {
        let problem = context.form("input 0", "integer codes with a zero point", "zero point 0, or reals");
        return Err(problem.with_hint("put a DequantizeLinear before the node"));
    }
    let id = apply(lifter, context, operand.id, Activation::Relu)?;
    lifter.finish(context, 0, Operand { id, ..operand });
    Ok(())
}

/// `LeakyRelu`.
pub(super) fn leaky_relu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let alpha = context.node.float("alpha").unwrap_or(0.01);
    if !alpha.is_finite() {
        return Err(context.attribute("alpha", format!("{alpha:?}"), "a finite number"));
    }
    let id = apply(lifter, context, x, Activation::LeakyRelu { slope: vec![alpha.into()], axis: 1 })?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `PRelu` with constant slopes.
pub(super) fn p_relu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let rank = lifter.shape(x).len();
    let (sizes, values) = lifter.numbers(context, 1)?;
    let fits = sizes.len() <= rank && !values.is_empty() && values.iter().all(|slope| slope.is_finite());
    let axis = varying_axis(&sizes, rank, &values, |a, b| a == b);
    let slope = match axis {
        Ok(axis) if fits => along(&sizes, rank, &values, axis),
        _ => {
            let found = format!("slopes of shape {sizes:?}");
            return Err(context.form(
                "input 1",
                found,
                "one finite slope, or one for each index along one axis",
            ));
        }
    };
    let axis = axis.ok().flatten().unwrap_or(1);
    if slope.len() > 1 && lifter.shape(x)[axis] != slope.len() {
        let found = format!("slopes of shape {sizes:?} for {:?}", lifter.shape(x));
        return Err(context.shapes(found, "shapes that broadcast"));
    }
    let id = apply(lifter, context, x, Activation::LeakyRelu { slope, axis })?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Round`, `Floor` and `Ceil`.
pub(super) fn round(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let rounding = match context.node.op_type.as_str() {
        "Floor" => Rounding::Floor,
        "Ceil" => Rounding::Ceil,
        _ => Rounding::HalfEven,
    };
    let id = apply(lifter, context, x, Activation::Round { rounding })?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Elu`.
pub(super) fn elu(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let alpha = context.node.float("alpha").unwrap_or(1.0);
    if !alpha.is_finite() {
        return Err(context.attribute("alpha", format!("{alpha:?}"), "a finite number"));
    }
    let id = apply(lifter, context, x, Activation::Elu { alpha: alpha.into() })?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `HardSigmoid`: a line, limited.
pub(super) fn hard_sigmoid(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let number = |name: &str, default: f32| f64::from(context.node.float(name).unwrap_or(default));
    let (alpha, beta) = (number("alpha", 0.2), number("beta", 0.5));
    if !alpha.is_finite() || !beta.is_finite() {
        return Err(context.form("", "alpha or beta not finite", "numbers"));
    }
    let id = limited_line(lifter, context, x, alpha, 1.0, beta)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `x * multiply / divide + add` between 0 and 1.
pub(super) fn limited_line(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    multiply: f64,
    divide: f64,
    add: f64,
) -> Result<ValueId, Diagnostic> {
    let line = Affine { multiply: vec![multiply], divide: vec![divide], add: vec![add], axis: 1 };
    let id = lifter.emit(context, Op::Affine(line), vec![x], None)?;
    apply(lifter, context, id, Activation::Clip { lo: Some(0.0), hi: Some(1.0) })
}

/// `HardSwish`: x times a line, limited.
pub(super) fn hard_swish(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let gate = limited_line(lifter, context, x, 1.0, 6.0, 0.5)?;
    let id = lifter.emit(context, Op::Mul, vec![x, gate], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Neg`.
pub(super) fn neg(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let id = lifter.emit(context, negation(), vec![x], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `-x`.
pub(super) fn negation() -> Op {
    Op::Affine(Affine { multiply: vec![-1.0], divide: vec![1.0], add: vec![0.0], axis: 1 })
}

/// `Clip`, of codes too: right after their quantizer it limits the codes, elsewhere the reals that they stand for.
pub(super) fn clip(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let operand = lifter.value(context, 0)?;
    let bound = |index: usize, name: &str| -> Result<Option<f64>, Diagnostic> {
        let value = match context.optional(index) {
            Some(_) => Some(context.scalar(index)?),
            None => context.node.float(name).map(f64::from),
        };
        if value.is_some_and(f64::is_nan) {
            return Err(context.problem(Code::BadTensor, name, "NaN", "a number"));
        }
        Ok(value.filter(|value| value.is_finite() && value.abs() < f64::from(f32::MAX)))
    };
    let (lo, hi) = (bound(1, "min")?, bound(2, "max")?);
    if let (Some(lo), Some(hi)) = (lo, hi)
        && lo > hi
    {
        return Err(context.form("", format!("{lo} to {hi}"), "a range that is not empty"));
    }
    let result = match &operand.coding {
        None => limited(lifter, context, operand.id, lo, hi)?.into(),
        Some(coding) => clipped_codes(lifter, context, operand.id, coding, lo, hi)?,
    };
    lifter.finish(context, 0, result);
    Ok(())
}

/// `x` limited to a range.
pub(super) fn limited(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    lo: Option<f64>,
    hi: Option<f64>,
) -> Result<ValueId, Diagnostic> {
    match (lo, hi) {
        (None, None) => lifter.emit(context, Op::Identity, vec![x], None),
        (Some(0.0), None) => apply(lifter, context, x, Activation::Relu),
        (lo, hi) => apply(lifter, context, x, Activation::Clip { lo, hi }),
    }
}

fn clipped_codes(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    id: ValueId,
    coding: &Coding,
    lo: Option<f64>,
    hi: Option<f64>,
) -> Result<Operand, Diagnostic> {
    let range = coding.int.range();
    // Codes are integers, so only the integers inside the bounds are left.
    let first = lo.map_or(range.lo, |lo| (lo.ceil() as i64).max(range.lo));
    let last = hi.map_or(range.hi, |hi| (hi.floor() as i64).min(range.hi));
    if first > last {
        let found = format!("{lo:?} to {hi:?} for codes in {range}");
        return Err(context.form("", found, "a range that holds codes"));
    }
    let quantizer = lifter.graph.producer(id).map(|index| &lifter.graph.nodes[index]);
    if let Some(node) = quantizer
        && let Op::Quant(attributes) = node.op
    {
        let inputs = node.inputs.clone();
        let [first, last] = match attributes.clip {
            Some([lo, hi]) => [first.clamp(lo, hi), last.clamp(lo, hi)],
            None => [first, last],
        };
        let attributes = crate::graph::QuantAttributes { clip: Some([first, last]), ..attributes };
        let id = lifter.emit(context, Op::Quant(attributes), inputs, None)?;
        return Ok(Operand { id, coding: Some(coding.clone()) });
    }
    let Some((scale, zero_point)) = coding.single() else {
        let found = "integer codes with a scale for each channel";
        return Err(context.form("input 0", found, "one scale, or a QuantizeLinear right before the node"));
    };
    let real = |code: i64| (code - zero_point) as f64 * f64::from(scale);
    let id = limited(lifter, context, id, lo.map(|_| real(first)), hi.map(|_| real(last)))?;
    Ok(Operand { id, coding: Some(coding.clone()) })
}
