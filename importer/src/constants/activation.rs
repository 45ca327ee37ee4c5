//! Functions of one number.

use exactum_host::functions::{erf, sigmoid};

use super::{Call, Numbers, Result, Tensor, family, of_type, one};

family! {
    "Abs" 1..=1 [] |call| signed(call, f64::abs, i128::abs);
    "Neg" 1..=1 [] |call| signed(call, |x| -x, |x| -x);
    "Sign" 1..=1 [] |call| signed(call, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }, i128::signum);
    "Relu" 1..=1 [] |call| signed(call, |x| if x < 0.0 { 0.0 } else { x }, |x| x.max(0));
    "Ceil" 1..=1 [] |call| floats(call, f64::ceil);
    "Floor" 1..=1 [] |call| floats(call, f64::floor);
    "Round" 1..=1 [] |call| floats(call, f64::round_ties_even);
    "Sqrt" 1..=1 [] |call| floats(call, f64::sqrt);
    "Exp" 1..=1 [] |call| floats(call, f64::exp);
    "Log" 1..=1 [] |call| floats(call, f64::ln);
    "Reciprocal" 1..=1 [] |call| floats(call, f64::recip);
    "Sin" 1..=1 [] |call| floats(call, f64::sin);
    "Cos" 1..=1 [] |call| floats(call, f64::cos);
    "Tan" 1..=1 [] |call| floats(call, f64::tan);
    "Asin" 1..=1 [] |call| floats(call, f64::asin);
    "Acos" 1..=1 [] |call| floats(call, f64::acos);
    "Atan" 1..=1 [] |call| floats(call, f64::atan);
    "Sinh" 1..=1 [] |call| floats(call, f64::sinh);
    "Cosh" 1..=1 [] |call| floats(call, f64::cosh);
    "Tanh" 1..=1 [] |call| floats(call, f64::tanh);
    "Asinh" 1..=1 [] |call| floats(call, f64::asinh);
    "Acosh" 1..=1 [] |call| floats(call, f64::acosh);
    "Atanh" 1..=1 [] |call| floats(call, f64::atanh);
    "Erf" 1..=1 [] |call| floats(call, erf);
    "Sigmoid" 1..=1 [] |call| floats(call, sigmoid);
    "Softplus" 1..=1 [] |call| floats(call, softplus);
    "Softsign" 1..=1 [] |call| floats(call, |x| x / (1.0 + x.abs()));
    "HardSwish" 1..=1 [] |call| floats(call, |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0));
    "Mish" 1..=1 [] |call| floats(call, |x| x * softplus(x).tanh());
    "LeakyRelu" 1..=1 ["alpha"] |call| {
        let alpha = call.float("alpha", f64::from(0.01f32))?;
        floats(call, |x| if x < 0.0 { alpha * x } else { x })
    };
    "Elu" 1..=1 ["alpha"] |call| {
        let alpha = call.float("alpha", 1.0)?;
        floats(call, |x| if x < 0.0 { alpha * x.exp_m1() } else { x })
    };
    "Celu" 1..=1 ["alpha"] |call| {
        let alpha = call.float("alpha", 1.0)?;
        floats(call, |x| x.max(0.0) + (alpha * (x / alpha).exp_m1()).min(0.0))
    };
    "Selu" 1..=1 ["alpha" "gamma"] |call| {
        let alpha = call.float("alpha", f64::from(1.673_263_2_f32))?;
        let gamma = call.float("gamma", f64::from(1.050_701_f32))?;
        floats(call, |x| gamma * if x > 0.0 { x } else { alpha * x.exp_m1() })
    };
    "HardSigmoid" 1..=1 ["alpha" "beta"] |call| {
        let (alpha, beta) = (call.float("alpha", f64::from(0.2f32))?, call.float("beta", 0.5)?);
        floats(call, |x| (alpha * x + beta).clamp(0.0, 1.0))
    };
    "ThresholdedRelu" 1..=1 ["alpha"] |call| {
        let alpha = call.float("alpha", 1.0)?;
        floats(call, |x| if x > alpha { x } else { 0.0 })
    };
    "Shrink" 1..=1 ["bias" "lambd"] shrink;
    "Swish" 1..=1 ["alpha"] |call| {
        let alpha = call.float("alpha", 1.0)?;
        floats(call, |x| x * sigmoid(alpha * x))
    };
    "Gelu" 1..=1 ["approximate"] gelu;
}

pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn floats(call: &Call<'_>, function: impl Fn(f64) -> f64) -> Result {
    let x = call.operand(0)?;
    let values = call.reals(0)?;
    one(Tensor::real(x.elem, x.shape.clone(), values.iter().map(|value| function(*value))))
}

fn signed(call: &Call<'_>, real: fn(f64) -> f64, whole: fn(i128) -> i128) -> Result {
    let x = call.operand(0)?;
    match &x.numbers {
        Numbers::Real(_) => floats(call, real),
        Numbers::Int(values) if x.elem.integer().is_some() => {
            one(Tensor::wrapped(x.elem, x.shape.clone(), values.iter().map(|value| whole((*value).into())))?)
        }
        Numbers::Int(_) => Err(of_type(x, "numbers")),
    }
}

fn shrink(call: &Call<'_>) -> Result {
    let (bias, lambda) = (call.float("bias", 0.0)?, call.float("lambd", 0.5)?);
    floats(call, |x| match x {
        x if x < -lambda => x + bias,
        x if x > lambda => x - bias,
        _ => 0.0,
    })
}

fn gelu(call: &Call<'_>) -> Result {
    match call.text("approximate", "none")? {
        "none" => floats(call, |x| x * (0.5 + 0.5 * erf(x * std::f64::consts::FRAC_1_SQRT_2))),
        "tanh" => {
            let factor = (2.0 / std::f64::consts::PI).sqrt();
            floats(call, |x| 0.5 * x * (1.0 + (factor * (x + 0.044715 * x * x * x)).tanh()))
        }
        other => Err(call.no_form(format!("approximate {other:?}"), "none or tanh")),
    }
}
