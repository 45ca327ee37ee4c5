//! Float constants and what exporters compute with them: weights in another shape or order, sums and products of them.

use exactum_host::elements;
use exactum_qonnx::Node;
use exactum_qonnx::shape::{self, Reshaped};

use super::integers::Integers;
use crate::float::Array;
use crate::float::array::elems;

/// No constant of a network that fits memory is larger.
const MOST_ELEMS: usize = 1 << 28;

/// What `node` gives for constant floats and, as further operands or attributes, constant integers; or `None` if that is
/// not known here.
pub(super) fn compute(node: &Node, floats: &[&Array], integers: Option<&Integers>) -> Option<Array> {
    let (first, rest) = floats.split_first()?;
    let list =
        |name: &str| node.ints(name).map(<[i64]>::to_vec).or_else(|| integers.map(|i| i.values.clone()));
    match (node.op_type.as_str(), rest) {
        ("Identity" | "Cast" | "CastLike", _) => Some((*first).clone()),
        ("Transpose", []) => {
            let rank = first.shape.len();
            let perm: Vec<usize> = match node.ints("perm") {
                Some(perm) => perm.iter().map(|axis| usize::try_from(*axis).ok()).collect::<Option<_>>()?,
                None => (0..rank).rev().collect(),
            };
            first.permuted(&perm)
        }
        ("Reshape", []) => {
            let keeps_zero = node.int("allowzero").unwrap_or(0) == 0;
            let shape = Reshaped::of(&first.shape, &list("shape")?, keeps_zero)?;
            first.reshaped(&shape.filled(first.values.len()))
        }
        ("Flatten", []) => {
            let rank = first.shape.len() as i64;
            let axis = node.int("axis").unwrap_or(1);
            let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok()?;
            let [rows, columns] = [first.shape.get(..axis)?, first.shape.get(axis..)?].map(elems);
            first.reshaped(&[rows?, columns?])
        }
        ("Squeeze", []) => {
            let axes = list("axes").map(|axes| places(&axes, first.shape.len())).unwrap_or_else(|| {
                Some((0..first.shape.len()).filter(|axis| first.shape[*axis] == 1).collect())
            })?;
            let kept = |axis: &usize| !axes.contains(axis);
            let shape: Vec<usize> =
                (0..first.shape.len()).filter(kept).map(|axis| first.shape[axis]).collect();
            first.reshaped(&shape)
        }
        ("Unsqueeze", []) => first.reshaped(&shape::unsqueezed(&first.shape, &list("axes")?)?),
        ("Expand", []) => {
            let dims =
                integers?.values.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<Vec<_>>>()?;
            let shape = shape::broadcast(&[&first.shape, &dims])?;
            elems(&shape).filter(|len| *len <= MOST_ELEMS)?;
            Some(Array { values: spread(first, &shape), shape })
        }
        ("Neg", []) => Some(mapped(first, |value| -value)),
        ("Sqrt", []) => Some(mapped(first, f32::sqrt)),
        ("Reciprocal", []) => Some(mapped(first, f32::recip)),
        ("Add", [second]) => broadcast(first, second, |a, b| a + b),
        ("Sub", [second]) => broadcast(first, second, |a, b| a - b),
        ("Mul", [second]) => broadcast(first, second, |a, b| a * b),
        ("Div", [second]) => broadcast(first, second, |a, b| a / b),
        ("Concat", _) => concat(floats, node.int("axis")?),
        _ => None,
    }
}

fn mapped(array: &Array, f: impl Fn(f32) -> f32) -> Array {
    Array { shape: array.shape.clone(), values: array.values.iter().map(|value| f(*value)).collect() }
}

/// Axes counted from the front.
fn places(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    axes.iter().map(|axis| shape::axis(*axis, rank)).collect()
}

