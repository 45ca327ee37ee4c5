//! `MatMul` and `Gemm` with a constant matrix.
//!
//! A product with one row is a dense layer. One with several, of which each row is multiplied by the same matrix, is a
//! convolution whose window has one tap.

use super::{Context, Lifter, patches};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Affine, Conv, Layout, Op, ValueId, Window};

/// A window of one tap.
const POINT: Window = Window { size: [1, 1], stride: [1, 1], pads: [0; 4], dilation: [1, 1] };

/// `MatMul`.
pub(super) fn mat_mul(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (a, b) = (lifter.value(context, 0)?.id, lifter.value(context, 1)?.id);
    let y = match (lifter.is_fixed(a), lifter.is_fixed(b)) {
        (true, false) => {
            let matrix = lifter.weight(context, 0)?;
            let x = lifter.real(context, 1)?;
            product_from_left(lifter, context, matrix, x)?
        }
        _ => {
            let x = lifter.real(context, 0)?;
            let matrix = lifter.weight(context, 1)?;
            match patches::product(lifter, context, x, matrix)? {
                Some(y) => y,
                None => product(lifter, context, x, matrix, None)?,
            }
        }
    };
    lifter.finish(context, 0, y);
    Ok(())
}

/// The rows of `x`, along its last axis, times `matrix`, `[inputs, outputs]`, plus `bias`.
pub(super) fn product(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    matrix: ValueId,
    bias: Option<ValueId>,
) -> Result<ValueId, Diagnostic> {
    // A vector is a matrix of one column, which the result does not have.
    if let [inputs] = lifter.shape(matrix)[..] {
        let column = lifter.reshape(context, matrix, &[inputs, 1])?;
        let y = product(lifter, context, x, column, bias)?;
        let shape = lifter.shape(y);
        return lifter.reshape(context, y, &shape[..shape.len() - 1]);
    }
    let matrix = plain_matrix(lifter, context, matrix)?;
    let (shape, weight) = (lifter.shape(x), lifter.shape(matrix));
    let (Some((&inputs, rows)), &[depth, outputs]) = (shape.split_last(), weight.as_slice()) else {
        return Err(mismatch(context, &shape, &weight));
    };
    if inputs != depth {
        return Err(mismatch(context, &shape, &weight));
    }
    let count: usize = rows.iter().product();
    let result = [rows, &[outputs]].concat();
    if count == 1 {
        let row = lifter.reshape(context, x, &[1, inputs])?;
        let op = match bias {
            None => Op::MatMul,
            Some(_) => Op::Gemm { alpha: 1.0, beta: 1.0, trans_a: false, trans_b: false },
        };
        let y = lifter.emit(context, op, [row, matrix].into_iter().chain(bias).collect(), None)?;
        return lifter.reshape(context, y, &result);
    }
    let columns = lifter.reshape(context, x, &[1, count, inputs])?;
    let columns = lifter.transpose(context, columns, vec![0, 2, 1])?;
    let columns = lifter.reshape(context, columns, &[1, inputs, count, 1])?;
    let taps = lifter.transpose(context, matrix, vec![1, 0])?;
    let taps = lifter.reshape(context, taps, &[outputs, inputs, 1, 1])?;
    let y = lifter.emit(context, point(), [columns, taps].into_iter().chain(bias).collect(), None)?;
    let y = lifter.reshape(context, y, &[1, outputs, count])?;
    let y = lifter.transpose(context, y, vec![0, 2, 1])?;
    lifter.reshape(context, y, &result)
}

/// `matrix`, `[outputs, inputs]`, times the columns of `x`, along its axis before the last.
fn product_from_left(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    matrix: ValueId,
    x: ValueId,
) -> Result<ValueId, Diagnostic> {
    let matrix = plain_matrix(lifter, context, matrix)?;
    let (weight, shape) = (lifter.shape(matrix), lifter.shape(x));
    let (&[outputs, depth], Some((&columns, rest))) = (weight.as_slice(), shape.split_last()) else {
        return Err(mismatch(context, &weight, &shape));
    };
    let Some((&inputs, before)) = rest.split_last().filter(|(inputs, _)| **inputs == depth) else {
        return Err(mismatch(context, &weight, &shape));
    };
    if before.iter().any(|size| *size != 1) {
        let problem =
            context.form("input 1", format!("shape {shape:?}"), "one matrix, and axes of size 1 before it");
        return Err(problem.with_hint("transpose the product, so that the constant matrix is on the right"));
    }
    let image = lifter.reshape(context, x, &[1, inputs, columns, 1])?;
    let taps = lifter.reshape(context, matrix, &[outputs, inputs, 1, 1])?;
    let y = lifter.emit(context, point(), vec![image, taps], None)?;
    lifter.reshape(context, y, &[before, &[outputs, columns]].concat())
}

