//! The quantizers of QONNX: `Quant`, `BipolarQuant`, `Trunc` and `MultiThreshold`.

use exactum_runtime::num::Rounding;

use super::{Context, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{MultiThreshold, Op, QuantAttributes, ValueId};

/// The rounding mode; `default` is that of the operator.
fn rounding(context: &Context<'_>, default: &str) -> Result<Rounding, Diagnostic> {
    let name = context.node.string("rounding_mode").unwrap_or(default);
    Rounding::from_qonnx_name(name).ok_or_else(|| {
        let modes: Vec<&str> = Rounding::ALL.iter().map(|mode| mode.qonnx_name()).collect();
        let problem = context.attribute("rounding_mode", format!("{name:?}"), modes.join(", "));
        problem.with_hint(
            "set float_to_int_impl_type of the Brevitas quantizer to ROUND, CEIL, FLOOR or ROUND_TO_ZERO",
        )
    })
}

/// Scale, zero point or bit width at operand `index`, as floats; some files keep them as integers or doubles.
fn parameter(lifter: &mut Lifter<'_>, context: &Context<'_>, index: usize) -> Result<ValueId, Diagnostic> {
    let tensor = context.tensor(index)?;
    let part = || format!("input {index}");
    if tensor.len() == 0 {
        return Err(context.problem(Code::ShapeMismatch, part(), "no elements", "one element at least"));
    }
    if tensor.as_ints().is_none() {
        return lifter.real(context, index);
    }
    let values: Vec<f32> = tensor.numbers.reals().iter().map(|value| *value as f32).collect();
    let name = context.node.input(index).unwrap_or_default();
    Ok(lifter.floats(name, &tensor.shape, values))
}

/// As [`parameter`], for a scale.
fn scale(lifter: &mut Lifter<'_>, context: &Context<'_>, index: usize) -> Result<ValueId, Diagnostic> {
    let values = context.tensor(index)?.numbers.reals();
    if let Some(bad) = values.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
        return Err(context.problem(Code::BadScale, "scale", format!("{bad:?}"), "a positive finite number"));
    }
    parameter(lifter, context, index)
}

/// As [`parameter`], for a bit width, and the width.
fn bits(lifter: &mut Lifter<'_>, context: &Context<'_>, index: usize) -> Result<(ValueId, f64), Diagnostic> {
    let values = context.tensor(index)?.numbers.reals();
    let width = values.first().copied().unwrap_or(0.0);
    if width.fract() != 0.0 || !(1.0..=32.0).contains(&width) || values.iter().any(|other| *other != width) {
        let found = format!("{values:?}");
        return Err(context.problem(Code::BadBitWidth, "bit width", found, "one integer from 1 to 32"));
    }
    Ok((parameter(lifter, context, index)?, width))
}

fn attributes(context: &Context<'_>, default: &str) -> Result<QuantAttributes, Diagnostic> {
    Ok(QuantAttributes {
        signed: context.node.int("signed").is_none_or(|signed| signed != 0),
        narrow: context.flag("narrow"),
        rounding: rounding(context, default)?,
        zero_point_outside: false,
        clip: None,
    })
}

/// `Quant`. Signed codes of one bit are -1 and 1, as QONNX executes them.
pub(super) fn quant(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let attributes = attributes(context, "ROUND")?;
    let x = lifter.real(context, 0)?;
    let scale = scale(lifter, context, 1)?;
    let zero_point = parameter(lifter, context, 2)?;
    let (bits, width) = bits(lifter, context, 3)?;
    let (op, operands) = if width == 1.0 && attributes.signed {
        let zero_points = context.tensor(2)?.numbers.reals();
        if let Some(bad) = zero_points.iter().find(|zero_point| **zero_point != 0.0) {
            let needed = "0 for signed codes of one bit";
            return Err(context.problem(Code::BadZeroPoint, "zero point", format!("{bad:?}"), needed));
        }
        (Op::BipolarQuant, vec![x, scale])
    } else {
        (Op::Quant(attributes), vec![x, scale, zero_point, bits])
    };
    let id = lifter.emit(context, op, operands, None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `BipolarQuant`.
pub(super) fn bipolar(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let scale = scale(lifter, context, 1)?;
    let id = lifter.emit(context, Op::BipolarQuant, vec![x, scale], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `Trunc`; version 2 has the scale of the result before the last operand.
pub(super) fn trunc(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let attributes = attributes(context, "FLOOR")?;
    let mut operands =
        vec![lifter.real(context, 0)?, scale(lifter, context, 1)?, parameter(lifter, context, 2)?];
    operands.push(bits(lifter, context, 3)?.0);
    if context.operands.len() > 5 {
        operands.push(scale(lifter, context, 4)?);
        operands.push(bits(lifter, context, 5)?.0);
    } else {
        operands.push(bits(lifter, context, 4)?.0);
    }
    let id = lifter.emit(context, Op::Trunc(attributes), operands, None)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `MultiThreshold`.
pub(super) fn multi_threshold(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let shape = lifter.shape(x);
    let tensor = context.tensor(1)?;
    let [channels, _] = tensor.shape[..] else {
        let found = format!("thresholds of shape {:?}", tensor.shape);
        return Err(context.problem(Code::ShapeMismatch, "input 1", found, "channels and steps"));
    };
    if tensor.len() == 0 || tensor.numbers.reals().iter().any(|threshold| threshold.is_nan()) {
        return Err(context.problem(
            Code::BadTensor,
            "input 1",
            "no thresholds, or NaN",
            "numbers, one at least",
        ));
    }
    let thresholds = parameter(lifter, context, 1)?;
    let last = shape.len().saturating_sub(1);
    let layout = context.node.string("data_layout").unwrap_or("");
    let axis = match layout {
        "NHWC" | "NWC" | "NHC" | "NLC" => last,
        // Before layouts were written, QONNX took the last of three axes, and else the second.
        "" if shape.len() == 3 && shape[last] == channels => last,
        _ => 1,
    };
    if shape.len() < 2 || channels != 1 && shape[axis] != channels {
        let found = format!("thresholds for {channels} channels of {shape:?}, layout {layout:?}");
        return Err(context.problem(
            Code::BadChannels,
            "input 1",
            found,
            "thresholds for each channel, or for all",
        ));
    }
    let number = |name: &str, default: f32| context.node.float(name).unwrap_or(default);
    let (out_scale, out_bias) = (number("out_scale", 1.0), number("out_bias", 0.0));
    if !(out_scale.is_finite() && out_scale > 0.0 && out_bias.is_finite()) {
        let found = format!("scale {out_scale:?}, bias {out_bias:?}");
        return Err(context.problem(
            Code::BadScale,
            "out_scale",
            found,
            "a positive scale and a finite bias",
        ));
    }
    let op = Op::MultiThreshold(MultiThreshold { out_scale, out_bias, axis });
    let id = lifter.emit(context, op, vec![x, thresholds], None)?;
    lifter.finish(context, 0, id);
    Ok(())
}
