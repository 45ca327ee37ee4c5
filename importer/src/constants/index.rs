//! Elements chosen and written by index, and elements in order.

use std::cmp::Ordering;

use super::{Call, Fault, Numbers, Problem, Result, Tensor, elems, family, of_type, one};
use exactum_host::elements::{position, strides};

family! {
    "GatherElements" 2..=2 ["axis"] gather_elements;
    "GatherND" 2..=2 ["batch_dims"] gather_nd;
    "Scatter" 3..=3 ["axis"] scatter_elements;
    "ScatterElements" 3..=3 ["axis" "reduction"] scatter_elements;
    "ScatterND" 3..=3 ["reduction"] scatter_nd;
    "Compress" 2..=2 ["axis"] compress;
    "NonZero" 1..=1 [] non_zero;
    "OneHot" 3..=3 ["axis"] one_hot;
    "TopK" 1..=2 ["axis" "largest" "sorted" "k"] top_k;
    "Unique" 1..=1 ["axis" "sorted"] unique;
    "ReverseSequence" 2..=2 ["batch_axis" "time_axis"] reverse_sequence;
}

/// The element that `index`, which counts from the end if negative, names among `size`.
fn place(call: &Call<'_>, index: i64, size: usize) -> Result<usize> {
    let from_start = if index < 0 { index.saturating_add(size as i64) } else { index };
    let known = usize::try_from(from_start).ok().filter(|at| *at < size);
    known.ok_or_else(|| call.no_form(format!("index {index}"), format!("one of {size} elements")))
}

fn gather_elements(call: &Call<'_>) -> Result {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let axis = call.axis(call.int("axis", 0)?, x.shape.len())?;
    let at = aligned(call, &x.shape, indices, axis)?;
    one(x.picked(indices.shape.clone(), &at))
}

/// The element of a tensor of `shape` for each index along `axis`.
fn aligned(call: &Call<'_>, shape: &[usize], indices: &Tensor, axis: usize) -> Result<Vec<usize>> {
    let rank = shape.len();
    let fits = indices.shape.len() == rank && (0..rank).all(|i| i == axis || indices.shape[i] <= shape[i]);
    if !fits {
        return Err(
            call.shapes(format!("indices {:?} of {shape:?}", indices.shape), "indices within the data")
        );
    }
    let steps = strides(shape);
    let values = call.whole(1)?;
    let at = |(i, index): (usize, &i64)| {
        let mut where_ = position(&indices.shape, i);
        where_[axis] = place(call, *index, shape[axis])?;
        Ok(where_.iter().zip(&steps).map(|(i, step)| i * step).sum())
    };
    values.iter().enumerate().map(at).collect()
}

/// The first element and the size of each slice that `indices` name, and how many axes they name.
fn slices(call: &Call<'_>, shape: &[usize], batch: usize) -> Result<(Vec<usize>, usize, usize)> {
    let indices = call.operand(1)?;
    let depth = indices.shape.last().copied().unwrap_or(0);
    if indices.shape.is_empty() || batch + depth > shape.len() || batch >= indices.shape.len() {
        return Err(
            call.shapes(format!("indices {:?} of {shape:?}", indices.shape), "indices within the data")
        );
    }
    let steps = strides(shape);
    let size = elems(&shape[batch + depth..]);
    let count = elems(&indices.shape[..indices.shape.len() - 1]);
    let per_batch = (count / elems(&shape[..batch]).max(1)).max(1);
    let batch_step = elems(&shape[batch..]);
    let values = call.whole(1)?;
    let mut starts = vec![];
    for i in 0..count {
        let mut start = if batch > 0 { i / per_batch * batch_step } else { 0 };
        for j in 0..depth {
            start += place(call, values[i * depth + j], shape[batch + j])? * steps[batch + j];
        }
        starts.push(start);
    }
    Ok((starts, size, depth))
}

fn gather_nd(call: &Call<'_>) -> Result {
    let (x, indices) = (call.operand(0)?, call.operand(1)?);
    let batch = usize::try_from(call.int("batch_dims", 0)?).unwrap_or(usize::MAX);
    if batch >= x.shape.len().min(indices.shape.len()).max(1) || x.shape[..batch] != indices.shape[..batch] {
        return Err(call.shapes(format!("{batch} axes of the batch"), "as many, of equal sizes, in both"));
    }
    let (starts, size, depth) = slices(call, &x.shape, batch)?;
    let mut shape = indices.shape[..indices.shape.len() - 1].to_vec();
    shape.extend(&x.shape[batch + depth..]);
    let shape = call.sized(shape)?;
    let at: Vec<usize> = starts.iter().flat_map(|start| *start..start + size).collect();
    one(x.picked(shape, &at))
}

