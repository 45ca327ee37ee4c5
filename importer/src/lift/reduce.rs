//! Reductions over axes: pools whose one window covers what is reduced.

use exactum_runtime::num::{IntRange, IntType};

use super::activation::apply;
use super::functions::line;
use super::pool::Kind;
use super::{Context, Lifter, Operand, matmul};
use crate::diagnostic::{Code, Diagnostic};
use crate::exact::Elementary;
use crate::graph::{Activation, Codes, Constant, Op, Type, ValueId};

/// `ReduceMean`, `ReduceSum`, `ReduceMax`, `ReduceMin`, and sums of functions of the elements.
pub(super) fn reduce(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let op = context.node.op_type.as_str();
    let (x, coding) = match op {
        "ReduceMax" | "ReduceMin" => lifter.moved(context)?,
        _ => (lifter.real(context, 0)?, None),
    };
    let shape = lifter.shape(x);
    let rank = shape.len();
    let axes = match context.ints_of("axes", 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => context.axes(&axes, rank)?,
        None if context.flag("noop_with_empty_axes") => {
            // Over no axes: what is done to each element by itself.
            let id = match (before(op), after(op)) {
                (None, None) => lifter.emit(context, Op::Identity, vec![x], None)?,
                _ => within(lifter, context, op, x, |_, x| Ok(x))?,
            };
            lifter.finish(context, 0, Operand { id, coding });
            return Ok(());
        }
        None => (0..rank).collect(),
    };
    if axes.contains(&0) {
        let problem =
            context.form("axes", format!("{axes:?} with axis 0, the batch"), "axes after the batch");
        return Err(problem.with_hint("reduce over the axes of one sample only"));
    }
    let id = match op {
        "ReduceMax" => pool(lifter, context, x, &axes, Kind::Max)?,
        "ReduceMin" => pool(lifter, context, x, &axes, Kind::Min)?,
        "ReduceMean" => pool(lifter, context, x, &axes, Kind::Average)?,
        "ReduceProd" => product(lifter, context, x, &axes)?,
        _ => within(lifter, context, op, x, |lifter, x| {
            let mean = pool(lifter, context, x, &axes, Kind::Average)?;
            let count: usize = axes.iter().map(|axis| shape[*axis]).product();
            lifter.emit(context, line(count as f64, 0.0), vec![mean], None)
        })?,
    };
    let keep = context.node.int("keepdims").unwrap_or(1) != 0;
    let result = kept(&shape, &axes, keep);
    let id = lifter.reshape(context, id, &result)?;
    lifter.finish(context, 0, Operand { id, coding });
    Ok(())
}

/// The mean of `x` over the axes that attributes name.
pub(super) fn mean_of(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let axes = context.axes(context.node.ints("axes").unwrap_or_default(), shape.len())?;
    if axes.is_empty() || axes.contains(&0) {
        let found = format!("axes {axes:?}, or all with the batch");
        return Err(context.attribute("axes", found, "axes after the batch"));
    }
    let id = pool(lifter, context, x, &axes, Kind::Average)?;
    let keep = context.node.int("keepdims").unwrap_or(1) != 0;
    lifter.reshape(context, id, &kept(&shape, &axes, keep))
}

/// `shape` without `axes`, or with these of size 1.
fn kept(shape: &[usize], axes: &[usize], keep: bool) -> Vec<usize> {
    (0..shape.len())
        .filter(|axis| keep || !axes.contains(axis))
        .map(|axis| if axes.contains(&axis) { 1 } else { shape[axis] })
        .collect()
}

/// The function of each element that `op` sums up.
fn before(op: &str) -> Option<Activation> {
    match op {
        "ReduceL1" => Some(Activation::Abs),
        "ReduceL2" | "ReduceSumSquare" => Some(Activation::Power { exponent: 2 }),
        _ => None,
    }
}

/// What `op` makes of the sum.
fn after(op: &str) -> Option<Activation> {
    let of = match op {
        "ReduceL2" => Elementary::Sqrt,
        "ReduceLogSum" => Elementary::Log,
        _ => return None,
    };
    Some(Activation::Elementary { of })
}

/// `sum` between the functions that `op` has before and after it.
fn within<'a>(
    lifter: &mut Lifter<'a>,
    context: &Context<'_>,
    op: &str,
    mut x: ValueId,
    sum: impl FnOnce(&mut Lifter<'a>, ValueId) -> Result<ValueId, Diagnostic>,
) -> Result<ValueId, Diagnostic> {
    if let Some(function) = before(op) {
        x = apply(lifter, context, x, function)?;
    }
    let mut id = sum(lifter, x)?;
    if let Some(function) = after(op) {
        id = apply(lifter, context, id, function)?;
    }
    Ok(id)
}

