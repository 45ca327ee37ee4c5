//! The quantizers of QONNX: `Quant`, `BipolarQuant`, `Trunc` and `MultiThreshold`.

use num_bigint::BigInt;
use num_rational::BigRational;

use super::applied::Applied;
use super::exact::{broadcast, position, power_of_two, reader};
use super::int::Int;
use super::round::Mode;
use super::{Exact, Result, fail};

/// Codes: real numbers over a scale, with a zero point, rounded once and clamped.
pub(super) struct Grid<'a> {
    pub(super) scale: &'a Exact,
    /// Whole numbers.
    pub(super) zero_point: &'a Exact,
    /// Smallest and largest code.
    pub(super) range: (Int, Int),
    pub(super) mode: Mode,
    /// Whether the zero point is added after rounding, as ONNX does, and not before, as QONNX does. A whole number,
    /// it still moves ties between odd and even.
    pub(super) outside: bool,
}

impl Grid<'_> {
    /// The code of each number.
    pub(super) fn codes(&self, x: &Exact) -> Result<Exact> {
        if self.scale.integers.iter().any(|scale| scale.sign() <= 0) {
            return fail("quantizer", "a scale that is not positive");
        }
        if !self.zero_point.rationals().iter().all(BigRational::is_integer) {
            return fail("quantizer", "a zero point that is not whole");
        }
        let shape = broadcast(&broadcast(&x.shape, &self.scale.shape)?, &self.zero_point.shape)?;
        let ratio = &x.unit / &self.scale.unit;
        let (numerator, denominator) = (Int::from(ratio.numer().clone()), Int::from(ratio.denom().clone()));
        let steps: Vec<Int> = self.scale.integers.iter().map(|scale| scale * &denominator).collect();
        let zero_points: Vec<Int> = self
            .zero_point
            .rationals()
            .into_iter()
            .map(|zero_point| zero_point.to_integer().into())
            .collect();
        let (of_x, of_scale, of_zero) = (
            reader(&shape, &x.shape),
            reader(&shape, &self.scale.shape),
            reader(&shape, &self.zero_point.shape),
        );
        let code = |index| {
            let (step, zero_point) = (&steps[of_scale(index)], &zero_points[of_zero(index)]);
            let real = &x.integers[of_x(index)] * &numerator;
            let code = if self.outside {
                &self.mode.round(&real, step) + zero_point
            } else {
                self.mode.round(&(&real + &(step * zero_point)), step)
            };
            code.clamp(self.range.0.clone(), self.range.1.clone())
        };
        let codes = (0..shape.iter().product()).map(code).collect();
        Ok(Exact::whole(shape.clone(), codes))
    }
}

/// The numbers that codes stand for.
pub(super) fn numbers(codes: &Exact, scale: &Exact, zero_point: &Exact) -> Result<Exact> {
    let steps = codes.sub(zero_point)?;
    if scale.len() == 1 {
        // The scale as unit keeps the integers small.
        let shape = broadcast(&steps.shape, &scale.shape)?;
        return Ok(steps.times(&scale.rational(0)).shaped(shape));
    }
    steps.mul(scale)
}

/// The bounds of codes of `bits` bits.
fn range(bits: u32, signed: bool, narrow: bool) -> (Int, Int) {
    let (half, narrow) = (1i64 << (bits - 1), i64::from(narrow));
    let (lowest, highest) = if signed { (narrow - half, half - 1) } else { (0, 2 * half - 1 - narrow) };
    (lowest.into(), highest.into())
}

/// The bit width in operand `index`.
fn bits(applied: &Applied<'_>, index: usize) -> Result<u32> {
    match u32::try_from(applied.one_whole(index)?) {
        Ok(bits @ 1..=32) => Ok(bits),
        _ => applied.fail("a bit width outside 1 to 32"),
    }
}

fn mode(applied: &Applied<'_>, default: &'static str) -> Result<Mode> {
    let name = applied.string("rounding_mode", default)?;
    match Mode::parse(&name) {
        Some(mode) => Ok(mode),
        None => applied.fail(format!("rounding mode {name}")),
    }
}

/// 1 for numbers of at least 0, else -1.
fn signs(x: &Exact) -> Exact {
    let sign = |integer: &Int| Int::from(if integer.sign() < 0 { -1 } else { 1i64 });
    Exact::whole(x.shape.clone(), x.integers.iter().map(sign).collect())
}

pub(super) fn quant(applied: &Applied<'_>) -> Result<Exact> {
    let (x, scale, zero_point) = (applied.real(0)?, applied.real(1)?, applied.real(2)?);
    let (bits, signed) = (bits(applied, 3)?, applied.int("signed", 1)? != 0);
    let mode = mode(applied, "ROUND")?;
    if bits == 1 && signed {
        // One bit and a sign are the codes -1 and 1, of which 0 has the larger.
        if scale.integers.iter().any(|scale| scale.sign() <= 0) {
            return applied.fail("a scale that is not positive");
        }
        let codes = signs(&x.add(&scale.mul(zero_point)?)?);
        return numbers(&codes, scale, zero_point);
    }
    let range = range(bits, signed, applied.int("narrow", 0)? != 0);
    let grid = Grid { scale, zero_point, range, mode, outside: false };
    numbers(&grid.codes(x)?, scale, zero_point)
}

