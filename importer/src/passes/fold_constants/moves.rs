//! Constants whose elements are taken, repeated, surrounded or joined.

use super::tightened;
use crate::graph::{Codes, Constant, Graph, Node, Op, Type, Value};

/// The result of `node`, if it takes, repeats or surrounds elements of the constant `x`.
pub(super) fn fold(x: &Value, node: &Node, output: &[usize]) -> Option<(Type, Constant)> {
    match &node.op {
        Op::Slice { starts, steps, sizes } => {
            let at = |axis: usize, i: usize| starts[axis].checked_add_signed(steps[axis] * i as isize);
            picked(x, sizes, at)
        }
        Op::Repeat { factors } => picked(x, output, |axis, i| Some(i / factors[axis].max(1))),
        Op::Pad { before, value: 0.0, .. } => {
            padded(x, output, |axis, i| i.checked_sub(before[axis]).filter(|i| *i < x.shape[axis]))
        }
        _ => None,
    }
}

/// The elements of `x` at the places that `at` names along each axis, in shape `sizes`.
fn picked(
    x: &Value,
    sizes: &[usize],
    at: impl Fn(usize, usize) -> Option<usize>,
) -> Option<(Type, Constant)> {
    let indices = indices(x, sizes, &at).into_iter().collect::<Option<Vec<usize>>>()?;
    let ty = match &x.ty {
        Type::Codes(Codes { axis: Some(axis), scale, .. }) => {
            let scale = (0..sizes[*axis]).map(|i| Some(scale[at(*axis, i)?])).collect::<Option<_>>()?;
            Type::Codes(Codes { scale, ..x.codes()?.clone() })
        }
        ty => ty.clone(),
    };
    let constant = match x.constant.as_ref()? {
        Constant::Float(values) => Constant::Float(taken(values, &indices)),
        Constant::Codes(values) => Constant::Codes(taken(values, &indices)),
        Constant::Shape(values) => Constant::Shape(taken(values, &indices)),
    };
    Some((ty, constant))
}

fn taken<T: Copy>(values: &[T], indices: &[usize]) -> Vec<T> {
    indices.iter().map(|index| values[*index]).collect()
}

/// `x` in a larger shape, with zeros where `at` names no place.
fn padded(
    x: &Value,
    sizes: &[usize],
    at: impl Fn(usize, usize) -> Option<usize>,
) -> Option<(Type, Constant)> {
    let indices = indices(x, sizes, &at);
    match (x.constant.as_ref()?, &x.ty) {
        (Constant::Float(values), ty) => {
            let values = indices.iter().map(|index| index.map_or(0.0, |index| values[index]));
            Some((ty.clone(), Constant::Float(values.collect())))
        }
        (Constant::Codes(values), Type::Codes(codes)) if codes.zero_point == 0 => {
            // Zeros have any scale.
            let scale = match codes.axis {
                Some(axis) => (0..sizes[axis])
                    .map(|i| codes.scale[at(axis, i).unwrap_or(0).min(codes.scale.len() - 1)])
                    .collect(),
                None => codes.scale.clone(),
            };
            let values = indices.iter().map(|index| index.map_or(0, |index| values[index])).collect();
            Some(tightened(values, scale, codes.axis))
        }
        _ => None,
    }
}

/// For each element of shape `sizes` the index in `x` of the places that `at` names along each axis.
fn indices(x: &Value, sizes: &[usize], at: &impl Fn(usize, usize) -> Option<usize>) -> Vec<Option<usize>> {
    let mut indices = vec![Some(0usize)];
    for (axis, size) in sizes.iter().enumerate() {
        let inner: usize = x.shape[axis + 1..].iter().product();
        let places: Vec<Option<usize>> = (0..*size).map(|i| Some(at(axis, i)? * inner)).collect();
        indices = indices
            .iter()
            .flat_map(|base| places.iter().map(move |place| Some((*base)? + (*place)?)))
            .collect();
    }
    indices
}

/// Constants of one kind joined. Codes of different scales are channels of the result.
pub(super) fn concat(graph: &Graph, node: &Node, axis: usize) -> Option<(Type, Constant)> {
    let operands: Vec<&Value> = node.inputs.iter().map(|id| graph.value(*id)).collect();
    let outer: usize = operands[0].shape[..axis].iter().product();
    fn join<'a, T: Copy + 'a>(parts: &[&'a Vec<T>], outer: usize) -> Vec<T> {
        let row = |row: usize| {
            parts
                .iter()
                .flat_map(move |part| part.chunks(part.len() / outer.max(1)).nth(row).unwrap_or_default())
        };
        (0..outer).flat_map(row).copied().collect()
    }
    macro_rules! joined {
        ($kind:ident) => {{
            let parts: Option<Vec<_>> = operands
                .iter()
                .map(|value| match &value.constant {
                    Some(Constant::$kind(values)) => Some(values),
                    _ => None,
                })
                .collect();
            join(&parts?, outer)
        }};
    }
    Some(match operands[0].constant.as_ref()? {
        Constant::Float(_) => (Type::Float, Constant::Float(joined!(Float))),
        Constant::Shape(_) => (Type::Shape, Constant::Shape(joined!(Shape))),
        Constant::Codes(_) => {
            let codes: Vec<&Codes> = operands.iter().map(|value| value.codes()).collect::<Option<_>>()?;
            if codes.iter().any(|codes| codes.zero_point != 0 || codes.scale.is_empty()) {
                return None;
            }
            let elements = joined!(Codes);
            let first = codes[0];
            let alike = |other: &&&Codes| (&other.scale, other.axis) == (&first.scale, first.axis);
            if first.axis != Some(axis) && codes.iter().filter(alike).count() == codes.len() {
                return Some(tightened(elements, first.scale.clone(), first.axis));
            }
            if codes.iter().any(|codes| codes.axis.is_some_and(|other| other != axis)) {
                return None;
            }
            let scale = codes.iter().zip(&operands).flat_map(|(codes, value)| match codes.axis {
                Some(_) => codes.scale.clone(),
                None => vec![codes.scale[0]; value.shape[axis]],
            });
            tightened(elements, scale.collect(), Some(axis))
        }
    })
}
