//! Reductions over axes, and running sums.

use super::number::{log_sum_exp, sum};
use super::{Call, Numbers, Result, Tensor, elems, family, of_type, one};
use exactum_host::elements::{strided, strides};
use exactum_qonnx::ElemType;

family! {
    "ReduceSum" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| fold(call, |v| sum(v.iter().copied()), |v| v.iter().sum());
    "ReduceSumSquare" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, |v| sum(v.iter().map(|x| x * x)), |v| v.iter().map(|x| x * x).sum())
    };
    "ReduceMean" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, |v| sum(v.iter().copied()) / v.len() as f64, |v| v.iter().sum::<i128>() / (v.len().max(1) as i128))
    };
    "ReduceProd" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, |v| v.iter().product(), |v| v.iter().fold(1, |product, x| product.wrapping_mul(*x)))
    };
    "ReduceL1" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, |v| sum(v.iter().map(|x| x.abs())), |v| v.iter().map(|x| x.abs()).sum())
    };
    "ReduceL2" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        let root = |v: &[i128]| (v.iter().map(|x| x * x).sum::<i128>() as f64).sqrt() as i128;
        fold(call, |v| sum(v.iter().map(|x| x * x)).sqrt(), root)
    };
    "ReduceLogSum" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, |v| sum(v.iter().copied()).ln(), |v| (v.iter().sum::<i128>() as f64).ln() as i128)
    };
    "ReduceLogSumExp" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| {
        fold(call, log_sum_exp, |v| log_sum_exp(&v.iter().map(|x| *x as f64).collect::<Vec<_>>()) as i128)
    };
    "ReduceMax" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| extreme(call, true);
    "ReduceMin" 1..=2 ["axes" "keepdims" "noop_with_empty_axes"] |call| extreme(call, false);
    "ArgMax" 1..=1 ["axis" "keepdims" "select_last_index"] |call| arg(call, |a, b| a > b);
    "ArgMin" 1..=1 ["axis" "keepdims" "select_last_index"] |call| arg(call, |a, b| a < b);
    "CumSum" 2..=2 ["exclusive" "reverse"] |call| running(call, |a, b| a + b, i128::wrapping_add, 0);
    "CumProd" 2..=2 ["exclusive" "reverse"] |call| running(call, |a, b| a * b, i128::wrapping_mul, 1);
}

/// The shape of the result, and for each of its elements the ones that are reduced; `None` if nothing is.
type Groups = Option<(Vec<usize>, Vec<usize>, Vec<usize>)>;

fn groups(call: &Call<'_>) -> Result<Groups> {
    let shape = &call.operand(0)?.shape;
    let rank = shape.len();
    let given = call.ints_of("axes", 1)?.unwrap_or_default();
    if given.is_empty() && call.int("noop_with_empty_axes", 0)? != 0 {
        return Ok(None);
    }
    let mut reduced = vec![given.is_empty(); rank];
    for axis in given {
        reduced[call.axis(axis, rank)?] = true;
    }
    let keep = call.int("keepdims", 1)? != 0;
    let result = (0..rank)
        .filter(|axis| keep || !reduced[*axis])
        .map(|axis| if reduced[axis] { 1 } else { shape[axis] })
        .collect();
    let steps = strides(shape);
    let axes = |inner: bool| {
        strided((0..rank).filter(|axis| reduced[*axis] == inner).map(|axis| (shape[axis], steps[axis])))
    };
    Ok(Some((result, axes(false), axes(true))))
}

fn fold(call: &Call<'_>, real: impl Fn(&[f64]) -> f64, whole: impl Fn(&[i128]) -> i128) -> Result {
    let x = call.operand(0)?;
    let Some((shape, outer, inner)) = groups(call)? else {
        // Each element is a group of its own.
        return one(match &x.numbers {
            Numbers::Real(values) => {
                Tensor::real(x.elem, x.shape.clone(), values.iter().map(|value| real(&[*value])))
            }
            Numbers::Int(values) => Tensor::wrapped(
                x.elem,
                x.shape.clone(),
                values.iter().map(|value| whole(&[(*value).into()])),
            )?,
        });
    };
    if x.elem == ElemType::Bool {
        return Err(of_type(x, "numbers"));
    }
    match &x.numbers {
        Numbers::Real(values) => {
            let group =
                |base: &usize| real(&inner.iter().map(|offset| values[base + offset]).collect::<Vec<_>>());
            one(Tensor::real(x.elem, shape, outer.iter().map(group)))
        }
        Numbers::Int(values) => {
            let group = |base: &usize| {
                whole(&inner.iter().map(|offset| values[base + offset].into()).collect::<Vec<i128>>())
            };
            one(Tensor::wrapped(x.elem, shape, outer.iter().map(group))?)
        }
    }
}

