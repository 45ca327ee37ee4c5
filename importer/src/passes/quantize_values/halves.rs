//! Codes of 17 to 24 bits for layers, whose kernels multiply 16: as `2^k * high + low`, each of which a layer takes.
//!
//! Nothing is rounded by it. The layer runs twice with the same weights, and its two sums are added.

use exactum_runtime::Element;
use exactum_runtime::num::{IntRange, Rounding};
use num_traits::{One, Zero};

use super::Quantizer;
use super::known::{Known, Terms};
use super::quantizers::smallest_type;
use crate::diagnostic::Location;
use crate::exact::{self, Curve, Quantizer as Rule, Rational};
use crate::graph::{Codes, Meaning, Node, Op, Requantize, Tail, Type, Value, ValueId};

/// Bits with a sign of the widest codes, less their zero point.
const WIDEST_BITS: u32 = 25;

/// The two parts of wide codes.
pub(super) struct Halves {
    pub(super) high: ValueId,
    pub(super) low: ValueId,
    /// What one unit of `high` counts in units of `low`.
    pub(super) unit: i64,
    /// Real value of a unit of `low`.
    pub(super) gain: Rational,
}

impl Quantizer<'_> {
    /// The parts of what `node` reads, if that is codes on a grid with an integer zero, too wide for a layer.
    pub(super) fn halves(&mut self, at: &Location, node: &Node) -> Option<Halves> {
        let known = self.known(at, node.inputs[0]).ok()?;
        let grid = self.grid(at, node, known, 32).ok()?;
        let codes = self.to.value(grid.id).codes()?.clone();
        let zero = grid.zero_point;
        let centered =
            IntRange { lo: codes.range.lo.checked_sub(zero)?, hi: codes.range.hi.checked_sub(zero)? };
        let bits = centered.signed_bits();
        if Element::I16.range().contains_range(centered) || bits > WIDEST_BITS {
            return None;
        }
        let unit = 1i64 << (bits / 2);
        let centering = Curve::affine(vec![Rational::one()], vec![exact::from_integer(-zero)]);
        let floor = |end: i64| end.div_euclid(unit);
        let range = IntRange { lo: floor(centered.lo), hi: floor(centered.hi) };
        let high = self.part(grid.id, "high", &centering, unit, range)?;
        let rest = {
            let Value { name, shape, .. } = self.to.value(grid.id).clone();
            let meaning =
                Meaning { gain: vec![grid.gain.clone()], offset: vec![Rational::zero()], channels: None };
            let ty = Type::Accumulators { meaning: Some(meaning), bounds: vec![] };
            let name = format!("{name}.rest");
            let output = self.to.add(Value::new(name.clone(), shape, ty));
            let op = Op::Sum { multipliers: vec![[1, -unit]] };
            self.push_helper(name, op, vec![grid.id, high], output);
            output
        };
        let low = self.part(rest, "low", &centering, 1, IntRange { lo: 0, hi: unit - 1 })?;
        Some(Halves { high, low, unit, gain: grid.gain })
    }

    /// The layer `op` of both `halves`: `inputs` has the lower one, weights and bias, and `gain` and `offset` are what
    /// its sums stand for.
    pub(super) fn both_halves(
        &mut self,
        node: &Node,
        op: Op,
        inputs: Vec<ValueId>,
        halves: &Halves,
        gain: Vec<Rational>,
        offset: Vec<Rational>,
    ) {
        let Value { name, shape, .. } = self.from.value(node.output).clone();
        let unit = exact::from_integer(halves.unit);
        let of_high: Vec<Rational> = gain.iter().map(|gain| gain * &unit).collect();
        // The bias is counted once.
        let operands = [vec![halves.high, inputs[1]], inputs];
        let gains = [of_high, gain];
        let mut values = vec![];
        for ((which, operands), gain) in ["high", "low"].into_iter().zip(operands).zip(&gains) {
            let meaning = Meaning { gain: gain.clone(), offset: vec![Rational::zero()], channels: None };
            let ty = Type::Accumulators { meaning: Some(meaning), bounds: vec![] };
            let output = self.to.add(Value::new(format!("{name}.{which}"), shape.clone(), ty));
            let named = Node { name: format!("{}.{which}", node.name), ..node.clone() };
            self.push(&named, &[], op.clone(), operands, output);
            values.push(output);
        }
        let terms = Terms {
            values,
            gains: gains.to_vec(),
            name,
            shape,
            node: node.name.clone(),
            origin: node.origin.clone(),
        };
        let origin = node.origin.clone();
        self.known.insert(node.output, Known { origin, ..Known::sum(terms, offset) });
    }

    /// The codes `range` of the integers `id`, whose whole units they count.
    fn part(
        &mut self,
        id: ValueId,
        which: &str,
        centering: &Curve,
        unit: i64,
        range: IntRange,
    ) -> Option<ValueId> {
        let Value { name, shape, .. } = self.to.value(id).clone();
        let int = smallest_type(range.union(IntRange::point(0)))?;
        let quantizer = Rule::Uniform {
            scale: exact::from_integer(unit),
            zero_point: 0,
            after: 0,
            range,
            rounding: Rounding::Floor,
        };
        let tail = Tail { curve: centering.clone(), quantizer, int };
        let name = format!("{name}.{which}");
        let ty = Type::Codes(Codes { int, range, zero_point: 0, scale: vec![1.0], axis: None });
        let output = self.to.add(Value::new(name.clone(), shape, ty));
        let op = Op::Requantize(Requantize::Exact(tail));
        self.push_helper(name, op, vec![id], output);
        Some(output)
    }
}
