//! Softmax and its relatives, and normalisations.

use super::number::{log_sum_exp, sum};
use super::{Call, Result, Tensor, elems, family, one, spread};
use exactum_host::elements::{strided, strides};
use exactum_host::functions;
use exactum_qonnx::ElemType;

family! {
    "Softmax" 1..=1 ["axis"] |call| along(call, |line| functions::softmax(line, &[line.len()], 0));
    "LogSoftmax" 1..=1 ["axis"] |call| along(call, |line| {
        let total = log_sum_exp(line);
        line.iter().map(|x| x - total).collect()
    });
    "Hardmax" 1..=1 ["axis"] |call| along(call, |line| {
        let best = (1..line.len()).fold(0, |best, i| if line[i] > line[best] { i } else { best });
        (0..line.len()).map(|i| f64::from(u8::from(i == best))).collect()
    });
    "LayerNormalization" 2..=3 ["axis" "epsilon" "stash_type"] layer_normalization;
    "RMSNormalization" 2..=2 ["axis" "epsilon" "stash_type"] rms_normalization;
    "InstanceNormalization" 3..=3 ["epsilon"] instance_normalization;
    "GroupNormalization" 3..=3 ["epsilon" "num_groups" "stash_type"] group_normalization;
    "MeanVarianceNormalization" 1..=1 ["axes"] mean_variance;
    "LpNormalization" 1..=1 ["axis" "p"] lp_normalization;
    "BatchNormalization" 5..=5 ["epsilon" "momentum" "training_mode" "spatial" "is_test"] batch_normalization;
    "LRN" 1..=1 ["alpha" "beta" "bias" "size"] lrn;
}

/// Applies `function` along the axis; before version 13 to all axes from there on.
fn along(call: &Call<'_>, function: impl Fn(&[f64]) -> Vec<f64>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let modern = call.version >= 13;
    let axis = call.int("axis", if modern { -1 } else { 1 })?;
    let axis = if !modern && axis as usize == x.shape.len() {
        x.shape.len()
    } else {
        call.axis(axis, x.shape.len())?
    };
    let (size, inner) =
        if modern { (x.shape[axis], elems(&x.shape[axis + 1..])) } else { (elems(&x.shape[axis..]), 1) };
    let mut results = vec![0.0; values.len()];
    let row = size * inner;
    for base in (0..values.len()).filter(|at| row > 0 && at % row < inner) {
        let line: Vec<f64> = (0..size).map(|i| values[base + i * inner]).collect();
        for (i, result) in function(&line).into_iter().enumerate() {
            results[base + i * inner] = result;
        }
    }
    one(Tensor::real(x.elem, x.shape.clone(), results))
}

fn mean(values: &[f64]) -> f64 {
    sum(values.iter().copied()) / values.len() as f64
}

fn variance(values: &[f64], mean: f64) -> f64 {
    sum(values.iter().map(|x| (x - mean) * (x - mean))) / values.len() as f64
}

fn epsilon(call: &Call<'_>, default: f32) -> Result<f64> {
    call.float("epsilon", f64::from(default))
}

