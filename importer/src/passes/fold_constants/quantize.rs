//! Codes of quantized constants, exactly: the quotient of two floats is a ratio of integers and is rounded once.

use exactum_runtime::num::{Dyadic, IntRange, IntType, Rounding};
use num_traits::{ToPrimitive, Zero};

use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Rational};
use crate::graph::channels::{along, varying_axis};
use crate::graph::{Codes, Constant, Graph, Node, QuantAttributes, Type, ValueId, exact_scale, narrowest};

/// Where parameters of a quantizer are read.
struct Parameters<'a> {
    graph: &'a Graph,
    at: Location,
    /// Shape of what is quantized.
    shape: &'a [usize],
}

/// Numbers for all elements, or for each index along an axis.
struct PerChannel {
    values: Vec<f32>,
    axis: Option<usize>,
}

impl PerChannel {
    /// For each element of `shape` the number that belongs to it.
    fn of<'s>(&'s self, shape: &[usize]) -> impl Fn(usize) -> f32 + 's {
        let inner = self.axis.map_or(1, |axis| shape[axis + 1..].iter().product::<usize>()).max(1);
        move |index| self.values[index / inner % self.values.len()]
    }
}

impl Parameters<'_> {
    fn problem<T>(&self, code: Code, part: &str, found: String, needed: String) -> Result<T, Diagnostic> {
        Err(Diagnostic::new(code, self.at.clone().at_part(part), found, needed))
    }

    /// The constant `id`, one number or one for each index along an axis.
    fn read(&self, id: ValueId, part: &str) -> Result<PerChannel, Diagnostic> {
        let value = self.graph.value(id);
        let values: Vec<f32> = match &value.constant {
            Some(Constant::Float(values)) => values.clone(),
            Some(Constant::Shape(values)) => values.iter().map(|value| *value as f32).collect(),
            _ => {
                let found = format!("`{}`, which is computed", value.name);
                return self.problem(Code::NotConstant, part, found, "an initializer".to_owned());
            }
        };
        let rank = self.shape.len();
        let same = |a: &f32, b: &f32| a.to_bits() == b.to_bits();
        let axis = varying_axis(&value.shape, rank, &values, same);
        let values = axis.as_ref().map_or(vec![], |axis| along(&value.shape, rank, &values, *axis));
        match axis {
            Ok(axis)
                if !values.is_empty()
                    && axis.is_none_or(|axis| self.shape.get(axis) == Some(&values.len())) =>
            {
                Ok(PerChannel { values, axis })
            }
            _ => {
                let found = format!("shape {:?} for a value of shape {:?}", value.shape, self.shape);
                let needed = "one element, or one for each index along one axis";
                self.problem(Code::BadChannels, part, found, needed.to_owned())
            }
        }
    }

    fn scale(&self, id: ValueId) -> Result<PerChannel, Diagnostic> {
        let scale = self.read(id, "scale")?;
        match scale.values.iter().find(|scale| !scale.is_finite() || **scale <= 0.0) {
            None => Ok(scale),
            Some(bad) => self.problem(
                Code::BadScale,
                "scale",
                format!("{bad:?}"),
                "a positive finite number".to_owned(),
            ),
        }
    }

    fn int(&self, id: ValueId, attributes: &QuantAttributes) -> Result<IntType, Diagnostic> {
        let width = self.read(id, "bit width")?;
        let bits = match width.values[..] {
            [bits] if bits.fract() == 0.0 && (1.0..=32.0).contains(&bits) => bits as u8,
            _ => 0,
        };
        let int = IntType::new(bits, attributes.signed, attributes.narrow);
        match int.filter(|int| int.max() <= i64::from(i32::MAX)) {
            Some(int) => Ok(int),
            None => {
                let found = format!("{:?}", width.values);
                let needed = "one integer from 1 to 32, 31 without a sign";
                self.problem(Code::BadBitWidth, "bit width", found, needed.to_owned())
            }
        }
    }

    fn zero_point(&self, id: ValueId, range: IntRange) -> Result<PerChannel, Diagnostic> {
        let zero_point = self.read(id, "zero point")?;
        let legal = |zero: &&f32| {
            zero.fract() == 0.0 && (range.lo as f64..=range.hi as f64).contains(&f64::from(**zero))
        };
        match zero_point.values.iter().find(|zero| !legal(zero)) {
            None => Ok(zero_point),
            Some(bad) => self.problem(
                Code::BadZeroPoint,
                "zero point",
                format!("{bad:?}"),
                format!("integers in {range}"),
            ),
        }
    }
}

