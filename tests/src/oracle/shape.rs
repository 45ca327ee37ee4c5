//! `Flatten`, `Reshape` and `Transpose`: the same numbers in another shape or order.

use super::{Applied, Dyadic, Result, Value};

pub(super) fn flatten(applied: &Applied<'_>) -> Result<Dyadic> {
    let x = applied.real(0)?.clone();
    let axis = applied.int("axis", 1)?;
    let from_end = if axis < 0 { axis + x.shape.len() as i64 } else { axis };
    match usize::try_from(from_end) {
        Ok(axis) if axis <= x.shape.len() => {
            let shape = vec![x.shape[..axis].iter().product(), x.shape[axis..].iter().product()];
            Ok(Dyadic { shape, ..x })
        }
        _ => applied.fail(format!("axis {axis}")),
    }
}

/// The file's shape holds the batch it was exported with; here it is one sample.
pub(super) fn reshape(applied: &Applied<'_>) -> Result<Dyadic> {
    let x = applied.real(0)?.clone();
    let Value::Shape(target) = applied.value(1)? else { return applied.fail("no shape") };
    let mut shape = vec![1];
    let mut free = None;
    for (axis, size) in target.iter().enumerate().skip(1) {
        shape.push(match size {
            -1 => {
                free = Some(axis);
                1
            }
            0 => x.shape[axis],
            size => *size as usize,
        });
    }
    let known: usize = shape.iter().product();
    if let Some(axis) = free {
        shape[axis] = x.integers.len() / known;
    }
    if shape.iter().product::<usize>() != x.integers.len() {
        return applied.fail(format!("{target:?} for {} elements", x.integers.len()));
    }
    Ok(Dyadic { shape, ..x })
}

pub(super) fn transpose(applied: &Applied<'_>) -> Result<Dyadic> {
    let x = applied.real(0)?;
    let rank = x.shape.len();
    let mut reversed: Vec<usize> = (0..rank).rev().collect();
    let perm = match (applied.node.ints("perm"), applied.node.attribute("perm")) {
        (Some(perm), _) => perm.iter().map(|axis| *axis as usize).collect(),
        (None, None) => std::mem::take(&mut reversed),
        (None, Some(other)) => return applied.fail(format!("perm {other:?}")),
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return applied.fail(format!("perm {perm:?}"));
    }
    let shape: Vec<usize> = perm.iter().map(|axis| x.shape[*axis]).collect();
    let source = |mut index: usize| {
        let mut position = vec![0; rank];
        for (size, axis) in shape.iter().zip(&perm).rev() {
            position[*axis] = index % size;
            index /= size;
        }
        position.iter().zip(&x.shape).fold(0, |at, (position, size)| at * size + position)
    };
    let integers = (0..x.integers.len()).map(|index| x.integers[source(index)].clone()).collect();
    Ok(Dyadic { shape, integers, exponent: x.exponent })
}
