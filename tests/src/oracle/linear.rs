//! Matrix products: `MatMul` and `Gemm`, as sums of exact products.

use super::applied::Applied;
use super::exact::{Bilinear, broadcast, broadcast_index, position};
use super::int::Number;
use super::{Exact, Result, fail};

/// Products of stacked matrices: for each, where its operands start.
struct Sums {
    starts: Vec<(usize, usize)>,
    rows: usize,
    inner: usize,
    columns: usize,
}

impl Bilinear for Sums {
    fn terms(&self) -> usize {
        self.inner
    }

    fn sums<N: Number>(&self, a: &[N], b: &[N]) -> Vec<N> {
        let (inner, columns) = (self.inner, self.columns);
        let mut sums = vec![N::zero(); self.starts.len() * self.rows * columns];
        for (matrix, (first_a, first_b)) in self.starts.iter().enumerate() {
            for row in 0..self.rows {
                let result = &mut sums[(matrix * self.rows + row) * columns..][..columns];
                for i in 0..inner {
                    let left = &a[first_a + row * inner + i];
                    let right = &b[first_b + i * columns..][..columns];
                    for (sum, right) in result.iter_mut().zip(right) {
                        sum.add_product(left, right);
                    }
                }
            }
        }
        sums
    }
}

/// The product of matrices, as numpy defines it for stacks of matrices and for vectors.
pub(super) fn mat_mul(a: &Exact, b: &Exact) -> Result<Exact> {
    let (mut left, mut right) = (a.shape.clone(), b.shape.clone());
    let vectors = (left.len() == 1, right.len() == 1);
    if vectors.0 {
        left.insert(0, 1);
    }
    if vectors.1 {
        right.push(1);
    }
    let ([stack_a @ .., rows, inner], [stack_b @ .., same, columns]) = (&left[..], &right[..]) else {
        return fail("product", "a scalar");
    };
    if inner != same {
        return fail("product", format!("matrices of shapes {:?} and {:?}", a.shape, b.shape));
    }
    let stack = broadcast(stack_a, stack_b)?;
    let start = |index| {
        let from = |own: &[usize], elems: usize| broadcast_index(&stack, own, index) * elems;
        (from(stack_a, rows * inner), from(stack_b, inner * columns))
    };
    let starts = (0..stack.iter().product()).map(start).collect();
    let sums = Sums { starts, rows: *rows, inner: *inner, columns: *columns };
    let matrices = [&stack[..], &[*rows, *columns]].concat();
    let turned = b.clone().shaped(right.clone());
    let product = sums.apply(matrices, a, &turned, [stack.len() + 1, right.len() - 1]);
    let mut shape = stack.clone();
    shape.extend((!vectors.0).then_some(*rows));
    shape.extend((!vectors.1).then_some(*columns));
    Ok(product.shaped(shape))
}

/// A matrix with rows and columns exchanged.
fn transposed(matrix: &Exact) -> Exact {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    matrix.pick(vec![columns, rows], |index| {
        let at = position(&[columns, rows], index);
        at[1] * columns + at[0]
    })
}

/// `alpha * A * B`, with the attributes of `applied`.
pub(super) fn scaled_product(applied: &Applied<'_>, a: &Exact, b: &Exact) -> Result<Exact> {
    let operand = |matrix: &Exact, flag: &str| {
        if matrix.shape.len() != 2 {
            return applied.fail(format!("a matrix of shape {:?}", matrix.shape));
        }
        Ok(if applied.int(flag, 0)? == 0 { matrix.clone() } else { transposed(matrix) })
    };
    let product = mat_mul(&operand(a, "transA")?, &operand(b, "transB")?)?;
    Ok(product.times(&applied.number("alpha", 1.0)?))
}

/// `alpha * A * B + beta * C`.
pub(super) fn gemm(applied: &Applied<'_>) -> Result<Exact> {
    let product = scaled_product(applied, applied.real(0)?, applied.real(1)?)?;
    let Some(c) = applied.optional_real(2)? else { return Ok(product) };
    let sum = product.add(&c.clone().times(&applied.number("beta", 1.0)?))?;
    if sum.shape == product.shape { Ok(sum) } else { applied.fail(format!("C of shape {:?}", c.shape)) }
}