/// Codes of a constant that a `Quant` reads, less their zero points.
pub(super) fn quant(
    graph: &Graph,
    index: usize,
    node: &Node,
    attributes: &QuantAttributes,
) -> Result<(Type, Constant), Diagnostic> {
    let x = graph.value(node.inputs[0]);
    let at = graph.location_of(index, node);
    let parameters = Parameters { graph, at, shape: &x.shape };
    let scale = parameters.scale(node.inputs[1])?;
    let int = parameters.int(node.inputs[3], attributes)?;
    let zero_point = parameters.zero_point(node.inputs[2], int.range())?;
    let mut range = int.range();
    if let Some([lo, hi]) = attributes.clip {
        let clipped = IntRange { lo: lo.max(range.lo), hi: hi.min(range.hi) };
        if clipped.lo > clipped.hi {
            let found = format!("codes {lo} to {hi} of {int}");
            return parameters.problem(
                Code::UnsupportedForm,
                "clip",
                found,
                "a range that holds codes".to_owned(),
            );
        }
        range = clipped;
    }
    let (zero_of, scale_of) = (zero_point.of(&x.shape), scale.of(&x.shape));
    let finish = |rounded: i64, zero: i64| {
        let code = if attributes.zero_point_outside { rounded.saturating_add(zero) } else { rounded };
        range.clamp(code) - zero
    };
    let codes: Option<Vec<i64>> = match (&x.constant, &x.ty) {
        (Some(Constant::Float(values)), _) => values
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let zero = zero_of(i) as i64;
                let inside = if attributes.zero_point_outside { 0 } else { zero };
                Some(finish(round_quotient(*value, scale_of(i), inside, attributes.rounding)?, zero))
            })
            .collect(),
        (Some(Constant::Codes(values)), Type::Codes(codes)) if !codes.scale.is_empty() => {
            let inner = codes.axis.map_or(1, |axis| x.shape[axis + 1..].iter().product::<usize>()).max(1);
            let quantized = values.iter().enumerate().map(|(i, value)| {
                let gain = exact_scale(codes.scale[i / inner % codes.scale.len()]);
                let real = exact::from_integer(i64::from(*value) - codes.zero_point) * gain;
                let zero = zero_of(i) as i64;
                let inside = if attributes.zero_point_outside { 0 } else { zero };
                let quotient = real / exact_scale(scale_of(i)) + exact::from_integer(inside);
                Some(finish(round_rational(&quotient, attributes.rounding), zero))
            });
            quantized.collect()
        }
        _ => None,
    };
    let Some(codes) = codes else {
        return parameters.problem(
            Code::BadTensor,
            "input 0",
            "NaN".to_owned(),
            "numbers to quantize".to_owned(),
        );
    };
    let (int, range) = if zero_point.values.iter().all(|zero| *zero == 0.0) {
        (int, range)
    } else {
        // Differences of codes and zero points can need a bit more than the codes; often they do not.
        let least = codes.iter().copied().min().unwrap_or(0).min(0);
        let range = IntRange { lo: least, hi: codes.iter().copied().max().unwrap_or(0).max(0) };
        (narrowest(range), range)
    };
    let ty = Codes { int, range, zero_point: 0, scale: scale.values.clone(), axis: scale.axis };
    finished(codes, ty, &parameters)
}

fn finished(codes: Vec<i64>, ty: Codes, parameters: &Parameters<'_>) -> Result<(Type, Constant), Diagnostic> {
    match codes.into_iter().map(|code| i32::try_from(code).ok()).collect() {
        Some(codes) => Ok((Type::Codes(ty), Constant::Codes(codes))),
        None => {
            let found = "codes that leave 32 bits without their zero point".to_owned();
            parameters.problem(Code::BadZeroPoint, "zero point", found, "codes of at most 32 bits".to_owned())
        }
    }
}

/// Codes -1 and 1 of a constant that a `BipolarQuant` reads.
pub(super) fn bipolar(graph: &Graph, index: usize, node: &Node) -> Result<(Type, Constant), Diagnostic> {
    let x = graph.value(node.inputs[0]);
    let at = graph.location_of(index, node);
    let parameters = Parameters { graph, at, shape: &x.shape };
    let scale = parameters.scale(node.inputs[1])?;
    let sign = |negative: bool| if negative { -1 } else { 1 };
    let codes: Option<Vec<i64>> = match (&x.constant, &x.ty) {
        (Some(Constant::Float(values)), _) => {
            values.iter().map(|value| (!value.is_nan()).then_some(sign(*value < 0.0))).collect()
        }
        (Some(Constant::Codes(values)), Type::Codes(codes)) => {
            Some(values.iter().map(|value| sign(i64::from(*value) < codes.zero_point)).collect())
        }
        _ => None,
    };
    let Some(codes) = codes else {
        return parameters.problem(
            Code::BadTensor,
            "input 0",
            "NaN".to_owned(),
            "numbers to quantize".to_owned(),
        );
    };
    let range = IntRange { lo: -1, hi: 1 };
    let ty = Codes { int: narrowest(range), range, zero_point: 0, scale: scale.values, axis: scale.axis };
    finished(codes, ty, &parameters)
}

