//! `BatchNormalization` of inference, which a pass turns into an affine function.

use exactum_qonnx::CHANNELS_LAST_DOMAIN;

use super::conv::{channels_first, channels_last};
use super::{Context, Lifter};
use crate::diagnostic::Diagnostic;
use crate::graph::Op;

/// `BatchNormalization`.
pub(super) fn batch_normalization(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    if context.flag("training_mode") {
        let problem = context.attribute("training_mode", "1", "0");
        return Err(problem.with_hint("call model.eval() before the export"));
    }
    if context.node.int("spatial").unwrap_or(1) == 0 {
        return Err(context.attribute("spatial", "0", "1: statistics of whole channels"));
    }
    let mut x = lifter.real(context, 0)?;
    let last = context.node.domain == CHANNELS_LAST_DOMAIN;
    if last {
        x = channels_first(lifter, context, x)?;
    }
    let shape = lifter.shape(x);
    let Some(&channels) = shape.get(1) else {
        return Err(context.shapes(format!("{shape:?}"), "a value with batch and channels"));
    };
    let mut operands = vec![x];
    for index in 1..5 {
        // Quantized statistics are constants as well.
        let statistics = lifter.real(context, index)?;
        if !lifter.is_fixed(statistics) {
            return Err(context.computed(index, "an initializer, or what is computed from such"));
        }
        let found = lifter.shape(statistics);
        if found != [channels] {
            let found = format!("statistics of shape {found:?} for {shape:?}");
            return Err(context.shapes(found, format!("one for each of {channels} channels")));
        }
        operands.push(statistics);
    }
    let epsilon = context.node.float("epsilon").unwrap_or(1e-5);
    if !epsilon.is_finite() {
        return Err(context.attribute("epsilon", format!("{epsilon:?}"), "a finite number"));
    }
    let mut y = lifter.emit(context, Op::BatchNormalization { epsilon }, operands, None)?;
    if last {
        y = channels_last(lifter, context, y)?;
    }
    lifter.finish(context, 0, y);
    Ok(())
}