/// Writes `updates` to the elements `at` of `x`.
fn write(call: &Call<'_>, at: &[usize]) -> Result {
    let (x, updates) = (call.operand(0)?, call.operand(2)?);
    if updates.elem != x.elem || updates.len() != at.len() {
        let found = format!("{} updates of type {}", updates.len(), updates.elem);
        return Err(call.shapes(found, format!("{} of type {}", at.len(), x.elem)));
    }
    type Reduction = (fn(f64, f64) -> f64, fn(i128, i128) -> i128);
    let (real, whole): Reduction = match call.text("reduction", "none")? {
        "none" => (|_, new| new, |_, new| new),
        "add" => (|old, new| old + new, |old, new| old + new),
        "mul" => (|old, new| old * new, i128::wrapping_mul),
        "max" => (f64::max, i128::max),
        "min" => (f64::min, i128::min),
        other => return Err(call.no_form(format!("reduction {other:?}"), "none, add, mul, max or min")),
    };
    match (&x.numbers, &updates.numbers) {
        (Numbers::Real(values), Numbers::Real(updates)) => {
            let mut values = values.clone();
            at.iter().zip(updates).for_each(|(at, new)| values[*at] = real(values[*at], *new));
            one(Tensor::real(x.elem, x.shape.clone(), values))
        }
        (Numbers::Int(values), Numbers::Int(updates)) => {
            let mut values: Vec<i128> = values.iter().map(|value| (*value).into()).collect();
            for (at, new) in at.iter().zip(updates) {
                values[*at] = whole(values[*at], (*new).into());
                // Products stay within the type, so that they never leave 128 bits.
                values[*at] =
                    Tensor::wrapped(x.elem, vec![], [values[*at]])?.as_ints().map_or(0, |v| v[0].into());
            }
            one(Tensor::wrapped(x.elem, x.shape.clone(), values)?)
        }
        _ => Err(of_type(updates, "the type of the data")),
    }
}

fn scatter_elements(call: &Call<'_>) -> Result {
    let (x, indices, updates) = (call.operand(0)?, call.operand(1)?, call.operand(2)?);
    let axis = call.axis(call.int("axis", 0)?, x.shape.len())?;
    if indices.shape != updates.shape {
        return Err(
            call.shapes(format!("{:?} and {:?}", indices.shape, updates.shape), "an index for each update")
        );
    }
    write(call, &aligned(call, &x.shape, indices, axis)?)
}

fn scatter_nd(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let (starts, size, _) = slices(call, &x.shape, 0)?;
    call.sized(vec![starts.len(), size])?;
    let at: Vec<usize> = starts.iter().flat_map(|start| *start..start + size).collect();
    write(call, &at)
}

fn compress(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let condition = call.whole(1)?;
    let (shape, axis) = match call.node.attribute("axis") {
        None => (vec![x.len()], 0),
        Some(_) => (x.shape.clone(), call.axis(call.int("axis", 0)?, x.shape.len())?),
    };
    if condition.len() > shape[axis] {
        return Err(
            call.shapes(format!("{} conditions", condition.len()), format!("at most {}", shape[axis]))
        );
    }
    let kept: Vec<usize> = (0..condition.len()).filter(|i| condition[*i] != 0).collect();
    one(rows(x, &shape, axis, &kept))
}

/// The rows `kept` along `axis` of `x`, which has `shape`.
fn rows(x: &Tensor, shape: &[usize], axis: usize, kept: &[usize]) -> Tensor {
    let inner = elems(&shape[axis + 1..]);
    let row = shape[axis] * inner;
    let outer = elems(&shape[..axis]);
    let at: Vec<usize> = (0..outer)
        .flat_map(|o| kept.iter().flat_map(move |k| (0..inner).map(move |i| o * row + k * inner + i)))
        .collect();
    let mut result = shape.to_vec();
    result[axis] = kept.len();
    x.picked(result, &at)
}

fn non_zero(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = x.numbers.reals();
    let shape = if x.shape.is_empty() { vec![1] } else { x.shape.clone() };
    let found: Vec<Vec<usize>> =
        (0..values.len()).filter(|at| values[*at] != 0.0).map(|at| position(&shape, at)).collect();
    let rank = shape.len();
    let indices = (0..rank).flat_map(|axis| found.iter().map(move |index| index[axis] as i64)).collect();
    one(Tensor::longs(vec![rank, found.len()], indices))
}

fn one_hot(call: &Call<'_>) -> Result {
    let (indices, values) = (call.operand(0)?, call.operand(2)?);
    let depth = call.scalar(1)?;
    if values.len() != 2 || depth.is_nan() || depth < 0.0 {
        return Err(call.shapes(format!("{} values, depth {depth}", values.len()), "two values and a depth"));
    }
    let depth = depth as usize;
    let mut shape = indices.shape.clone();
    let axis = call.int("axis", -1)?;
    let axis = call.axis(axis, shape.len() + 1)?;
    shape.insert(axis, depth);
    let shape = call.sized(shape)?;
    let inner = elems(&shape[axis + 1..]).max(1);
    let found = indices.numbers.reals();
    let hot = |at: usize| {
        let index = found[at / (inner * depth) * inner + at % inner].trunc();
        let index = if index < 0.0 { index + depth as f64 } else { index };
        usize::from(index == (at / inner % depth) as f64)
    };
    let at: Vec<usize> = (0..elems(&shape)).map(hot).collect();
    one(values.picked(shape, &at))
}