/// `x / scale + zero_point` rounded once, for a positive finite scale; `None` for NaN, the ends of 40 bits beyond them.
fn round_quotient(x: f32, scale: f32, zero_point: i64, rounding: Rounding) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    // Doubles err by less than 2^-21 here, so they decide whatever is not that near to a tie.
    let quotient = f64::from(x) / f64::from(scale);
    if rounding == Rounding::HalfEven && quotient.abs() < f64::from(1u32 << 31) {
        let nearest = quotient.round_ties_even();
        if (quotient - nearest).abs() < 0.5 - 1e-6 {
            return Some(nearest as i64 + zero_point);
        }
    }
    let far = if x < 0.0 { -FAR } else { FAR };
    let (Some(x), Some(scale)) = (Dyadic::from_f32(x), Dyadic::from_f32(scale)) else {
        return match x {
            0.0 => Some(zero_point),
            x if x.is_nan() => None,
            _ => Some(far),
        };
    };
    // Mantissas have 24 bits; a quotient far below a half rounds as any other of its sign.
    let shift = i32::from(x.exponent) - i32::from(scale.exponent);
    if shift >= 39 {
        return Some(far);
    }
    let (numerator, divisor) = match shift {
        0.. => (u64::from(x.mantissa) << shift, u64::from(scale.mantissa)),
        _ => (u64::from(x.mantissa), u64::from(scale.mantissa) << shift.unsigned_abs().min(38)),
    };
    let (quotient, rest) = ((numerator / divisor) as i64, numerator % divisor);
    let (floor, rest) = match (x.negative, rest) {
        (false, rest) => (quotient, rest),
        (true, 0) => (-quotient, 0),
        (true, rest) => (-quotient - 1, divisor - rest),
    };
    rounding.round(floor + zero_point, rest, divisor)
}

/// `x` rounded.
fn round_rational(x: &Rational, rounding: Rounding) -> i64 {
    let floor = x.floor();
    let rest = x - &floor;
    let twice = &rest + &rest;
    let quarters = match twice.cmp(&exact::from_integer(1)) {
        _ if rest.is_zero() => 0,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Equal => 2,
        std::cmp::Ordering::Greater => 3,
    };
    let end = if x < &Rational::zero() { i64::from(i32::MIN) } else { i64::from(i32::MAX) };
    let floor = floor.to_integer().to_i64().unwrap_or(end);
    rounding.round(floor, quarters, 4).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quotients_are_rounded_as_rationals_are(
            x in any::<f32>().prop_filter("finite", |x| x.is_finite()),
            scale in any::<f32>().prop_filter("positive", |scale| scale.is_finite() && *scale > 0.0),
            zero_point in -300i64..300,
            mode in 0usize..7,
        ) {
            let rounding = Rounding::ALL[mode];
            let exact = exact_scale(x) / exact_scale(scale) + exact::from_integer(zero_point);
            let range = IntRange { lo: -100_000, hi: 100_000 };
            let found = round_quotient(x, scale, zero_point, rounding).unwrap();
            prop_assert_eq!(range.clamp(found), range.clamp(round_rational(&exact, rounding)));
        }

        #[test]
        fn ties_are_rounded_as_rationals_are(
            halves in -2000i32..2000, nudge in -2i32..=2, scale in 1e-3f32..10.0, mode in 0usize..7,
        ) {
            let rounding = Rounding::ALL[mode];
            let x = f32::from_bits((halves as f32 / 2.0 * scale).to_bits().wrapping_add_signed(nudge));
            prop_assume!(x.is_finite());
            let exact = exact_scale(x) / exact_scale(scale);
            prop_assert_eq!(round_quotient(x, scale, 0, rounding), Some(round_rational(&exact, rounding)));
        }
    }

    /// The table of the QONNX specification: ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP, HALF_DOWN.
    #[test]
    fn rationals_round_as_the_published_table() {
        let rounded =
            |x: i64| Rounding::ALL.map(|mode| round_rational(&Rational::new(x.into(), 2.into()), mode));
        assert_eq!(rounded(5), [2, 3, 2, 3, 2, 3, 2]);
        assert_eq!(rounded(-5), [-2, -2, -3, -3, -2, -3, -2]);
        assert_eq!(rounded(-11), [-6, -5, -6, -6, -5, -6, -5]);
    }

    #[test]
    fn special_values() {
        assert_eq!(round_quotient(f32::NAN, 1.0, 0, Rounding::HalfEven), None);
        assert_eq!(round_quotient(-0.0, 1.0, 3, Rounding::Floor), Some(3));
        assert_eq!(round_quotient(f32::NEG_INFINITY, 1.0, 0, Rounding::Floor), Some(-(1 << 40)));
        assert_eq!(round_quotient(-f32::MIN_POSITIVE, f32::MAX, 0, Rounding::Floor), Some(-1));
        assert_eq!(round_quotient(-f32::MIN_POSITIVE, f32::MAX, 0, Rounding::HalfEven), Some(0));
        assert_eq!(round_quotient(f32::MAX, f32::MIN_POSITIVE, 0, Rounding::HalfEven), Some(1 << 40));
    }
}