fn layer_normalization(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let axis = call.axis(call.int("axis", -1)?, x.shape.len())?;
    let epsilon = epsilon(call, 1e-5)?;
    let size = elems(&x.shape[axis..]);
    let part = |index: usize| -> Result<Option<(Vec<f64>, Vec<usize>)>> {
        let Some(tensor) = call.optional(index) else { return Ok(None) };
        if call.broadcast_shape(&[&x.shape, &tensor.shape])? != x.shape {
            return Err(call.shapes(format!("{:?} of {:?}", tensor.shape, x.shape), "shapes that broadcast"));
        }
        Ok(Some((call.reals(index)?.to_vec(), spread(&tensor.shape, &x.shape))))
    };
    let (scale, bias) = (part(1)?, part(2)?);
    let (mut results, mut means, mut inverses) = (vec![], vec![], vec![]);
    for (row, line) in values.chunks(size.max(1)).enumerate() {
        let mean = mean(line);
        let inverse = 1.0 / (variance(line, mean) + epsilon).sqrt();
        for (i, value) in line.iter().enumerate() {
            let at = row * size + i;
            let scaled =
                (value - mean) * inverse * scale.as_ref().map_or(1.0, |(values, from)| values[from[at]]);
            results.push(scaled + bias.as_ref().map_or(0.0, |(values, from)| values[from[at]]));
        }
        means.push(mean);
        inverses.push(inverse);
    }
    let shape: Vec<usize> = (0..x.shape.len()).map(|i| if i < axis { x.shape[i] } else { 1 }).collect();
    Ok(vec![
        Tensor::real(x.elem, x.shape.clone(), results),
        Tensor::real(ElemType::F32, shape.clone(), means),
        Tensor::real(ElemType::F32, shape, inverses),
    ])
}

fn rms_normalization(call: &Call<'_>) -> Result {
    let (x, scale) = (call.operand(0)?, call.operand(1)?);
    let (values, scales) = (call.reals(0)?, call.reals(1)?);
    let axis = call.axis(call.int("axis", -1)?, x.shape.len())?;
    let epsilon = epsilon(call, 1e-5)?;
    if call.broadcast_shape(&[&x.shape, &scale.shape])? != x.shape {
        return Err(call.shapes(format!("{:?} of {:?}", scale.shape, x.shape), "shapes that broadcast"));
    }
    let from = spread(&scale.shape, &x.shape);
    let size = elems(&x.shape[axis..]).max(1);
    let mut results = vec![];
    for (row, line) in values.chunks(size).enumerate() {
        let root = (sum(line.iter().map(|x| x * x)) / line.len() as f64 + epsilon).sqrt();
        results.extend(line.iter().enumerate().map(|(i, x)| x / root * scales[from[row * size + i]]));
    }
    one(Tensor::real(scale.elem, x.shape.clone(), results))
}

/// Normalizes groups of consecutive elements, each of `size`.
fn grouped(x: &[f64], size: usize, epsilon: f64) -> Vec<f64> {
    x.chunks(size.max(1))
        .flat_map(|line| {
            let mean = mean(line);
            let root = (variance(line, mean) + epsilon).sqrt();
            line.iter().map(move |x| (x - mean) / root).collect::<Vec<_>>()
        })
        .collect()
}

fn channels(call: &Call<'_>) -> Result<(usize, usize)> {
    match call.operand(0)?.shape.as_slice() {
        [_, channels, rest @ ..] => Ok((*channels, elems(rest))),
        shape => Err(call.shapes(format!("{shape:?}"), "a batch and channels")),
    }
}

fn scaled(call: &Call<'_>, normal: Vec<f64>, scales: usize) -> Result {
    let x = call.operand(0)?;
    let (channels, inner) = channels(call)?;
    let (scale, bias) = (call.reals(1)?, call.reals(2)?);
    if scale.len() != scales || bias.len() != scales || channels % scales.max(1) != 0 {
        return Err(call.shapes(format!("{} scales", scale.len()), format!("{scales}")));
    }
    let of = |at: usize| at / inner.max(1) % channels / (channels / scales.max(1));
    let results = normal.into_iter().enumerate().map(|(at, value)| value * scale[of(at)] + bias[of(at)]);
    one(Tensor::real(x.elem, x.shape.clone(), results))
}

fn instance_normalization(call: &Call<'_>) -> Result {
    let (channels, inner) = channels(call)?;
    scaled(call, grouped(call.reals(0)?, inner, epsilon(call, 1e-5)?), channels)
}

fn group_normalization(call: &Call<'_>) -> Result {
    let (channels, inner) = channels(call)?;
    let groups = usize::try_from(call.int("num_groups", 0)?).unwrap_or(0);
    if groups == 0 || channels % groups != 0 {
        return Err(call.no_form(format!("{groups} groups"), "a divisor of the channels"));
    }
    let normal = grouped(call.reals(0)?, channels / groups * inner, epsilon(call, 1e-5)?);
    scaled(call, normal, if call.version >= 21 { channels } else { groups })
}

