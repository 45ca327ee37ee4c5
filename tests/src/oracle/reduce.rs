//! Sums, means and extremes along axes.

use num_rational::BigRational;

use super::applied::Applied;
use super::exact::{index, position};
use super::int::Int;
use super::{Exact, Result};

pub(super) fn reduce(applied: &Applied<'_>) -> Result<Exact> {
    over(applied, applied.real(0)?, applied.node.op_type.as_str())
}

/// `x` reduced as `op_type` does, over the axes of `applied`.
pub(super) fn over(applied: &Applied<'_>, x: &Exact, op_type: &str) -> Result<Exact> {
    let x = &match op_type {
        "ReduceL1" => x.clone().map(Int::abs),
        "ReduceL2" | "ReduceSumSquare" => x.mul(x)?,
        _ => x.clone(),
    };
    let after = |sum: Exact| match op_type {
        "ReduceL2" => Ok(super::function::elementary("Sqrt", &sum)?.unwrap_or(sum)),
        "ReduceLogSum" => Ok(super::function::elementary("Log", &sum)?.unwrap_or(sum)),
        _ => Ok(sum),
    };
    let rank = x.shape.len();
    let listed = match applied.ints("axes")? {
        Some(axes) => axes,
        None if applied.node.op_type == op_type => applied.listed("axes", 1)?.unwrap_or_default(),
        None => vec![],
    };
    if listed.is_empty() && applied.int("noop_with_empty_axes", 0)? != 0 {
        return after(x.clone());
    }
    let axes: Vec<usize> = if listed.is_empty() {
        (0..rank).collect()
    } else {
        listed.iter().map(|axis| applied.axis(*axis, rank)).collect::<Result<_>>()?
    };
    let reduced = |axis: usize| axes.contains(&axis);
    let one: Vec<usize> = (0..rank).map(|axis| if reduced(axis) { 1 } else { x.shape[axis] }).collect();
    let mut groups: Vec<Vec<&Int>> = vec![vec![]; one.iter().product()];
    for (at, integer) in x.integers.iter().enumerate() {
        let mut place = position(&x.shape, at);
        axes.iter().for_each(|axis| place[*axis] = 0);
        groups[index(&one, &place)].push(integer);
    }
    let count = x.len() / groups.len().max(1);
    if count == 0 {
        return applied.fail("no elements");
    }
    let sum = |group: &Vec<&Int>| group.iter().fold(Int::ZERO, |sum, integer| &sum + *integer);
    let largest = |group: &Vec<&Int>| group.iter().copied().max().cloned().unwrap_or(Int::ZERO);
    let smallest = |group: &Vec<&Int>| group.iter().copied().min().cloned().unwrap_or(Int::ZERO);
    let product = |group: &Vec<&Int>| group.iter().fold(Int::ONE, |product, integer| &product * *integer);
    let integers: Vec<Int> = match op_type {
        "ReduceProd" => groups.iter().map(product).collect(),
        "ReduceMax" => groups.iter().map(largest).collect(),
        "ReduceMin" => groups.iter().map(smallest).collect(),
        _ => groups.iter().map(sum).collect(),
    };
    let shape = if applied.int("keepdims", 1)? != 0 {
        one
    } else {
        (0..rank).filter(|axis| !reduced(*axis)).map(|axis| x.shape[axis]).collect()
    };
    let divisor = if op_type == "ReduceMean" { count } else { 1 };
    let unit = if op_type == "ReduceProd" {
        num_traits::Pow::pow(&x.unit, count as u32)
    } else {
        &x.unit / BigRational::from_integer(divisor.into())
    };
    after(Exact { shape, integers, unit })
}

/// `CumSum`: sums of all elements up to each along an axis.
pub(super) fn cum_sum(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    let axis = applied.axis(applied.one_whole(1)?, x.shape.len())?;
    let (exclusive, reverse) = (applied.int("exclusive", 0)? != 0, applied.int("reverse", 0)? != 0);
    let sum = |at: usize| {
        let place = position(&x.shape, at);
        let mut sum = Int::ZERO;
        for other in 0..x.shape[axis] {
            let before = if reverse { other > place[axis] } else { other < place[axis] };
            if before || other == place[axis] && !exclusive {
                let mut from = place.clone();
                from[axis] = other;
                sum = &sum + &x.integers[index(&x.shape, &from)];
            }
        }
        sum
    };
    let integers = (0..x.len()).map(sum).collect();
    Ok(Exact { shape: x.shape.clone(), integers, unit: x.unit.clone() })
}
