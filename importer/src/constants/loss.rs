//! Losses, which exporters of training leave behind.

use super::number::{log_sum_exp, sum};
use super::{Call, Result, Tensor, elems, family};

family! {
    "NegativeLogLikelihoodLoss" 2..=3 ["ignore_index" "reduction"] |call| {
        let scores = call.reals(0)?.to_vec();
        Ok(vec![loss(call, &scores)?])
    };
    "SoftmaxCrossEntropyLoss" 2..=3 ["ignore_index" "reduction"] cross_entropy;
}

fn classes(call: &Call<'_>) -> Result<(usize, usize)> {
    match call.operand(0)?.shape.as_slice() {
        [_, classes, rest @ ..] => Ok((*classes, elems(rest))),
        shape => Err(call.shapes(format!("{shape:?}"), "samples and classes")),
    }
}

fn cross_entropy(call: &Call<'_>) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    let (classes, inner) = classes(call)?;
    let mut logs = vec![0.0; values.len()];
    let row = classes * inner;
    for base in (0..values.len()).filter(|at| row > 0 && at % row < inner) {
        let line: Vec<f64> = (0..classes).map(|c| values[base + c * inner]).collect();
        let total = log_sum_exp(&line);
        (0..classes).for_each(|c| logs[base + c * inner] = values[base + c * inner] - total);
    }
    let loss = loss(call, &logs)?;
    Ok(vec![loss, Tensor::real(x.elem, x.shape.clone(), logs)])
}

/// The loss of the logarithms `logs` of probabilities, for the classes in operand 1 and their weights in operand 2.
fn loss(call: &Call<'_>, logs: &[f64]) -> Result<Tensor> {
    let (x, target) = (call.operand(0)?, call.operand(1)?);
    let (classes, inner) = classes(call)?;
    let labels = call.whole(1)?;
    let weights = match call.optional(2) {
        None => vec![1.0; classes],
        Some(_) => call.reals(2)?.to_vec(),
    };
    let ignored = match call.node.attribute("ignore_index") {
        None => None,
        Some(_) => Some(call.int("ignore_index", 0)?),
    };
    if labels.len() * classes != logs.len() || weights.len() != classes {
        return Err(call.shapes(
            format!("{} labels, {} weights", labels.len(), weights.len()),
            "one for each sample and class",
        ));
    }
    let mut losses = vec![];
    let mut total = vec![];
    for (at, label) in labels.iter().enumerate() {
        if ignored == Some(*label) {
            losses.push(0.0);
            total.push(0.0);
            continue;
        }
        let Some(class) = usize::try_from(*label).ok().filter(|class| *class < classes) else {
            return Err(call.no_form(format!("label {label}"), format!("one of {classes} classes")));
        };
        losses.push(-logs[at / inner * inner * classes + class * inner + at % inner] * weights[class]);
        total.push(weights[class]);
    }
    Ok(match call.text("reduction", "mean")? {
        "none" => Tensor::real(x.elem, target.shape.clone(), losses),
        "sum" => Tensor::real(x.elem, vec![], [sum(losses)]),
        "mean" => Tensor::real(x.elem, vec![], [sum(losses) / sum(total)]),
        other => return Err(call.no_form(format!("reduction {other:?}"), "none, sum or mean")),
    })
}
