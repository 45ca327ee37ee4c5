//! Products: `Gemm`, `MatMul` and `Conv`, as sums of exact products.

use num_bigint::BigInt;
use num_traits::Zero;

use super::window::Window;
use super::{Applied, Dyadic, Result};

/// The product of two matrices.
pub(super) fn mat_mul(a: &Dyadic, b: &Dyadic) -> Dyadic {
    let (rows, inner, columns) = (a.shape[0], a.shape[1], b.shape[1]);
    let mut integers = vec![BigInt::zero(); rows * columns];
    for row in 0..rows {
        for i in 0..inner {
            let left = &a.integers[row * inner + i];
            for column in 0..columns {
                integers[row * columns + column] += left * &b.integers[i * columns + column];
            }
        }
    }
    Dyadic { shape: vec![rows, columns], integers, exponent: a.exponent + b.exponent }
}

fn transposed(matrix: &Dyadic) -> Dyadic {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1]);
    let integers = (0..rows * columns).map(|i| matrix.integers[i % rows * columns + i / rows].clone());
    Dyadic { shape: vec![columns, rows], integers: integers.collect(), exponent: matrix.exponent }
}

/// `alpha * A * B + beta * C`.
pub(super) fn gemm(applied: &Applied<'_>) -> Result<Dyadic> {
    let operand = |index: usize, flag: &str| {
        let matrix = applied.real(index)?;
        if matrix.shape.len() != 2 {
            return applied.fail(format!("operand {index} of shape {:?}", matrix.shape));
        }
        Ok(if applied.int(flag, 0)? == 0 { matrix.clone() } else { transposed(matrix) })
    };
    let (a, b) = (operand(0, "transA")?, operand(1, "transB")?);
    if a.shape[1] != b.shape[0] {
        return applied.fail(format!("matrices of shapes {:?} and {:?}", a.shape, b.shape));
    }
    let product = mat_mul(&a, &b).times(&applied.factor("alpha")?);
    Ok(match applied.optional_real(2)? {
        Some(c) => product.broadcast_add(&c.clone().times(&applied.factor("beta")?)),
        None => product,
    })
}

/// Convolution of one channels-first image.
pub(super) fn conv(applied: &Applied<'_>) -> Result<Dyadic> {
    let (x, weight) = (applied.real(0)?, applied.real(1)?);
    let ([1, channels, height, width], [outputs, per_group, kh, kw]) = (&x.shape[..], &weight.shape[..])
    else {
        return applied.fail(format!("shapes {:?} and {:?}", x.shape, weight.shape));
    };
    let groups = applied.int("group", 1)? as usize;
    if per_group * groups != *channels || outputs % groups != 0 {
        return applied.fail(format!("{groups} groups for {channels} and {outputs} channels"));
    }
    let window = Window::read(applied, [*height, *width], [*kh, *kw])?;
    let [rows, columns] = window.output;
    let mut integers = vec![BigInt::zero(); outputs * rows * columns];
    for row in 0..rows {
        for column in 0..columns {
            let taps = window.taps(row, column);
            for output in 0..*outputs {
                let first = output / (outputs / groups) * per_group;
                let sum = &mut integers[(output * rows + row) * columns + column];
                for input in 0..*per_group {
                    for ([i, j], pixel) in &taps {
                        let w = &weight.integers[((output * per_group + input) * kh + i) * kw + j];
                        *sum += w * &x.integers[(first + input) * height * width + pixel];
                    }
                }
            }
        }
    }
    let shape = vec![1, *outputs, rows, columns];
    let result = Dyadic { shape, integers, exponent: x.exponent + weight.exponent };
    Ok(match applied.optional_real(2)? {
        Some(bias) => {
            let along_channels = vec![bias.integers.len(), 1, 1];
            result.broadcast_add(&Dyadic { shape: along_channels, ..bias.clone() })
        }
        None => result,
    })
}