/// `f` of the elements that meet when both arrays broadcast to one shape.
fn broadcast(a: &Array, b: &Array, f: impl Fn(f32, f32) -> f32) -> Option<Array> {
    let shape = shape::broadcast(&[&a.shape, &b.shape])?;
    elems(&shape).filter(|len| *len <= MOST_ELEMS)?;
    let [a, b] = [a, b].map(|array| spread(array, &shape));
    Some(Array { values: a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect(), shape })
}

/// For each element of a value of `shape` the one of `array` that is broadcast there.
fn spread(array: &Array, shape: &[usize]) -> Vec<f32> {
    elements::spread(&array.shape, shape).into_iter().map(|at| array.values[at]).collect()
}

/// Arrays side by side along `axis`.
fn concat(arrays: &[&Array], axis: i64) -> Option<Array> {
    let first = *arrays.first()?;
    let axis = places(&[axis], first.shape.len())?[0];
    let fits = |array: &&Array| {
        array.shape.len() == first.shape.len()
            && (0..first.shape.len()).all(|at| at == axis || array.shape[at] == first.shape[at])
    };
    if !arrays.iter().all(fits) {
        return None;
    }
    let mut shape = first.shape.clone();
    shape[axis] = arrays.iter().map(|array| array.shape[axis]).sum();
    let rows = elems(&shape[..axis])?;
    let mut values = Vec::new();
    for row in 0..rows {
        for array in arrays {
            let run = elems(&array.shape[axis..])?;
            values.extend_from_slice(array.values.get(row * run..(row + 1) * run)?);
        }
    }
    Array::new(shape, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(shape: &[usize]) -> Array {
        let values = (0..shape.iter().product::<usize>()).map(|index| index as f32).collect();
        Array { shape: shape.to_vec(), values }
    }

    fn node(operator: &str) -> Node {
        Node::new(operator, ["a"], ["y"])
    }

    #[test]
    fn elements_move_as_defined() {
        let (a, list) = (array(&[2, 3, 4]), |values: &[i64]| Integers::list(values.to_vec()));
        let turned = compute(&node("Transpose").attr("perm", vec![2, 0, 1]), &[&a], None).unwrap();
        assert_eq!(
            (turned.shape.clone(), turned.values[6 + 3 + 2]),
            (vec![4, 2, 3], (12 + 2 * 4 + 1) as f32)
        );
        let shape = |operator, list: Option<&Integers>| {
            compute(&node(operator), &[&a], list).map(|array| array.shape)
        };
        assert_eq!(shape("Transpose", None), Some(vec![4, 3, 2]));
        assert_eq!(shape("Flatten", None), Some(vec![2, 12]));
        assert_eq!(shape("Reshape", Some(&list(&[0, -1]))), Some(vec![2, 12]));
        assert_eq!(shape("Reshape", Some(&list(&[5, -1]))), None);
        assert_eq!(shape("Unsqueeze", Some(&list(&[0, -1]))), Some(vec![1, 2, 3, 4, 1]));
        assert_eq!(shape("Squeeze", None), Some(vec![2, 3, 4]));
        let joined =
            compute(&node("Concat").attr("axis", 1), &[&array(&[2, 1]), &array(&[2, 2])], None).unwrap();
        assert_eq!(joined.values, [0.0, 0.0, 1.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn operands_broadcast() {
        let sum = compute(&node("Add"), &[&array(&[2, 1]), &array(&[3])], None).unwrap();
        assert_eq!((sum.shape, sum.values), (vec![2, 3], vec![0.0, 1.0, 2.0, 1.0, 2.0, 3.0]));
        assert_eq!(compute(&node("Add"), &[&array(&[2]), &array(&[3])], None), None);
        let many =
            compute(&node("Expand"), &[&array(&[2, 1])], Some(&Integers::list(vec![1, 2, 2]))).unwrap();
        assert_eq!((many.shape, many.values), (vec![1, 2, 2], vec![0.0, 0.0, 1.0, 1.0]));
    }
}
