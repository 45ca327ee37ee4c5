//! `BatchNormalization`: a factor and a summand for each channel, which are doubles by definition.

use super::applied::Applied;
use super::round::nearest_f64;
use super::{Exact, Result};

/// `gamma / sqrt(var + eps)` and `beta - mean * gamma / sqrt(var + eps)`, evaluated in double precision from left to
/// right; all of it then exact.
pub(super) fn batch_normalization(applied: &Applied<'_>) -> Result<Exact> {
    let x = applied.real(0)?;
    if applied.int("training_mode", 0)? != 0 {
        return applied.fail("a batch norm in training");
    }
    let channels = x.shape.get(1).copied().unwrap_or_default();
    let doubles = |index: usize| -> Result<Vec<f64>> {
        let real = applied.real(index)?;
        if real.len() != channels {
            return applied
                .fail(format!("operand {index} has {} elements for {channels} channels", real.len()));
        }
        Ok(real.rationals().iter().map(nearest_f64).collect())
    };
    let (gamma, beta, mean, var) = (doubles(1)?, doubles(2)?, doubles(3)?, doubles(4)?);
    let epsilon = f64::from(applied.float("epsilon", 1e-5)?);
    let deviation: Vec<f64> = var.iter().map(|var| (var + epsilon).sqrt()).collect();
    let gain: Vec<f64> = (0..channels).map(|c| gamma[c] / deviation[c]).collect();
    let offset: Vec<f64> = (0..channels).map(|c| beta[c] - mean[c] * gamma[c] / deviation[c]).collect();
    let mut shape = vec![1; x.shape.len() - 1];
    shape[0] = channels;
    let along = |values: &[f64]| Exact::from_f64(shape.clone(), values);
    x.mul(&along(&gain)?)?.add(&along(&offset)?)
}
