//! Integers on one grid: codes with one scale and an integer zero point for values whose function leaves a grid, such as
//! a ReLU of codes, or operands of a concatenation with different scales. Nothing is rounded by it.

use exactum_runtime::num::IntRange;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Source, native};
use super::quantizers::smallest_type;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Quantizer as Rule, Rational};
use crate::graph::{Codes, Node, Op, Tail, Type, Value, ValueId};
use crate::passes::bound_accumulators;
use crate::requant;

/// Most integers whose values are looked at one by one.
const MOST_VALUES: i64 = 1 << 18;

/// Codes `id` that stand for `gain * (code - zero_point)`.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    pub(super) id: ValueId,
    pub(super) gain: Rational,
    pub(super) zero_point: i64,
}

impl Quantizer<'_> {
    /// The integers that value `id` can hold, for all channels or for each.
    pub(super) fn ranges(&self, id: ValueId) -> Option<Vec<IntRange>> {
        match &self.to.value(id).ty {
            Type::Codes(codes) => Some(vec![codes.range]),
            Type::Accumulators { bounds, .. } if !bounds.is_empty() => Some(bounds.clone()),
            Type::Accumulators { .. } => bound_accumulators::of_value(&self.to, id),
            Type::Float | Type::Shape => None,
        }
    }

    /// `known` as codes of at most `bits` bits with one gain and an integer zero point, as its own integers or,
    /// where that changes no value, as new ones.
    pub(super) fn grid(
        &mut self,
        at: &Location,
        node: &Node,
        known: Known,
        bits: u8,
    ) -> Result<Grid, Diagnostic> {
        let known = self.integers(at, known)?;
        let Source::Integer(id) = known.source else {
            return Err(Diagnostic::new(Code::MissingScale, at.clone(), "no integers", "a quantized value"));
        };
        if let (Type::Codes(codes), Some((gain, offset))) = (&self.to.value(id).ty, known.curve.as_affine())
            && let ([gain], [offset]) = (&gain[..], &offset[..])
            && !gain.is_zero()
        {
            let zero = -offset / gain;
            if zero == exact::from_integer(codes.zero_point) {
                return Ok(Grid { id, gain: gain.clone(), zero_point: codes.zero_point });
            }
            let legal = |zero: &i64| codes.int.range().contains(*zero) && codes.int.width.bits() <= bits;
            if let Some(zero_point) = zero.is_integer().then(|| zero.to_i64()).flatten().filter(legal) {
                let (codes, gain) = (codes.clone(), gain.clone());
                return Ok(Grid { id: self.renamed(id, codes, &gain, zero_point), gain, zero_point });
            }
        }
        let Some((unit, range)) = self.unit(id, &known.curve) else {
            return Err(self.unquantized(at, &known));
        };
        // There is no form for more steps.
        if self.steps(id, &known.curve, &unit, range) > requant::MAX_STEPS {
            return Err(self.unquantized(at, &known));
        }
        let int = smallest_type(range.union(IntRange::point(0))).filter(|int| int.width.bits() <= bits);
        let Some(int) = int else { return Err(self.unquantized(at, &known)) };
        let codes = Codes { int, range, zero_point: 0, scale: vec![shown(&unit)], axis: None };
        let rule = Rule::multiples(unit.clone(), range);
        let tail = Tail { curve: known.curve.clone(), quantizer: rule, int };
        let name = format!("{}.codes", known.name);
        let id = self.emit(at, node, &Known { origin: vec![], ..known }, tail, codes)?;
        self.to.value_mut(id).name.clone_from(&name);
        if let Some(node) = self.to.nodes.last_mut() {
            node.name = name;
        }
        Ok(Grid { id, gain: unit, zero_point: 0 })
    }

    /// The codes `id` under another name, whose zero is `zero_point`: nothing is computed.
    pub(super) fn renamed(&mut self, id: ValueId, codes: Codes, gain: &Rational, zero_point: i64) -> ValueId {
        let Value { name, shape, .. } = self.to.value(id).clone();
        let ty = Type::Codes(Codes { zero_point, scale: vec![shown(gain)], axis: None, ..codes });
        let output = self.to.add(Value::new(name.clone(), shape, ty));
        self.push_helper(name, Op::Reshape, vec![id], output);
        output
    }

    /// Most steps between codes that `curve` in units of `unit`, whose codes are `codes`, makes in a channel.
    fn steps(&self, id: ValueId, curve: &Curve, unit: &Rational, codes: IntRange) -> i64 {
        let all = codes.hi.saturating_sub(codes.lo);
        let ranges = self.ranges(id).unwrap_or_default();
        if !curve.is_piecewise_linear() || ranges.is_empty() {
            return all;
        }
        let of_channel = |channel: usize| {
            let range = ranges[if ranges.len() == 1 { 0 } else { channel }];
            let [least, most] =
                [range.lo, range.hi].map(|end| curve.eval(channel, &exact::from_integer(end)));
            ((most - least).abs() / unit).to_integer().to_i64().unwrap_or(i64::MAX)
        };
        (0..curve.channels().max(ranges.len())).map(of_channel).max().unwrap_or(all)
    }

    /// The largest unit of which all values of `curve` over the integers `id` are whole multiples, and those multiples.
    pub(super) fn unit(&self, id: ValueId, curve: &Curve) -> Option<(Rational, IntRange)> {
        if !curve.is_rational() {
            return None;
        }
        let ranges = self.ranges(id)?;
        let channels = curve.channels().max(ranges.len());
        let (mut unit, mut least, mut most) = (Rational::zero(), None::<Rational>, None::<Rational>);
        // Says whether 64 bits still hold all multiples.
        let mut include = |value: Rational, unit: &mut Rational| {
            let finer = common(unit, &value);
            let changed = finer != *unit;
            *unit = finer;
            least = Some(least.take().map_or(value.clone(), |least| least.min(value.clone())));
            most = Some(most.take().map_or(value.clone(), |most| most.max(value)));
            let counts =
                |end: &Option<Rational>| end.iter().all(|end| (end / &*unit).to_integer().bits() < 64);
            !changed || unit.is_zero() || counts(&least) && counts(&most)
        };
        let span: i64 = ranges.iter().map(|range| range.hi.saturating_sub(range.lo)).max()?;
        let affine = curve.as_affine().is_some();
        if !affine && span.saturating_mul(channels as i64) > MOST_VALUES {
            return None;
        }
        for channel in 0..channels {
            let range = ranges[if ranges.len() == 1 { 0 } else { channel }];
            let value = |integer: i64| curve.eval(channel, &exact::from_integer(integer));
            if affine {
                // All values lie between the ends, a whole number of equal steps apart.
                if !include(value(range.lo), &mut unit) || !include(value(range.hi), &mut unit) {
                    return None;
                }
                unit = common(&unit, &(value(1) - value(0)));
            } else {
                if !(range.lo..=range.hi).all(|integer| include(value(integer), &mut unit)) {
                    return None;
                }
            }
        }
        if unit.is_zero() {
            unit = Rational::one();
        }
        let count = |value: Option<Rational>| (value? / &unit).to_integer().to_i64();
        Some((unit.clone(), IntRange::new(count(least)?, count(most)?)?))
    }

    /// As [`native`], for the codes `id`.
    pub(super) fn native(&self, id: ValueId) -> Curve {
        self.to.value(id).codes().map_or_else(Curve::identity, native)
    }
}

/// The scale that codes inside the graph carry for show: a unit need not be a float, gains are exact.
pub(super) fn shown(unit: &Rational) -> f32 {
    let scale = unit.abs().to_f64().map_or(1.0, |unit| unit as f32);
    if scale.is_finite() && scale > 0.0 { scale } else { f32::MIN_POSITIVE }
}

/// The largest number of which both are whole multiples.
pub(super) fn common(a: &Rational, b: &Rational) -> Rational {
    let denom = a.denom().lcm(b.denom());
    let whole = |value: &BigRational| (value.numer() * (&denom / value.denom())).abs();
    BigRational::new(whole(a).gcd(&whole(b)), denom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_units() {
        let ratio = |a: i64, b: i64| Rational::new(a.into(), b.into());
        assert_eq!(common(&ratio(3, 4), &ratio(1, 2)), ratio(1, 4));
        assert_eq!(common(&ratio(2, 3), &ratio(-4, 9)), ratio(2, 9));
        assert_eq!(common(&ratio(0, 1), &ratio(5, 7)), ratio(5, 7));
    }
}
