//! Gradients: of operators and quantizers against central differences in double precision of scalar code written for
//! the purpose, of fused kernels against the same components composed, and at chosen points against formulas.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/geometry.rs"]
mod geometry;
#[path = "../common/noise.rs"]
mod random;

mod formulas;
mod operators;
mod quantizers;
mod statistics;

use exactum_training::backend::{Tensor, TensorData, training_device};

fn leaf<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), &training_device()).require_grad()
}

/// Numbers from -1 to 1, determined by `seed`.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    random::noise(seed).take(len).collect()
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// A loss whose gradient differs between elements and depends on them.
fn loss<const D: usize>(y: Tensor<D>) -> Tensor<1> {
    let upstream = leaf(&noise(y.dims().iter().product(), 99), y.dims()).detach();
    (y.clone() * upstream + y.clone() * y * 0.5).sum()
}

/// The same of numbers.
fn scalar_loss(y: &[f64]) -> f64 {
    noise(y.len(), 99).iter().zip(y).map(|(upstream, y)| f64::from(*upstream) * y + 0.5 * y * y).sum()
}

/// Compares gradients with central differences of `f`, whose arguments are the values of all leaves, one behind the
/// other. Rounding errors of single precision are far below the tolerance, and so is the error of the differences.
fn assert_differences(what: &str, leaves: &[Vec<f32>], found: &[Vec<f32>], f: impl Fn(&[Vec<f64>]) -> f64) {
    let at: Vec<Vec<f64>> = leaves.iter().map(|leaf| doubles(leaf)).collect();
    for (leaf, found) in found.iter().enumerate() {
        assert_eq!(found.len(), at[leaf].len(), "{what}");
        let difference = |element: usize| {
            let moved = |step: f64| {
                let mut at = at.clone();
                at[leaf][element] += step;
                f(&at)
            };
            (moved(1e-5) - moved(-1e-5)) / 2e-5
        };
        let needed: Vec<f64> = (0..found.len()).map(difference).collect();
        let largest = needed.iter().fold(1f64, |largest, value| largest.max(value.abs()));
        assert!(needed.iter().any(|value| value.abs() > 1e-3), "{what}: no gradient at leaf {leaf}");
        for (element, (found, needed)) in found.iter().zip(needed).enumerate() {
            let distance = (f64::from(*found) - needed).abs();
            assert!(
                distance <= 3e-5 * largest,
                "{what}, leaf {leaf}, element {element}: {found}, not {needed}"
            );
        }
    }
}

fn assert_close(found: &[f32], needed: &[f32], tolerance: f32) {
    assert_eq!(found.len(), needed.len());
    for (found, needed) in found.iter().zip(needed) {
        assert!((found - needed).abs() <= tolerance, "{found} is not {needed}");
    }
}
