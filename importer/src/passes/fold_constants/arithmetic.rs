//! Arithmetic of quantized constants with constants, and functions of their elements, as long as codes are left.
//!
//! A factor goes into the scale if the product is a `float32`, a summand into the codes if it is a whole number of
//! steps. So nothing is rounded; what has no such form stays in the graph and is refused later.

use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::exact::{self, Rational};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Activation, Affine, Constant, Graph, Node, Op, Type, Value, exact_scale};

use super::tightened;

/// What arithmetic does to codes: `x * gain + offset`, each of one element or one for each index along `axis`.
struct Line {
    gain: Vec<Rational>,
    offset: Vec<Rational>,
    axis: Option<usize>,
}

/// The result of `node`, if it is arithmetic of one quantized constant that leaves codes.
pub(super) fn fold(graph: &Graph, node: &Node) -> Option<(Type, Constant)> {
    let shape = &graph.value(node.output).shape;
    match &node.op {
        Op::Affine(affine) => on_line(graph.value(node.inputs[0]), shape, &of_affine(affine)?),
        Op::Activation(activation) => limited(graph.value(node.inputs[0]), activation),
        Op::Add | Op::Sub | Op::Mul | Op::Div => {
            let [a, b] = [graph.value(node.inputs[0]), graph.value(*node.inputs.get(1)?)];
            if b.codes().is_none() {
                on_line(a, shape, &with(&node.op, b, shape.len())?)
            } else if a.codes().is_none() && node.op != Op::Div {
                let line = with(&node.op, a, shape.len())?;
                // The constant less the codes is the codes less the constant, and the sign of both turned.
                let turned = |values: Vec<Rational>| values.into_iter().map(|value| -value).collect();
                let line = match node.op {
                    Op::Sub => Line { gain: turned(line.gain), offset: turned(line.offset), ..line },
                    _ => line,
                };
                on_line(b, shape, &line)
            } else {
                None
            }
        }
        _ => None,
    }
}

fn of_affine(affine: &Affine) -> Option<Line> {
    let (gain, offset) = affine.line().ok()?;
    let axis = (gain.len() > 1).then_some(affine.axis);
    Some(Line { gain, offset, axis })
}

/// What `op` with the second operand `constant` does to a value of `rank` axes.
fn with(op: &Op, constant: &Value, rank: usize) -> Option<Line> {
    let values: Vec<f64> = match constant.constant.as_ref()? {
        Constant::Float(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Constant::Shape(values) => values.iter().map(|value| *value as f64).collect(),
        Constant::Codes(_) => return None,
    };
    let axis = varying_axis(&constant.shape, rank, &values, |a, b| a == b).ok()?;
    let numbers = along(&constant.shape, rank, &values, axis);
    let numbers: Vec<Rational> =
        numbers.into_iter().map(exact::from_f64).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())?;
    let (one, zero) = (vec![Rational::one()], vec![Rational::zero()]);
    Some(match op {
        Op::Add => Line { gain: one, offset: numbers, axis },
        Op::Sub => Line { gain: one, offset: numbers.iter().map(|number| -number).collect(), axis },
        Op::Mul => Line { gain: numbers, offset: zero, axis },
        Op::Div if numbers.iter().all(|number| !number.is_zero()) => {
            Line { gain: numbers.iter().map(Rational::recip).collect(), offset: zero, axis }
        }
        _ => return None,
    })
}

/// The codes of `x * gain + offset`.
fn on_line(x: &Value, shape: &[usize], line: &Line) -> Option<(Type, Constant)> {
    let (Some(Constant::Codes(elements)), Type::Codes(codes)) = (&x.constant, &x.ty) else { return None };
    let elems: usize = shape.iter().product();
    // Axes that are only put before those of x change nothing.
    let more = shape.len().checked_sub(x.shape.len())?;
    if elems != elements.len() || codes.scale.is_empty() || shape[more..] != x.shape[..] {
        return None;
    }
    let own = codes.axis.map(|axis| axis + more);
    let axis = match (own, line.axis) {
        (Some(own), Some(other)) if own != other => return None,
        (own, other) => own.or(other),
    };
    let channels = axis.map_or(1, |axis| shape[axis]);
    let pick = |values: &[Rational], channel: usize| values[channel.min(values.len() - 1)].clone();
    let (mut scale, mut signs, mut shifts) = (vec![], vec![], vec![]);
    for channel in 0..channels {
        let step = exact_scale(codes.scale[channel.min(codes.scale.len() - 1)]);
        let product = pick(&line.gain, channel) * step;
        let offset = pick(&line.offset, channel);
        if product.is_zero() {
            // Nothing is left of the codes; any step will do for what is added.
            let unit = if offset.is_zero() { Rational::one() } else { offset.abs() };
            scale.push(as_float(&unit)?);
            signs.push(0);
            shifts.push((offset / unit).to_i64()?);
            continue;
        }
        let count = &offset / product.abs();
        scale.push(as_float(&product.abs())?);
        signs.push(if product.is_negative() { -1 } else { 1 });
        shifts.push(count.is_integer().then(|| count.to_i64()).flatten()?);
    }
    let inner = axis.map_or(1, |axis| shape[axis + 1..].iter().product::<usize>()).max(1);
    let code = |(i, element): (usize, &i32)| {
        let channel = i / inner % channels.max(1);
        let centred = i64::from(*element).checked_sub(codes.zero_point)?;
        i32::try_from((signs[channel] * centred).checked_add(shifts[channel])?).ok()
    };
    let elements = elements.iter().enumerate().map(code).collect::<Option<Vec<i32>>>()?;
    Some(tightened(elements, scale, axis))
}

/// Codes of a function that keeps to whole steps.
fn limited(x: &Value, activation: &Activation) -> Option<(Type, Constant)> {
    let (Some(Constant::Codes(elements)), Type::Codes(codes)) = (&x.constant, &x.ty) else { return None };
    if codes.scale.is_empty() {
        return None;
    }
    let inner = codes.axis.map_or(1, |axis| x.shape[axis + 1..].iter().product::<usize>()).max(1);
    let bound = |end: &Option<f64>, channel: usize| -> Option<Option<i64>> {
        let Some(end) = end.filter(|end| end.is_finite()) else { return Some(None) };
        let count = exact::from_f64(end)? / exact_scale(codes.scale[channel]);
        count.is_integer().then(|| count.to_i64()).flatten().map(Some)
    };
    let bounds: Vec<[Option<i64>; 2]> = match activation {
        Activation::Relu => vec![[Some(0), None]; codes.scale.len()],
        Activation::Clip { lo, hi } => (0..codes.scale.len())
            .map(|channel| Some([bound(lo, channel)?, bound(hi, channel)?]))
            .collect::<Option<_>>()?,
        Activation::Abs => vec![],
        _ => return None,
    };
    let code = |(i, element): (usize, &i32)| {
        let mut code = i64::from(*element) - codes.zero_point;
        match bounds.get(i / inner % codes.scale.len().max(1)) {
            Some([lo, hi]) => {
                code = lo.map_or(code, |lo| code.max(lo));
                code = hi.map_or(code, |hi| code.min(hi));
            }
            None => code = code.abs(),
        }
        i32::try_from(code).ok()
    };
    let elements = elements.iter().enumerate().map(code).collect::<Option<Vec<i32>>>()?;
    Some(tightened(elements, codes.scale.clone(), codes.axis))
}

/// The `float32` that `value` is, if it is one.
fn as_float(value: &Rational) -> Option<f32> {
    let narrow = value.to_f64()? as f32;
    (exact::from_f32(narrow).as_ref() == Some(value)).then_some(narrow)
}
