//! Numbers of the element types: rounding, wrapping, and sums that keep what doubles lose.

use exactum_qonnx::ElemType;

/// The integers of `elem`, if it is an integer type: bits, and whether it has a sign.
pub(crate) const fn integer(elem: ElemType) -> Option<(u32, bool)> {
    Some(match elem {
        ElemType::I2 => (2, true),
        ElemType::U2 => (2, false),
        ElemType::I4 => (4, true),
        ElemType::U4 => (4, false),
        ElemType::I8 => (8, true),
        ElemType::U8 => (8, false),
        ElemType::I16 => (16, true),
        ElemType::U16 => (16, false),
        ElemType::I32 => (32, true),
        ElemType::U32 => (32, false),
        ElemType::I64 => (64, true),
        ElemType::U64 => (64, false),
        _ => return None,
    })
}

/// The number that `value` wraps to; `None` if it has no place in 64 bits with a sign.
pub(super) fn wrap(elem: ElemType, value: i128) -> Option<i64> {
    let Some((bits, signed)) = integer(elem) else { return Some(i64::from(value != 0)) };
    let low = value & ((1 << bits) - 1);
    let wrapped = if signed && low >> (bits - 1) == 1 { low - (1 << bits) } else { low };
    i64::try_from(wrapped).ok()
}

/// Least and largest number of an integer type.
pub(super) fn limits(elem: ElemType) -> (i128, i128) {
    match integer(elem) {
        Some((bits, true)) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        Some((bits, false)) => (0, (1 << bits) - 1),
        None => (0, 1),
    }
}

/// A float type: digits of its numbers, exponent of its least normal one, and its largest one.
struct Format {
    digits: i32,
    least: i32,
    largest: f64,
    infinite: bool,
}

const fn format(elem: ElemType) -> Option<Format> {
    let (digits, least, largest, infinite) = match elem {
        ElemType::F16 => (11, -14, 65504.0, true),
        ElemType::Bf16 => (8, -126, 3.389_531_389_251_535_5e38, true),
        ElemType::F8E4M3Fn => (4, -6, 448.0, false),
        ElemType::F8E4M3Fnuz => (4, -7, 240.0, false),
        ElemType::F8E5M2 => (3, -14, 57344.0, true),
        ElemType::F8E5M2Fnuz => (3, -15, 57344.0, false),
        ElemType::F4E2M1 => (2, 0, 6.0, false),
        _ => return None,
    };
    Some(Format { digits, least, largest, infinite })
}

/// The number of a float type that is nearest to `value`, of two the even one. Beyond the largest there is the infinity,
/// or none where the type has no infinity.
pub(crate) fn round_to(elem: ElemType, value: f64) -> f64 {
    if elem == ElemType::F64 {
        return value;
    }
    let Some(format) = format(elem) else { return f64::from(value as f32) };
    if value == 0.0 || value.is_nan() {
        return value;
    }
    let beyond = if format.infinite { f64::INFINITY.copysign(value) } else { f64::NAN };
    if value.is_infinite() {
        return beyond;
    }
    let exponent = ((value.to_bits() >> 52 & 0x7ff) as i32 - 1023).max(format.least);
    let unit = f64::from(exponent - format.digits + 1).exp2();
    let rounded = (value / unit).round_ties_even() * unit;
    if rounded.abs() > format.largest { beyond } else { rounded }
}

/// As [`round_to`], and the largest number for whatever is beyond it.
pub(super) fn saturated(elem: ElemType, value: f64) -> f64 {
    match format(elem) {
        Some(format) if value.abs() > format.largest => format.largest.copysign(value),
        _ => round_to(elem, value),
    }
}

/// The number of a float type of at most 16 bits that is stored as `bits`.
pub(crate) fn stored(elem: ElemType, bits: u16) -> Option<f64> {
    if elem == ElemType::F8E8M0 {
        return Some(if bits == 255 { f64::NAN } else { f64::from(i32::from(bits) - 127).exp2() });
    }
    let format = format(elem)?;
    let (fraction_bits, width) = (format.digits - 1, elem.size_bits() as i32);
    let sign = if bits >> (width - 1) & 1 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits & ((1 << (width - 1)) - 1)) >> fraction_bits;
    let fraction = f64::from(i32::from(bits) & ((1 << fraction_bits) - 1)) * f64::from(-fraction_bits).exp2();
    let highest = (1 << (width - 1 - fraction_bits)) - 1;
    let special = match elem {
        ElemType::F16 | ElemType::Bf16 | ElemType::F8E5M2 if exponent == highest => {
            Some(if fraction == 0.0 { f64::INFINITY } else { f64::NAN })
        }
        ElemType::F8E4M3Fn if bits & 0x7f == 0x7f => Some(f64::NAN),
        ElemType::F8E4M3Fnuz | ElemType::F8E5M2Fnuz if bits == 0x80 => Some(f64::NAN),
        _ => None,
    };
    let magnitude = special.unwrap_or_else(|| match exponent {
        0 => fraction * f64::from(format.least).exp2(),
        exponent => (1.0 + fraction) * f64::from(exponent - 1 + format.least).exp2(),
    });
    Some(sign * magnitude)
}

/// A sum that carries along what each addition rounds off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    sum: f64,
    rest: f64,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        let lost =
            if self.sum.abs() >= value.abs() { self.sum - sum + value } else { value - sum + self.sum };
        self.sum = sum;
        if lost.is_finite() {
            self.rest += lost;
        }
    }

    pub(super) fn value(self) -> f64 {
        self.sum + self.rest
    }
}

/// The sum of `values`.
pub(super) fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    values.into_iter().for_each(|value| sum.add(value));
    sum.value()
}

/// The error function, by its series, and by 1 where that is the nearest double.
pub(super) fn erf(x: f64) -> f64 {
    let size = x.abs();
    if size >= 6.0 {
        return 1f64.copysign(x);
    }
    if x.is_nan() {
        return x;
    }
    let (mut term, mut series) = (size, Sum::default());
    for n in 1..=160 {
        series.add(term);
        term *= 2.0 * size * size / f64::from(2 * n + 1);
    }
    let value = std::f64::consts::FRAC_2_SQRT_PI * (-size * size).exp() * series.value();
    value.min(1.0).copysign(x)
}
