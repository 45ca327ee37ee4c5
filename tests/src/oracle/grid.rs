//! Float weights of layers that are rounded multiples of a step: `docs/arithmetic.md`, "Weights on a grid".

use exactum_qonnx::{ElemType, Node};

use super::exact::position;
use super::round::nearest_f64;
use super::{Exact, Value};

/// The operand of `node` that holds weights if it is constant, and the axis of its outputs.
pub(super) fn weight(node: &Node, is_constant: impl Fn(&str) -> bool) -> Option<(&str, Outputs)> {
    let flag = |name: &str| matches!(node.attribute(name), Some(exactum_qonnx::AttributeValue::Int(value)) if *value != 0);
    let (left, right) = (node.input(0)?, node.input(1)?);
    let axis = match node.op_type.as_str() {
        "Conv" | "FusedConv" => Outputs::Axis(0),
        "ConvTranspose" => Outputs::Axis(1),
        "Gemm" | "FusedGemm" => Outputs::Axis(usize::from(!flag("transB"))),
        "FusedMatMul" if flag("transB") => Outputs::FromEnd(2),
        "MatMul" | "FusedMatMul" if is_constant(right) => Outputs::FromEnd(1),
        "MatMul" if is_constant(left) => return Some((left, Outputs::FromEnd(2))),
        _ => return None,
    };
    is_constant(right).then_some((right, axis))
}

/// Where a weight has its outputs.
#[derive(Clone, Copy)]
pub(super) enum Outputs {
    Axis(usize),
    FromEnd(usize),
}

/// The multiples that `value` stands for; `None` if there are no such, and the numbers are what they are.
pub(super) fn multiples(value: &Value, outputs: Outputs) -> Option<Value> {
    let Value::Real(exact, ElemType::F32) = value else { return None };
    let axis = match outputs {
        Outputs::Axis(axis) => Some(axis),
        Outputs::FromEnd(count) => exact.shape.len().checked_sub(count),
    }?;
    let numbers: Vec<f64> = exact.rationals().iter().map(nearest_f64).collect();
    let channels = *exact.shape.get(axis)?;
    let channel = |index: usize| position(&exact.shape, index)[axis];
    let mut rows: Vec<Vec<f64>> = vec![vec![]; channels];
    for (index, number) in numbers.iter().enumerate() {
        rows[channel(index)].push(*number);
    }
    // The order of preference: 8 bits for all, 8 bits for each output, 16 bits for all, 16 bits for each output.
    let steps = [128, 32768].into_iter().find_map(|limit| {
        step(&numbers, limit)
            .map(|step| vec![step; channels])
            .or_else(|| rows.iter().map(|row| step(row, limit)).collect::<Option<Vec<f64>>>())
    })?;
    let multiple = |(index, number): (usize, &f64)| {
        let step = steps[channel(index)];
        super::exact::rational((number / step).round() * step)
    };
    let multiples: Vec<_> = numbers.iter().enumerate().map(multiple).collect::<Option<_>>()?;
    Some(Value::Real(Exact::from_rationals(exact.shape.clone(), &multiples), ElemType::F32))
}

/// The step for the least code of the largest magnitude.
fn step(numbers: &[f64], limit: i32) -> Option<f64> {
    let largest = numbers.iter().fold(0.0f64, |largest, number| largest.max(number.abs()));
    if largest == 0.0 {
        return Some(1.0);
    }
    let smallest =
        numbers.iter().map(|number| number.abs()).filter(|number| *number > 0.0).fold(largest, f64::min);
    let range = -limit..limit;
    let gives_back = |step: f32, number: &f64| {
        let code = (number / f64::from(step)).round();
        // A product of 24 and 16 bits is a double; the file holds it rounded once.
        range.contains(&(code as i32)) && f64::from((code * f64::from(step)) as f32) == *number
    };
    for count in 1..=limit {
        let nearest = (largest / f64::from(count)) as f32;
        let mut near = [nearest, nearest.next_down(), nearest.next_up()].into_iter();
        let fits = |step: &f32| {
            *step > 0.0
                && gives_back(*step, &smallest)
                && numbers.iter().all(|number| gives_back(*step, number))
        };
        if let Some(step) = near.find(|step| fits(step)) {
            return Some(step.into());
        }
    }
    None
}