/// `x` with the axes that are kept before `axes`, and the elements of the former.
fn kept_first(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axes: &[usize],
) -> Result<(ValueId, usize), Diagnostic> {
    let shape = lifter.shape(x);
    let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
    let perm = kept.iter().chain(axes).copied().collect();
    Ok((lifter.transpose(context, x, perm)?, kept.iter().map(|axis| shape[*axis]).product()))
}

/// `x` with the axes that are kept first and all of `axes` as the last one, and the sizes of both.
fn gathered(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axes: &[usize],
) -> Result<(ValueId, usize, usize), Diagnostic> {
    let shape = lifter.shape(x);
    let count = axes.iter().map(|axis| shape[*axis]).product();
    let (turned, rows) = kept_first(lifter, context, x, axes)?;
    Ok((lifter.reshape(context, turned, &[1, rows, count])?, rows, count))
}

/// Most factors of a product over axes.
const MAX_FACTORS: usize = 16;

/// The product over `axes`, one factor after the other.
fn product(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axes: &[usize],
) -> Result<ValueId, Diagnostic> {
    let (rows, kept, count) = gathered(lifter, context, x, axes)?;
    if count > MAX_FACTORS {
        let found = format!("a product of {count} elements");
        return Err(context.form(
            "axes",
            found,
            format!("at most {MAX_FACTORS}, whose product fits 32 bits"),
        ));
    }
    let factor = |lifter: &mut Lifter<'_>, at: usize| {
        let op = Op::Slice { starts: vec![0, 0, at], steps: vec![1, 1, 1], sizes: vec![1, kept, 1] };
        lifter.emit(context, op, vec![rows], None)
    };
    let mut product = factor(lifter, 0)?;
    for at in 1..count {
        let next = factor(lifter, at)?;
        product = lifter.emit(context, Op::Mul, vec![product, next], None)?;
    }
    Ok(product)
}

/// `CumSum`: the product with a matrix of zeros and ones.
pub(super) fn cum_sum(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let x = lifter.real(context, 0)?;
    let shape = lifter.shape(x);
    let rank = shape.len();
    let axis = match context.ints(1)?.as_slice() {
        [axis] => context.axis(*axis, rank)?,
        other => return Err(context.form("input 1", format!("{other:?}"), "one axis")),
    };
    if axis == 0 {
        return Err(context.form("input 1", "axis 0, the batch", "an axis after the batch"));
    }
    let size = shape[axis];
    if size > MAX_SUMS {
        return Err(context.problem(
            Code::TooLarge,
            "",
            format!("{size} sums"),
            format!("at most {MAX_SUMS}"),
        ));
    }
    let (exclusive, reverse) = (context.flag("exclusive"), context.flag("reverse"));
    let counts = |from: usize, to: usize| {
        let (first, second) = if reverse { (to, from) } else { (from, to) };
        first < second || first == second && !exclusive
    };
    let ones = (0..size).flat_map(|from| (0..size).map(move |to| i32::from(counts(from, to)))).collect();
    let (int, range) = (IntType::INT8, IntRange { lo: 0, hi: 1 });
    let codes = Codes { int, range, zero_point: 0, scale: vec![1.0], axis: None };
    let name = format!("{}:matrix", context.name);
    let matrix = lifter.constant(&name, &[size, size], Type::Codes(codes), Constant::Codes(ones));
    // Exchanging two axes is its own opposite.
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(axis, rank - 1);
    let turned = lifter.transpose(context, x, perm.clone())?;
    let sums = matmul::product(lifter, context, turned, matrix, None)?;
    let id = lifter.transpose(context, sums, perm)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// Longest axis of a cumulative sum.
const MAX_SUMS: usize = 4096;

/// The pool over `axes`, none of which is the batch, with those that are kept as channels: `[1, kept, 1, 1]`.
fn pool(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    axes: &[usize],
    kind: Kind,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(x);
    let sizes: Vec<usize> = axes.iter().map(|axis| shape[*axis]).collect();
    let (width, rows) = sizes.split_last().map_or((1, 1), |(width, rows)| (*width, rows.iter().product()));
    let (turned, channels) = kept_first(lifter, context, x, axes)?;
    let image = lifter.reshape(context, turned, &[1, channels, rows, width])?;
    lifter.emit(context, kind.whole([rows, width]), vec![image], None)
}
