//! Layers that ONNX Runtime fuses with what follows them: `FusedConv`, `FusedGemm` and `FusedMatMul`.

use super::activation::{apply, limited, limited_line};
use super::conv::{bias, convolve};
use super::matmul::{gemm_of, product};
use super::{Context, Lifter};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Activation, Affine, Op, ValueId};

/// `FusedConv`: the summand at operand 3 is added before the activation.
pub(super) fn conv(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let (x, weight) = (lifter.real(context, 0)?, lifter.weight(context, 1)?);
    let bias = bias(lifter, context)?;
    let mut y = convolve(lifter, context, x, weight, bias)?;
    if context.optional(3).is_some() {
        let summand = lifter.real(context, 3)?;
        y = lifter.emit(context, Op::Add, vec![y, summand], None)?;
    }
    let parameters = context.node.floats("activation_params").unwrap_or_default().to_vec();
    let id = activated(lifter, context, y, &parameters)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `FusedGemm`.
pub(super) fn gemm(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    let y = gemm_of(lifter, context)?;
    let names = ["activation_alpha", "activation_beta", "activation_gamma"];
    let parameters: Vec<f32> = names.iter().map_while(|name| context.node.float(name)).collect();
    let id = activated(lifter, context, y, &parameters)?;
    lifter.finish(context, 0, id);
    Ok(())
}

/// `FusedMatMul`: operands may be stored transposed, and the product has a factor.
pub(super) fn mat_mul(lifter: &mut Lifter<'_>, context: &Context<'_>) -> Result<(), Diagnostic> {
    for name in ["transBatchA", "transBatchB"] {
        if context.flag(name) {
            return Err(context.attribute(name, "1", "0"));
        }
    }
    let mut x = lifter.real(context, 0)?;
    let mut matrix = lifter.weight(context, 1)?;
    for (operand, name) in [(&mut x, "transA"), (&mut matrix, "transB")] {
        if context.flag(name) {
            let rank = lifter.shape(*operand).len();
            if rank < 2 {
                return Err(context.attribute(name, "1 for a vector", "0"));
            }
            let perm = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
            *operand = lifter.transpose(context, *operand, perm)?;
        }
    }
    let y = product(lifter, context, x, matrix, None)?;
    let alpha = context.node.float("alpha").unwrap_or(1.0);
    if !alpha.is_finite() {
        return Err(context.attribute("alpha", format!("{alpha:?}"), "a finite number"));
    }
    let affine = Affine { multiply: vec![alpha.into()], divide: vec![1.0], add: vec![0.0], axis: 1 };
    let id = if alpha == 1.0 { y } else { lifter.emit(context, Op::Affine(affine), vec![y], None)? };
    lifter.finish(context, 0, id);
    Ok(())
}

/// The activation that the node names, of `x`.
fn activated(
    lifter: &mut Lifter<'_>,
    context: &Context<'_>,
    x: ValueId,
    parameters: &[f32],
) -> Result<ValueId, Diagnostic> {
    if let Some(bad) = parameters.iter().find(|number| number.is_nan()) {
        return Err(context.problem(Code::BadTensor, "activation", format!("{bad:?}"), "numbers"));
    }
    let name = context.node.string("activation").unwrap_or("");
    let number = |index: usize, default: f32| f64::from(parameters.get(index).copied().unwrap_or(default));
    match name {
        "" => Ok(x),
        "Relu" => apply(lifter, context, x, Activation::Relu),
        "Sigmoid" => apply(lifter, context, x, Activation::Sigmoid),
        "Tanh" => apply(lifter, context, x, Activation::Tanh),
        "LeakyRelu" => {
            apply(lifter, context, x, Activation::LeakyRelu { slope: vec![number(0, 0.01)], axis: 1 })
        }
        "Clip" => {
            let finite = |end: f64| (end.abs() < f64::from(f32::MAX)).then_some(end);
            let (lo, hi) = (finite(number(0, f32::MIN)), finite(number(1, f32::MAX)));
            limited(lifter, context, x, lo, hi)
        }
        "HardSigmoid" => limited_line(lifter, context, x, number(0, 0.2), 1.0, number(1, 0.5)),
        other => {
            let needed = "Relu, LeakyRelu, Clip, Sigmoid, Tanh or HardSigmoid";
            Err(context.attribute("activation", format!("{other:?}"), needed))
        }
    }
}
