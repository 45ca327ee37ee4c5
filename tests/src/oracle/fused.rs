//! Layers that ONNX Runtime fuses with what follows them.

use exactum_qonnx::AttributeValue;
use num_rational::BigRational;

use super::applied::Applied;
use super::exact::{position, rational};
use super::int::Int;
use super::{Exact, Result, conv, elementwise, function, linear};

/// The output, before its activation if that is left to the host.
pub(super) fn operator(applied: &Applied<'_>) -> Result<Exact> {
    match applied.node.op_type.as_str() {
        "FusedConv" => {
            let mut sums =
                conv::convolve(applied, applied.real(0)?, applied.real(1)?, applied.optional_real(2)?)?;
            if let Some(summand) = applied.optional_real(3)? {
                sums = sums.add(summand)?;
            }
            let parameters = match applied.node.attribute("activation_params") {
                Some(AttributeValue::Floats(values)) => values.clone(),
                _ => vec![],
            };
            activated(applied, sums, &parameters)
        }
        "FusedGemm" => {
            let sums = linear::gemm(applied)?;
            let names = ["activation_alpha", "activation_beta", "activation_gamma"];
            let parameters = names
                .iter()
                .filter(|name| applied.node.attribute(name).is_some())
                .map(|name| applied.float(name, 0.0));
            activated(applied, sums, &parameters.collect::<Result<Vec<f32>>>()?)
        }
        _ => {
            let operand = |index: usize, flag: &str| {
                let x = applied.real(index)?;
                Ok(if applied.int(flag, 0)? == 0 { x.clone() } else { turned(x) })
            };
            let product = linear::mat_mul(&operand(0, "transA")?, &operand(1, "transB")?)?;
            Ok(product.times(&applied.number("alpha", 1.0)?))
        }
    }
}

/// `x` with its last two axes exchanged.
fn turned(x: &Exact) -> Exact {
    let rank = x.shape.len();
    let mut shape = x.shape.clone();
    shape.swap(rank - 2, rank - 1);
    x.pick(shape.clone(), |index| {
        let mut at = position(&shape, index);
        at.swap(rank - 2, rank - 1);
        super::exact::index(&x.shape, &at)
    })
}

fn activated(applied: &Applied<'_>, x: Exact, parameters: &[f32]) -> Result<Exact> {
    let number = |index: usize, default: f32| -> Result<BigRational> {
        let value = parameters.get(index).copied().unwrap_or(default);
        rational(value.into()).map_or_else(|| applied.fail(format!("parameter {value}")), Ok)
    };
    match &*applied.string("activation", "")? {
        "" => Ok(x),
        "Relu" => Ok(x.map(|integer| integer.max(&Int::ZERO).clone())),
        "LeakyRelu" => elementwise::leaky_relu(&x, &number(0, 0.01)?),
        "Clip" => {
            let (lowest, highest) = (number(0, f32::MIN)?, number(1, f32::MAX)?);
            x.zip(&Exact::scalar(&lowest), |a, b| a.max(b).clone())?
                .zip(&Exact::scalar(&highest), |a, b| a.min(b).clone())
        }
        "HardSigmoid" => elementwise::hard_sigmoid(&x, &number(0, 0.2)?, &number(1, 0.5)?),
        "Sigmoid" => function::sigmoid(&x),
        "Tanh" => function::tanh(&x),
        other => applied.fail(format!("activation {other}")),
    }
}