fn top_k(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let axis = call.axis(call.int("axis", -1)?, x.shape.len())?;
    let k = if call.optional(1).is_some() { call.integer(1)? } else { call.int("k", -1)? };
    let Some(k) = usize::try_from(k).ok().filter(|k| *k <= x.shape[axis]) else {
        return Err(call.shapes(format!("{k} of {} elements", x.shape[axis]), "no more than there are"));
    };
    let largest = call.int("largest", 1)? != 0;
    let values = x.numbers.reals();
    let exact = x.as_ints();
    let (size, inner) = (x.shape[axis], elems(&x.shape[axis + 1..]));
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let mut best = vec![0usize; elems(&shape)];
    let mut index = vec![0i64; best.len()];
    for o in 0..elems(&x.shape[..axis]) {
        for i in 0..inner {
            let at = |j: usize| o * size * inner + j * inner + i;
            let mut order: Vec<usize> = (0..size).collect();
            let compare = |a: usize, b: usize| match exact {
                Some(ints) => ints[a].cmp(&ints[b]),
                None => values[a].partial_cmp(&values[b]).unwrap_or(Ordering::Equal),
            };
            order.sort_by(|a, b| {
                let order = compare(at(*a), at(*b));
                if largest { order.reverse() } else { order }
            });
            for (rank, j) in order.into_iter().take(k).enumerate() {
                best[o * k * inner + rank * inner + i] = at(j);
                index[o * k * inner + rank * inner + i] = j as i64;
            }
        }
    }
    Ok(vec![x.picked(shape.clone(), &best), Tensor::longs(shape, index)])
}

fn unique(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let (shape, axis) = match call.node.attribute("axis") {
        None => (vec![x.len()], 0),
        Some(_) => (x.shape.clone(), call.axis(call.int("axis", 0)?, x.shape.len())?),
    };
    let inner = elems(&shape[axis + 1..]);
    let outer = elems(&shape[..axis]);
    let values = x.numbers.reals();
    if values.iter().any(|value| value.is_nan()) {
        return Err(Problem::new(Fault::Elements, "NaN", "numbers"));
    }
    let row = |j: usize| -> Vec<f64> {
        (0..outer)
            .flat_map(|o| (0..inner).map(move |i| (o, i)))
            .map(|(o, i)| values[(o * shape[axis] + j) * inner + i])
            .collect()
    };
    let lines: Vec<Vec<f64>> = (0..shape[axis]).map(row).collect();
    let compare = |a: &Vec<f64>, b: &Vec<f64>| {
        let unlike = a.iter().zip(b).find(|(a, b)| a != b);
        unlike.map_or(Ordering::Equal, |(a, b)| a.partial_cmp(b).unwrap_or(Ordering::Equal))
    };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|a, b| compare(&lines[*a], &lines[*b]));
    // For each distinct line where it is first, in ascending order.
    let mut first: Vec<usize> = vec![];
    let mut class = vec![0usize; lines.len()];
    for j in order {
        match first.last() {
            Some(last) if lines[*last] == lines[j] => {}
            _ => first.push(j),
        }
        class[j] = first.len() - 1;
    }
    let mut ranks: Vec<usize> = (0..first.len()).collect();
    if call.int("sorted", 1)? == 0 {
        ranks.sort_by_key(|rank| first[*rank]);
    }
    let mut place = vec![0i64; first.len()];
    ranks.iter().enumerate().for_each(|(new, old)| place[*old] = new as i64);
    let kept: Vec<usize> = ranks.iter().map(|rank| first[*rank]).collect();
    let mut counts = vec![0i64; first.len()];
    class.iter().for_each(|class| counts[place[*class] as usize] += 1);
    Ok(vec![
        rows(x, &shape, axis, &kept),
        Tensor::ints(kept.iter().map(|j| *j as i64).collect()),
        Tensor::ints(class.iter().map(|class| place[*class]).collect()),
        Tensor::ints(counts),
    ])
}

fn reverse_sequence(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let lengths = call.whole(1)?;
    let rank = x.shape.len();
    let (batch, time) =
        (call.axis(call.int("batch_axis", 1)?, rank)?, call.axis(call.int("time_axis", 0)?, rank)?);
    let legal = |length: &i64| *length >= 0 && *length as u64 <= x.shape[time] as u64;
    if lengths.len() != x.shape[batch] || !lengths.iter().all(legal) || batch == time {
        return Err(call.shapes(format!("lengths {lengths:?}"), "one for each of the batch, within the time"));
    }
    debug_assert!(call.operand(1)?.elem.integer().is_some());
    let steps = strides(&x.shape);
    let from = |at: usize| {
        let mut index = position(&x.shape, at);
        let length = lengths[index[batch]] as usize;
        if index[time] < length {
            index[time] = length - 1 - index[time];
        }
        index.iter().zip(&steps).map(|(i, step)| i * step).sum()
    };
    let at: Vec<usize> = (0..x.len()).map(from).collect();
    one(x.picked(x.shape.clone(), &at))
}
