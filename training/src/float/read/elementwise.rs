//! Element-wise operators: clipping, and arithmetic of two values or of a value and a constant per channel.

use exactum_qonnx::Node;

use super::Reader;
use super::operators::Converted;
use crate::float::error::form;
use crate::float::{Array, BatchNorm, FloatGraphError, FloatOp};

/// `Clip`, whose bounds are attributes or constants; one that is left out is infinite.
pub(super) fn clip(reader: &Reader, node: &Node) -> Converted {
    let bound = |name: &str, index: usize, otherwise: f32| match (node.float(name), node.input(index)) {
        (Some(value), _) => Ok(value),
        (None, None) => Ok(otherwise),
        (None, Some(_)) => reader.vector(node, index, 1).map(|values| values[0]),
    };
    let (min, max) = (bound("min", 1, f32::NEG_INFINITY)?, bound("max", 2, f32::INFINITY)?);
    match (min, max) {
        (0.0, f32::INFINITY) => reader.unary(node, FloatOp::Relu),
        _ if min < max => reader.unary(node, FloatOp::Clip { min, max }),
        _ => Err(form(&node.label(), format!("bounds {min} and {max}"), "a smaller and a larger bound")),
    }
}

/// `Add`, `Sub`, `Mul`, `Div`. With a constant they are an affine function of each channel.
pub(super) fn binary(reader: &Reader, node: &Node) -> Converted {
    let names = [reader.operand(node, 0)?, reader.operand(node, 1)?];
    let constants = names.map(|name| reader.floats.get(name));
    let operator = node.op_type.as_str();
    let (value, constant, constant_first) = match constants {
        [None, None] if operator == "Add" => {
            return Ok((FloatOp::Add, names.map(str::to_owned).to_vec()));
        }
        [None, Some(constant)] => (names[0], constant, false),
        [Some(constant), None] => (names[1], constant, true),
        _ => {
            let found = format!("{operator} of two values");
            let needed = "Add of two values, or a constant as one of them; train with Relu instead of gates and SiLU, or \
                          quantize with Brevitas, whose files `exactum build` reads";
            return Err(form(&node.label(), found, needed));
        }
    };
    let shape = reader.shape(node, value)?;
    let constant = per_channel(node, constant, shape)?;
    let negated = |values: &[f32]| values.iter().map(|value| -value).collect();
    let norm = match (operator, constant_first) {
        ("Add", _) => BatchNorm::shift(constant),
        ("Mul", _) => BatchNorm::factor(constant),
        ("Sub", false) => BatchNorm::shift(negated(&constant)),
        ("Sub", true) => BatchNorm { scale: vec![-1.0; constant.len()], ..BatchNorm::shift(constant) },
        ("Div", false) if constant.iter().all(|value| *value != 0.0) => {
            BatchNorm::factor(constant.iter().map(|value| 1.0 / value).collect())
        }
        _ => {
            return Err(form(
                &node.label(),
                "a quotient of a constant or by zero",
                "a constant divisor other than 0",
            ));
        }
    };
    Ok((FloatOp::BatchNorm(norm), vec![value.to_owned()]))
}

/// A constant that broadcasts over a value of `shape` with at most one element per channel.
fn per_channel(node: &Node, constant: &Array, shape: &[usize]) -> Result<Vec<f32>, FloatGraphError> {
    let channels = shape[1];
    if constant.values.len() == 1 {
        return Ok(vec![constant.values[0]; channels]);
    }
    // Broadcasting aligns the last dimensions.
    let axis = (constant.shape.len() + 1).checked_sub(shape.len());
    let along_channels = axis.is_some_and(|axis| constant.shape.get(axis) == Some(&channels));
    if along_channels && constant.values.len() == channels {
        return Ok(constant.values.clone());
    }
    let found = format!("a constant of shape {:?} with a value of shape {shape:?}", constant.shape);
    Err(form(&node.label(), found, "one element, or one per channel"))
}