fn extreme(call: &Call<'_>, largest: bool) -> Result {
    let x = call.operand(0)?;
    let Some((shape, outer, inner)) = groups(call)? else { return one(x.clone()) };
    match &x.numbers {
        Numbers::Real(values) => {
            let start = if largest { f64::NEG_INFINITY } else { f64::INFINITY };
            let wins = |a: f64, b: f64| if largest { a > b } else { a < b };
            let pick = |a: f64, b: f64| if a.is_nan() || !b.is_nan() && wins(a, b) { a } else { b };
            let group =
                |base: &usize| inner.iter().fold(start, |best, offset| pick(best, values[base + offset]));
            one(Tensor::real(x.elem, shape, outer.iter().map(group)))
        }
        Numbers::Int(values) => {
            let (low, high) = x.elem.limits();
            let start = if largest { low } else { high };
            let group = |base: &usize| {
                inner.iter().fold(start, |best, offset| {
                    let value = i128::from(values[base + offset]);
                    if largest { best.max(value) } else { best.min(value) }
                })
            };
            one(Tensor::wrapped(x.elem, shape, outer.iter().map(group))?)
        }
    }
}

fn arg(call: &Call<'_>, better: fn(f64, f64) -> bool) -> Result {
    let x = call.operand(0)?;
    let rank = x.shape.len();
    let axis = call.axis(call.int("axis", 0)?, rank)?;
    let last = call.int("select_last_index", 0)? != 0;
    let (size, inner) = (x.shape[axis], strides(&x.shape)[axis]);
    if size == 0 {
        return Err(call.shapes("an axis without elements", "one element at least"));
    }
    let values = x.numbers.reals();
    let mut shape = x.shape.clone();
    shape[axis] = 1;
    let steps = strides(&x.shape);
    let outer = strided((0..rank).map(|i| (shape[i], steps[i])));
    let best = |base: &usize| {
        let at = |i: usize| values[base + i * inner];
        (1..size).fold(
            0usize,
            |best, i| if better(at(i), at(best)) || last && at(i) == at(best) { i } else { best },
        )
    };
    let found = outer.iter().map(|base| best(base) as i64).collect();
    if call.int("keepdims", 1)? == 0 {
        shape.remove(axis);
    }
    one(Tensor::longs(shape, found))
}

fn running(call: &Call<'_>, real: fn(f64, f64) -> f64, whole: fn(i128, i128) -> i128, start: i128) -> Result {
    let x = call.operand(0)?;
    let axis = call.axis(call.integer(1)?, x.shape.len())?;
    let (exclusive, reverse) = (call.int("exclusive", 0)? != 0, call.int("reverse", 0)? != 0);
    let (size, inner) = (x.shape[axis], strides(&x.shape)[axis]);
    let row = size * inner;
    let count = elems(&x.shape);
    // Along each line, where the elements are in the order in which they are added.
    let order: Vec<usize> = (0..count).filter(|at| row > 0 && at % row < inner).collect();
    let line = |base: usize| (0..size).map(move |i| base + inner * if reverse { size - 1 - i } else { i });
    match &x.numbers {
        Numbers::Real(values) => {
            let mut results = vec![0.0; count];
            for base in order {
                let mut total = start as f64;
                for at in line(base) {
                    let next = real(total, values[at]);
                    results[at] = if exclusive { total } else { next };
                    total = next;
                }
            }
            one(Tensor::real(x.elem, x.shape.clone(), results))
        }
        Numbers::Int(values) => {
            let mut results = vec![0; count];
            for base in order {
                let mut total = start;
                for at in line(base) {
                    let next = whole(total, values[at].into());
                    results[at] = if exclusive { total } else { next };
                    total = next;
                }
            }
            one(Tensor::wrapped(x.elem, x.shape.clone(), results)?)
        }
    }
}