pub(super) fn bipolar(applied: &Applied<'_>) -> Result<Exact> {
    let zero = Exact::whole(vec![], vec![Int::ZERO]);
    numbers(&signs(applied.real(0)?), applied.real(1)?, &zero)
}

/// The power of two nearest to `ratio`, which is positive, by the distance of logarithms.
fn nearest_power_of_two(ratio: &BigRational) -> BigRational {
    // The nearest exponent is the largest whose power over the root of two is below the ratio; ties are irrational.
    let square = ratio * ratio;
    let mut exponent = ratio.numer().bits() as i32 - ratio.denom().bits() as i32;
    while power_of_two(2 * exponent - 1) > square {
        exponent -= 1;
    }
    while power_of_two(2 * exponent + 1) < square {
        exponent += 1;
    }
    power_of_two(exponent)
}

/// The two versions: with the width of the result alone, whose scale stays, and with its scale and range.
pub(super) fn trunc(applied: &Applied<'_>) -> Result<Exact> {
    let (x, scale, zero_point) = (applied.real(0)?, applied.real(1)?, applied.real(2)?);
    let mode = mode(applied, "FLOOR")?;
    let unbounded = (Int::from(-BigInt::from(i128::MAX)), Int::from(i128::MAX));
    let codes = Grid { scale, zero_point, range: unbounded.clone(), mode: Mode::HalfEven, outside: false };
    let codes = codes.codes(x)?;
    let zero = Exact::whole(vec![], vec![Int::ZERO]);
    match applied.operands.len() {
        5 => {
            let (from, to) = (bits(applied, 3)?, bits(applied, 4)?);
            let Some(dropped) = from.checked_sub(to) else {
                return applied.fail(format!("from {from} to {to} bits"));
            };
            let step = Exact::scalar(&power_of_two(dropped as i32));
            let grid = Grid { scale: &step, zero_point: &zero, range: unbounded, mode, outside: false };
            numbers(&grid.codes(&codes)?, scale, zero_point)
        }
        6 => {
            let (out_scale, bits) = (applied.real(4)?, bits(applied, 5)?);
            let ratios = out_scale.mul(&scale.reciprocals()?)?;
            if ratios.integers.iter().any(|ratio| ratio.sign() <= 0) {
                return applied.fail("a scale that is not positive");
            }
            let steps: Vec<BigRational> = ratios.rationals().iter().map(nearest_power_of_two).collect();
            let steps = Exact::from_rationals(ratios.shape.clone(), &steps);
            let range = range(bits, applied.int("signed", 1)? != 0, applied.int("narrow", 0)? != 0);
            let grid = Grid { scale: &steps, zero_point: &zero, range, mode, outside: false };
            let zero_point = zero_point.mul(&steps.reciprocals()?)?;
            numbers(&grid.codes(&codes)?, out_scale, &zero_point)
        }
        count => applied.fail(format!("{count} operands")),
    }
}

/// The number of thresholds that are at most `x`, scaled and shifted.
pub(super) fn multi_threshold(applied: &Applied<'_>) -> Result<Exact> {
    let (x, thresholds) = (applied.real(0)?, applied.real(1)?);
    let layout = applied.string("data_layout", "")?;
    let axis = layout.find('C').unwrap_or(1);
    let [rows, steps] = thresholds.shape[..] else {
        return applied.fail(format!("thresholds of shape {:?}", thresholds.shape));
    };
    if axis >= x.shape.len() || rows != 1 && rows != x.shape[axis] {
        return applied.fail(format!("{rows} rows of thresholds for {layout} of shape {:?}", x.shape));
    }
    // Whole numbers in a unit of which both units are multiples.
    let units: BigInt = x.unit.denom() * thresholds.unit.denom();
    let whole = |exact: &Exact| -> Vec<Int> {
        let factor = Int::from((&exact.unit * &units).to_integer());
        exact.integers.iter().map(|integer| integer * &factor).collect()
    };
    let (values, thresholds) = (whole(x), whole(thresholds));
    let count = |index: usize| {
        let row = if rows == 1 { 0 } else { position(&x.shape, index)[axis] };
        let passed = |threshold: &&Int| **threshold <= values[index];
        Int::from(thresholds[row * steps..(row + 1) * steps].iter().filter(passed).count() as i64)
    };
    let counts = Exact::whole(x.shape.clone(), (0..x.len()).map(count).collect());
    let bias = Exact::scalar(&applied.number("out_bias", 0.0)?);
    counts.times(&applied.number("out_scale", 1.0)?).add(&bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_by_logarithm() {
        let nearest = |n: i64, d: i64| nearest_power_of_two(&BigRational::new(n.into(), d.into()));
        let power = |exponent| power_of_two(exponent);
        assert_eq!(nearest(1, 1), power(0));
        // The root of two is 1.41421...
        assert_eq!(nearest(1414, 1000), power(0));
        assert_eq!(nearest(1415, 1000), power(1));
        assert_eq!(nearest(707, 1000), power(-1));
        assert_eq!(nearest(708, 1000), power(0));
        assert_eq!(nearest(1_000_000, 1), power(20));
        assert_eq!(nearest(1, 1000), power(-10));
    }
}
