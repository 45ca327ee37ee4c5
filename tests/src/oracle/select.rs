//! `TopK`, `ArgMax` and `ArgMin`: where the largest and smallest numbers along an axis are. Of equal numbers the first
//! counts.

use exactum_qonnx::ElemType;

use super::applied::Applied;
use super::exact::{index, position};
use super::int::Int;
use super::{Exact, Result, Value};

/// The indices into `x` of each line along `axis`.
fn lines(x: &Exact, axis: usize) -> Vec<Vec<usize>> {
    let mut first = x.shape.clone();
    first[axis] = 1;
    let line = |start| {
        let mut place = position(&first, start);
        (0..x.shape[axis])
            .map(|at| {
                place[axis] = at;
                index(&x.shape, &place)
            })
            .collect()
    };
    (0..first.iter().product()).map(line).collect()
}

/// The places of a line in order of their numbers, from the largest on or from the smallest.
fn order(x: &Exact, line: &[usize], largest: bool) -> Vec<usize> {
    let mut places: Vec<usize> = (0..line.len()).collect();
    // The sort keeps the order of equal numbers.
    places.sort_by(|a, b| {
        let (a, b) = (&x.integers[line[*a]], &x.integers[line[*b]]);
        if largest { b.cmp(a) } else { a.cmp(b) }
    });
    places
}

/// `ArgMax` or `ArgMin`.
pub(super) fn arg(applied: &Applied<'_>) -> Result<Value> {
    let x = applied.real(0)?;
    let axis = applied.axis(applied.int("axis", 0)?, x.shape.len())?;
    let largest = applied.node.op_type == "ArgMax";
    let select_last = applied.int("select_last_index", 0)? != 0;
    if x.is_empty() {
        return applied.fail("no elements");
    }
    let place = |line: Vec<usize>| {
        let order = order(x, &line, largest);
        let best = &x.integers[line[order[0]]];
        let equal = order.iter().filter(|place| x.integers[line[**place]] == *best);
        let place = if select_last { equal.max() } else { equal.min() };
        Int::from(place.copied().unwrap_or_default() as i64)
    };
    let places = lines(x, axis).into_iter().map(place).collect();
    let mut shape = x.shape.clone();
    if applied.int("keepdims", 1)? != 0 {
        shape[axis] = 1;
    } else {
        shape.remove(axis);
    }
    Ok(Value::Real(Exact::whole(shape, places), ElemType::I64))
}

/// The numbers and their places.
pub(super) fn top_k(applied: &Applied<'_>) -> Result<Vec<Value>> {
    let x = applied.real(0)?;
    let axis = applied.axis(applied.int("axis", -1)?, x.shape.len())?;
    let largest = applied.int("largest", 1)? != 0;
    let count = if applied.has(1) { applied.one_whole(1)? } else { applied.int("k", 0)? };
    let count = match usize::try_from(count) {
        Ok(count) if (1..=x.shape[axis]).contains(&count) => count,
        _ => return applied.fail(format!("{count} of {} elements", x.shape[axis])),
    };
    let mut shape = x.shape.clone();
    shape[axis] = count;
    let elems = shape.iter().product();
    let (mut numbers, mut places) = (vec![Int::ZERO; elems], vec![Int::ZERO; elems]);
    for line in lines(x, axis) {
        for (rank, place) in order(x, &line, largest).into_iter().take(count).enumerate() {
            let mut at = position(&x.shape, line[place]);
            at[axis] = rank;
            let at = index(&shape, &at);
            numbers[at] = x.integers[line[place]].clone();
            places[at] = Int::from(place as i64);
        }
    }
    let numbers = Exact { shape: shape.clone(), integers: numbers, unit: x.unit.clone() };
    Ok(vec![Value::Real(numbers, applied.elem(0)?), Value::Real(Exact::whole(shape, places), ElemType::I64)])
}
