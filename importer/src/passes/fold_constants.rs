//! Computes what depends on constants only: quantized weights and biases, and their transposes and reshapes.
//!
//! A weight leaves this pass as integer codes; the quotient `w / scale` is rounded exactly, as for inputs.

use exactum_runtime::num::InputQuantizer;

use super::Pass;
use crate::diagnostic::{Code, Diagnostic, Report, Result};
use crate::graph::{Codes, Constant, Graph, Level, Node, Op, Type, Value};
use crate::passes::quantize_values::parameters;

pub(super) const PASS: Pass = Pass {
    name: "fold-constants",
    about: "turn quantized initializers into integer codes and carry out their transposes",
    from: Level::Imported,
    to: Level::Imported,
    run,
};

fn run(graph: &mut Graph) -> Result<()> {
    let mut problems = vec![];
    let mut kept = vec![];
    for (index, node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        match fold(graph, index, &node) {
            Ok(Some((ty, constant))) => {
                let value = graph.value_mut(node.output);
                value.ty = ty;
                value.constant = Some(constant);
            }
            Ok(None) => kept.push(node),
            Err(problem) => {
                problems.push(problem);
                kept.push(node);
            }
        }
    }
    graph.nodes = kept;
    Report::check(problems, ())
}

/// Type and elements of the node's result, if its data operand is constant and the operator can be carried out.
fn fold(graph: &Graph, index: usize, node: &Node) -> Result<Option<(Type, Constant)>, Diagnostic> {
    let x = graph.value(node.inputs[0]);
    let Some(constant) = &x.constant else { return Ok(None) };
    Ok(match (&node.op, constant) {
        (Op::Quant(_), Constant::Float(values)) => {
            let codes = parameters::of_node(graph, index, node)?;
            let quantized = quantize(values, &x.shape, &codes).ok_or_else(|| {
                let at = parameters::location(index, node).at_part("input 0");
                Diagnostic::new(Code::BadTensor, at, "NaN", "numbers to quantize")
            })?;
            Some((Type::Codes(codes), Constant::Codes(quantized)))
        }
        (Op::Transpose { perm }, constant) => {
            let ty = match &x.ty {
                Type::Codes(codes) => {
                    let axis = codes.axis.and_then(|axis| perm.iter().position(|from| *from == axis));
                    Type::Codes(Codes { axis, ..codes.clone() })
                }
                other => other.clone(),
            };
            Some((ty, transpose(constant, x, perm)))
        }
        (Op::Reshape, constant) if x.codes().is_none_or(|codes| codes.axis.is_none()) => {
            Some((x.ty.clone(), constant.clone()))
        }
        _ => None,
    })
}

/// Codes of `values`, with a scale for each index along the axis; `None` if a value is NaN.
fn quantize(values: &[f32], shape: &[usize], codes: &Codes) -> Option<Vec<i32>> {
    let range = codes.int.range();
    let zero_point = i32::try_from(codes.zero_point).ok()?;
    let quantizers: Option<Vec<InputQuantizer>> =
        codes.scale.iter().map(|scale| InputQuantizer::new(*scale, zero_point, range)).collect();
    let quantizers = quantizers?;
    let inner: usize = codes.axis.map_or(1, |axis| shape[axis + 1..].iter().product());
    values
        .iter()
        .enumerate()
        .map(|(i, value)| {
            (!value.is_nan()).then(|| quantizers[i / inner % quantizers.len()].quantize(*value))
        })
        .collect()
}

fn transpose(constant: &Constant, x: &Value, perm: &[usize]) -> Constant {
    match constant {
        Constant::Float(values) => Constant::Float(permuted(values, &x.shape, perm)),
        Constant::Codes(values) => Constant::Codes(permuted(values, &x.shape, perm)),
        Constant::Shape(values) => Constant::Shape(permuted(values, &x.shape, perm)),
    }
}

/// The elements of a tensor of `shape` in the order of its axes permuted by `perm`.
pub(crate) fn permuted<T: Copy>(values: &[T], shape: &[usize], perm: &[usize]) -> Vec<T> {
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let axes: Vec<(usize, usize)> = perm.iter().map(|axis| (shape[*axis], stride(*axis))).collect();
    let mut offsets = vec![0];
    for (size, stride) in axes {
        offsets = offsets.iter().flat_map(|base| (0..size).map(move |i| base + i * stride)).collect();
    }
    offsets.into_iter().map(|offset| values[offset]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutes_axes() {
        let values: Vec<u8> = (0..6).collect();
        assert_eq!(permuted(&values, &[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(permuted(&values, &[1, 2, 3], &[2, 0, 1]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(permuted(&[7], &[], &[]), [7]);
    }
}
