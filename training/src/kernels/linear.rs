//! The product of a batch with the weights of a linear layer, and its gradients. Called by `ops::Linear`.

use pulp::Arch;

use super::gemm::{Matrix, Packed, multiply_add};
use super::parallel::map_rows;

/// `left * right` of `[rows, inner, columns]`, row-major.
fn product(left: Matrix<'_>, right: Matrix<'_>, [rows, inner, columns]: [usize; 3]) -> Vec<f32> {
    let mut out = vec![0.0; rows * columns];
    map_rows(&mut out, columns, inner, |row, out| {
        let dims = [out.len() / columns, inner, columns];
        multiply_add(Arch::new(), out, left.rows_from(row), right, dims, &mut Packed::default());
    });
    out
}

/// `x * transpose(weight)`, with `x` as `[batch, inputs]` and `weight` as `[outputs, inputs]`.
pub(super) fn forward(x: &[f32], weight: &[f32], [batch, inputs, outputs]: [usize; 3]) -> Vec<f32> {
    product(Matrix::new(x, inputs), Matrix::new(weight, inputs).transposed(), [batch, inputs, outputs])
}

/// The gradient of `x`, given that of the result.
pub(super) fn of_x(gradient: &[f32], weight: &[f32], [batch, inputs, outputs]: [usize; 3]) -> Vec<f32> {
    product(Matrix::new(gradient, outputs), Matrix::new(weight, inputs), [batch, outputs, inputs])
}

/// The gradient of the weight, given that of the result.
pub(super) fn of_weight(gradient: &[f32], x: &[f32], [batch, inputs, outputs]: [usize; 3]) -> Vec<f32> {
    product(Matrix::new(gradient, outputs).transposed(), Matrix::new(x, inputs), [outputs, batch, inputs])
}