fn mean_variance(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let rank = x.shape.len();
    let mut chosen = vec![false; rank];
    for axis in call.ints("axes")?.unwrap_or_else(|| vec![0, 2, 3]) {
        chosen[call.axis(axis, rank)?] = true;
    }
    let steps = strides(&x.shape);
    let part =
        |inner: bool| strided((0..rank).filter(|i| chosen[*i] == inner).map(|i| (x.shape[i], steps[i])));
    let inner = part(true);
    let mut results = vec![0.0; values.len()];
    for base in part(false) {
        let line: Vec<f64> = inner.iter().map(|offset| values[base + offset]).collect();
        let mean = mean(&line);
        let root = variance(&line, mean).sqrt() + 1e-9;
        inner.iter().for_each(|offset| results[base + offset] = (values[base + offset] - mean) / root);
    }
    one(Tensor::real(x.elem, x.shape.clone(), results))
}

fn lp_normalization(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let axis = call.axis(call.int("axis", -1)?, x.shape.len())?;
    let squares = match call.int("p", 2)? {
        1 => false,
        2 => true,
        p => return Err(call.no_form(format!("p {p}"), "1 or 2")),
    };
    let (size, inner) = (x.shape[axis], elems(&x.shape[axis + 1..]));
    let row = size * inner;
    let mut results = vec![0.0; values.len()];
    for base in (0..values.len()).filter(|at| row > 0 && at % row < inner) {
        let line = || (0..size).map(|i| values[base + i * inner]);
        let norm = if squares { sum(line().map(|x| x * x)).sqrt() } else { sum(line().map(f64::abs)) };
        for i in 0..size {
            let at = base + i * inner;
            results[at] = if norm == 0.0 { 0.0 } else { values[at] / norm };
        }
    }
    one(Tensor::real(x.elem, x.shape.clone(), results))
}

fn batch_normalization(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    if call.int("training_mode", 0)? != 0 || call.int("spatial", 1)? != 1 {
        return Err(
            call.no_form("training, or statistics for each element", "inference with one for each channel")
        );
    }
    let epsilon = epsilon(call, 1e-5)?;
    let channels = x.shape.get(1).copied().unwrap_or(1);
    let inner = elems(x.shape.get(2..).unwrap_or_default()).max(1);
    let (scale, bias, means, variances) = (call.reals(1)?, call.reals(2)?, call.reals(3)?, call.reals(4)?);
    if [scale, bias, means, variances].iter().any(|part| part.len() != channels) {
        return Err(call.shapes("other statistics", format!("{channels} of each")));
    }
    let result = values.iter().enumerate().map(|(at, value)| {
        let c = at / inner % channels;
        scale[c] * (value - means[c]) / (variances[c] + epsilon).sqrt() + bias[c]
    });
    one(Tensor::real(x.elem, x.shape.clone(), result))
}

fn lrn(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let (channels, inner) = channels(call)?;
    let size = usize::try_from(call.int("size", 0)?).unwrap_or(0);
    if size == 0 {
        return Err(call.no_form("size 0", "1 or more"));
    }
    call.steps(&[values.len(), size.min(channels)])?;
    let (alpha, beta) = (call.float("alpha", f64::from(1e-4f32))?, call.float("beta", 0.75)?);
    let bias = call.float("bias", 1.0)?;
    let result = (0..values.len()).map(|at| {
        let c = at / inner % channels;
        let (first, last) = (c.saturating_sub((size - 1) / 2), (c + size / 2).min(channels - 1));
        let base = at - c * inner;
        let squares = sum((first..=last).map(|c| values[base + c * inner].powi(2)));
        values[at] / (bias + alpha / size as f64 * squares).powf(beta)
    });
    one(Tensor::real(x.elem, x.shape.clone(), result))
}
