//! Scale, zero point and bit width of a `Quant` node, read from its constant operands and checked.

use exactum_runtime::num::{IntRange, IntType};

use crate::diagnostic::{Code, Diagnostic, Location};
use crate::graph::{Codes, Constant, Graph, Node, Op};

/// The codes that the `Quant` node makes of an input of its operand's shape.
pub(in crate::passes) fn of_node(graph: &Graph, index: usize, node: &Node) -> Result<Codes, Diagnostic> {
    let problem = |code, part: &str, found: String, needed: &str| {
        Err(Diagnostic::new(code, graph.location_of(index, node).at_part(part), found, needed))
    };
    let Op::Quant(attributes) = node.op else {
        return problem(Code::UnsupportedForm, "operator", node.op.name().to_owned(), "quant");
    };
    let operand = |i: usize, part: &str| match &graph.value(node.inputs[i]).constant {
        Some(Constant::Float(values)) if !values.is_empty() => Ok(values.clone()),
        // Some files keep zero points and bit widths as integers.
        Some(Constant::Shape(values)) if !values.is_empty() => {
            Ok(values.iter().map(|value| *value as f32).collect())
        }
        _ => {
            let found = format!("`{}`, which is computed", graph.value(node.inputs[i]).name);
            Err(Diagnostic::new(
                Code::NotConstant,
                graph.location_of(index, node).at_part(part),
                found,
                "an initializer",
            ))
        }
    };
    let scale = operand(1, "scale")?;
    let zero_points = operand(2, "zero point")?;
    let widths = operand(3, "bit width")?;
    if let Some(bad) = scale.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
        return problem(Code::BadScale, "scale", format!("{bad:?}"), "a positive finite number");
    }
    let width = widths[0];
    if width.fract() != 0.0 || !(1.0..=32.0).contains(&width) || widths.iter().any(|other| *other != width) {
        return problem(Code::BadBitWidth, "bit width", format!("{widths:?}"), "one integer from 1 to 32");
    }
    let bits = width as u8;
    if bits == 32 && !attributes.signed {
        return problem(
            Code::BadBitWidth,
            "bit width",
            "32, unsigned".into(),
            "codes that fit 32 bits with a sign",
        );
    }
    // One signed bit is a sign: -1 and 1, whatever `narrow` says.
    let int = match (bits, attributes.signed) {
        (1, true) => IntType::new(2, true, true),
        _ => IntType::new(bits, attributes.signed, attributes.narrow),
    };
    let Some(int) = int else {
        return problem(Code::BadBitWidth, "bit width", width.to_string(), "1 to 32");
    };
    let range = match attributes.clip {
        None => int.range(),
        Some([lo, hi]) => {
            let all = int.range();
            match IntRange::new(all.clamp(lo), all.clamp(hi)) {
                Some(range) => range,
                None => {
                    return problem(
                        Code::BadBitWidth,
                        "clip",
                        format!("{lo} to {hi}"),
                        "codes of the quantizer",
                    );
                }
            }
        }
    };
    let zero = f64::from(zero_points[0]);
    let legal = zero.fract() == 0.0 && (range.lo as f64..=range.hi as f64).contains(&zero);
    if !legal || zero_points.iter().any(|other| *other != zero_points[0]) {
        return problem(
            Code::BadZeroPoint,
            "zero point",
            format!("{zero_points:?}"),
            &format!("one integer in {range}, the same for all channels"),
        );
    }
    let shape = &graph.value(node.inputs[0]).shape;
    let scale_shape = &graph.value(node.inputs[1]).shape;
    let Some(axis) = channel_axis(scale_shape, shape) else {
        return problem(
            Code::BadChannels,
            "scale",
            format!("shape {scale_shape:?} for a value of shape {shape:?}"),
            "one element, or one for each index along one axis",
        );
    };
    Ok(Codes { int, range, zero_point: zero as i64, scale, axis })
}

/// The elements of operand `index` of `node`, which has to be a constant of floats.
pub(in crate::passes) fn floats(
    graph: &Graph,
    node: &Node,
    at: &Location,
    index: usize,
    part: &str,
) -> Result<Vec<f32>, Diagnostic> {
    let value = graph.value(node.inputs[index]);
    match &value.constant {
        Some(Constant::Float(values)) if !values.is_empty() => Ok(values.clone()),
        Some(Constant::Shape(values)) if !values.is_empty() => {
            Ok(values.iter().map(|value| *value as f32).collect())
        }
        _ => {
            let found = format!("`{}`, which is computed", value.name);
            Err(Diagnostic::new(Code::NotConstant, at.clone().at_part(part), found, "an initializer"))
        }
    }
}

/// The axis of `shape` along which a scale of `scale_shape` varies when it is broadcast from the right; `Some(None)`
/// for one element, `None` if it varies along several or does not fit.
fn channel_axis(scale_shape: &[usize], shape: &[usize]) -> Option<Option<usize>> {
    let mut axes = scale_shape.iter().enumerate().filter(|(_, size)| **size != 1);
    let Some((axis, size)) = axes.next() else { return Some(None) };
    let axis = (axis + shape.len()).checked_sub(scale_shape.len())?;
    (axes.next().is_none() && shape.get(axis) == Some(size)).then_some(Some(axis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axis_of_broadcast_scales() {
        assert_eq!(channel_axis(&[], &[8, 3]), Some(None));
        assert_eq!(channel_axis(&[1, 1], &[8, 3]), Some(None));
        assert_eq!(channel_axis(&[8, 1, 1, 1], &[8, 3, 3, 3]), Some(Some(0)));
        assert_eq!(channel_axis(&[8], &[8]), Some(Some(0)));
        assert_eq!(channel_axis(&[3], &[8, 3]), Some(Some(1)));
        assert_eq!(channel_axis(&[8, 3], &[8, 3]), None);
        assert_eq!(channel_axis(&[5, 1], &[8, 3]), None);
        assert_eq!(channel_axis(&[2, 1, 1], &[8, 3]), None);
    }
}
