//! Constants of integers and what exporters compute with them: shapes, axes, paddings.

use exactum_host::elements;
use exactum_qonnx::Node;
use exactum_qonnx::shape::Reshaped;

use crate::float::array::elems;

/// Stands for the extent of the batch in shapes: the file leaves it free.
pub(super) const BATCH: i64 = i64::MIN;

/// A constant of integers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Integers {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<i64>,
}

impl Integers {
    pub(super) fn list(values: Vec<i64>) -> Self {
        Self { shape: vec![values.len()], values }
    }

    /// The same integers in the shape that `dims` give them.
    fn reshaped(&self, dims: &[i64], keeps_zero: bool) -> Option<Self> {
        let shape = Reshaped::of(&self.shape, dims, keeps_zero)?.filled(self.values.len());
        (elems(&shape) == Some(self.values.len())).then(|| Self { shape, values: self.values.clone() })
    }

    /// Rows from `start` to `end` along the first dimension, or all of them in reverse.
    fn rows(&self, start: i64, end: i64, step: i64) -> Option<Self> {
        let (rows, rest) = self.shape.split_first()?;
        let row_elems = elems(rest)?;
        let all: Vec<usize> = (0..*rows).collect();
        let chosen = match step {
            1 => slice(&all, start, end),
            -1 if start == -1 && end < -(*rows as i64) => all.into_iter().rev().collect(),
            _ => return None,
        };
        let shape = [&[chosen.len()], rest].concat();
        let values = chosen.iter().flat_map(|row| &self.values[row * row_elems..][..row_elems]).copied();
        Some(Self { shape, values: values.collect() })
    }

    fn transposed(&self) -> Option<Self> {
        let [rows, columns] = self.shape[..] else { return None };
        Some(Self {
            shape: vec![columns, rows],
            values: elements::permuted(&self.values, &self.shape, &[1, 0]),
        })
    }
}

/// What `node` gives for constant integers, or `None` if that is not known here.
pub(super) fn compute(node: &Node, operands: &[&Integers]) -> Option<Integers> {
    let first = *operands.first()?;
    match node.op_type.as_str() {
        "Identity" | "Cast" | "CastLike" => Some(first.clone()),
        "Concat" => {
            Some(Integers::list(operands.iter().flat_map(|operand| operand.values.iter().copied()).collect()))
        }
        "ConstantOfShape" => {
            let shape: Vec<usize> =
                first.values.iter().map(|dim| usize::try_from(*dim).ok()).collect::<Option<_>>()?;
            let value = match node.tensor("value") {
                Some(value) => *value.as_i64()?.first()?,
                None => return None,
            };
            // Lists of axes and paddings are short.
            let elems = elems(&shape).filter(|elems| *elems <= 1 << 16)?;
            Some(Integers { shape, values: vec![value; elems] })
        }
        // Scalars and lists are all that shapes are made of.
        "Unsqueeze" => Some(Integers::list(first.values.clone())),
        "Squeeze" => {
            (first.values.len() == 1).then(|| Integers { shape: Vec::new(), values: first.values.clone() })
        }
        "Reshape" => first.reshaped(&operands.get(1)?.values, node.int("allowzero").unwrap_or(0) == 0),
        "Transpose" => first.transposed(),
        "Expand" => {
            let [value] = first.values[..] else { return Some(first.clone()) };
            let len = usize::try_from(*operands.get(1)?.values.first()?).ok()?;
            (len <= 1 << 16).then(|| Integers::list(vec![value; len]))
        }
        "Gather" => {
            let indices = operands.get(1)?;
            let len = first.values.len() as i64;
            let at = |index: &i64| {
                let index = if *index < 0 { index + len } else { *index };
                first.values.get(usize::try_from(index).ok()?).copied()
            };
            let values = indices.values.iter().map(at).collect::<Option<_>>()?;
            Some(Integers { shape: indices.shape.clone(), values })
        }
        "Slice" => {
            let element = |index: usize, otherwise: i64| match operands.get(index) {
                Some(operand) => operand.values.first().copied(),
                None => Some(otherwise),
            };
            let along_first = element(3, 0)? == 0;
            along_first.then(|| first.rows(element(1, 0)?, element(2, 0)?, element(4, 1)?))?
        }
        "Mul" => {
            let second = operands.get(1)?;
            let product =
                |(a, b): (&i64, &i64)| if *a == BATCH || *b == BATCH { None } else { a.checked_mul(*b) };
            let values = first.values.iter().zip(&second.values).map(product).collect::<Option<_>>()?;
            (first.shape == second.shape).then(|| Integers { shape: first.shape.clone(), values })
        }
        _ => None,
    }
}

/// Elements from `start` to `end`, which count from the end if negative.
pub(super) fn slice<T: Clone>(values: &[T], start: i64, end: i64) -> Vec<T> {
    let len = values.len() as i64;
    let place = |index: i64| if index < 0 { index.saturating_add(len).max(0) } else { index.min(len) };
    let (start, end) = (place(start) as usize, place(end) as usize);
    values.get(start..end).unwrap_or_default().to_vec()
}