const fn point() -> Op {
    Op::Conv(Conv { window: POINT, groups: 1, layout: Layout::ChannelsFirst })
}

fn mismatch(context: &Context<'_>, a: &[usize], b: &[usize]) -> Diagnostic {
    context.shapes(format!("{a:?} times {b:?}"), "matrices with equal inner size")
}

/// A constant matrix without axes of size 1 before it.
fn plain_matrix(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    matrix: ValueId,
) -> Result<ValueId, Diagnostic> {
    let shape = lifter.shape(matrix);
    match shape.as_slice() {
        [_, _] => Ok(matrix),
        [before @ .., rows, columns] if before.iter().all(|size| *size == 1) => {
            lifter.reshape(context, matrix, &[*rows, *columns])
        }
        _ => Err(context.form("weight", format!("shape {shape:?}"), "one constant matrix")),
    }
}

/// `Gemm`.
pub(super) fn gemm(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let y = gemm_of(lifter, context)?;
    lifter.finish(context, 0, y);
    Ok(())
}

/// The product and sum that `Gemm` computes of its operands.
pub(super) fn gemm_of(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<ValueId, Diagnostic> {
    let mut x = lifter.real(context, 0)?;
    let matrix = lifter.weight(context, 1)?;
    let (alpha, beta) =
        (context.node.float("alpha").unwrap_or(1.0), context.node.float("beta").unwrap_or(1.0));
    if !alpha.is_finite() || !beta.is_finite() {
        return Err(context.form("", "alpha or beta not finite", "numbers"));
    }
    if lifter.shape(x).len() != 2 || lifter.shape(matrix).len() != 2 {
        return Err(mismatch(context, &lifter.shape(x), &lifter.shape(matrix)));
    }
    if context.flag("transA") {
        x = lifter.transpose(context, x, vec![1, 0])?;
    }
    let trans_b = context.flag("transB");
    let outputs = lifter.shape(matrix)[usize::from(!trans_b)];
    let bias = match context.optional(2) {
        Some(_) => Some(summand(lifter, context, outputs)?),
        None => None,
    };
    if lifter.shape(x)[0] == 1 {
        let op = Op::Gemm { alpha, beta, trans_a: false, trans_b };
        lifter.emit(context, op, [x, matrix].into_iter().chain(bias).collect(), None)
    } else {
        let matrix = if trans_b { lifter.transpose(context, matrix, vec![1, 0])? } else { matrix };
        if bias.is_some() && (alpha, beta) != (1.0, 1.0) {
            let found = format!("alpha {alpha:?}, beta {beta:?} with several rows");
            return Err(context.form("", found, "alpha and beta 1, or no summand"));
        }
        let y = product(lifter, context, x, matrix, bias)?;
        if alpha == 1.0 {
            Ok(y)
        } else {
            let affine = Affine { multiply: vec![alpha.into()], divide: vec![1.0], add: vec![0.0], axis: 1 };
            lifter.emit(context, Op::Affine(affine), vec![y], None)
        }
    }
}

/// The summand of a `Gemm`, with an element for each output.
fn summand(lifter: &mut Lifter<'_>, context: &Context<'_>, outputs: usize) -> Result<ValueId, Diagnostic> {
    let id = lifter.weight(context, 2)?;
    let shape = lifter.shape(id);
    let elems: usize = shape.iter().product();
    if shape.last() == Some(&outputs) && elems == outputs {
        return Ok(id);
    }
    match context.tensor(2) {
        Ok(tensor) if elems == 1 => {
            let value = tensor.scalar().unwrap_or(0.0) as f32;
            let name = format!("{}:summand", context.name);
            Ok(lifter.floats(&name, &[outputs], vec![value; outputs]))
        }
        _ => {
            let found = format!("a summand of shape {shape:?}");
            let needed = format!("one element for each of {outputs} outputs");
            Err(context.problem(Code::ShapeMismatch, "input 2", found, needed))
        }
    }
}
