//! Sums and products of two computed values.

use exactum_runtime::num::IntRange;
use num_traits::{ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Move, Pair, Source, of_meaning};
use super::pool::whole_zero;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Piece, Rational};
use crate::graph::{Meaning, Node, Op, Type, ValueId};
use crate::passes::bound_accumulators;

/// Sums whose reachable integers are this many or fewer are made exactly, whatever follows.
const NARROW: i64 = 1 << 20;
/// Largest sum that a 32-bit accumulator holds.
const WIDEST: i64 = i32::MAX as i64;

/// One operand of a sum or product: integers, and gain and offset of each channel.
struct Operand {
    id: ValueId,
    gain: Vec<Rational>,
    offset: Vec<Rational>,
    largest: i64,
}

impl Quantizer<'_> {
    pub(super) fn add(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let (known, mut operands) = self.operands(at, node)?;
        if matches!(node.op, Op::Sub) {
            for end in [&mut operands[1].gain, &mut operands[1].offset] {
                end.iter_mut().for_each(|value| *value = -value.clone());
            }
        }
        self.wider_first(&mut operands);
        let [a, b] = &operands;
        let offset = zip(&a.offset, &b.offset, |a, b| a + b);
        let shape = self.from.value(node.output).shape.clone();
        let name = node.name.clone();
        let mut sum = match exact_multipliers(a, b, NARROW) {
            Some((multipliers, gain)) => {
                let meaning = Meaning { gain, offset, channels: None };
                let id = self.sum(node, &known, [a.id, b.id], multipliers, &meaning, shape);
                Known::integer(id, of_meaning(&meaning))
            }
            None => {
                let gains = [a.gain.clone(), b.gain.clone()];
                Known::pair(Pair { values: [a.id, b.id], gains, name, shape }, offset)
            }
        };
        if let Source::Pair(_) = sum.source {
            sum.origin =
                known.iter().flat_map(|known| known.origin.clone()).chain(node.origin.clone()).collect();
        }
        self.known.insert(node.output, sum);
        Ok(())
    }

    pub(super) fn multiply(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        if let Some(known) = self.gated(at, node)? {
            self.known.insert(node.output, known);
            return Ok(());
        }
        let (known, mut operands) = self.operands(at, node)?;
        self.wider_first(&mut operands);
        let mut zero_points = [0; 2];
        for (zero_point, operand) in zero_points.iter_mut().zip(&mut operands) {
            *zero_point = match whole_zero(&operand.gain, &operand.offset) {
                Some(zero_point) => zero_point,
                None => {
                    let found = format!("`{}`, of which no integer is zero", self.to.value(operand.id).name);
                    return Err(Diagnostic::new(Code::BadZeroPoint, at.clone(), found, "a quantized value"));
                }
            };
        }
        let [a, b] = &operands;
        let gain = zip(&a.gain, &b.gain, |a, b| a * b);
        let meaning = Meaning { gain, offset: vec![Rational::zero()], channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let inputs = vec![a.id, b.id];
        let output = self.result(node.output, ty);
        let origin: Vec<String> = known.iter().flat_map(|known| known.origin.clone()).collect();
        self.push(node, &origin, Op::Product { zero_points }, inputs, output);
        if bound_accumulators::of_value(&self.to, output).is_none() {
            let found = "products past 62 bits";
            let needed = "an activation quantizer of fewer bits on each operand";
            return Err(Diagnostic::new(Code::AccumulatorTooWide, at.clone(), found, needed));
        }
        self.known.insert(node.output, Known::integer(output, of_meaning(&meaning)));
        Ok(())
    }

    /// The product of two functions of the same integers, such as `x * sigmoid(x)`: one function of them.
    fn gated(&self, at: &Location, node: &Node) -> Result<Option<Known>, Diagnostic> {
        let [a, b] = [self.known(at, node.inputs[0])?, self.known(at, node.inputs[1])?];
        let same = match (&a.source, &b.source) {
            (Source::Integer(a), Source::Integer(b)) | (Source::Float(a), Source::Float(b)) => a == b,
            _ => false,
        };
        // A product of integers is one as it is.
        let affine = a.curve.as_affine().is_some() && b.curve.as_affine().is_some();
        let alike = a.moves == b.moves && a.channels == b.channels;
        if !same || affine || !alike || a.softmax.is_some() || b.softmax.is_some() {
            return Ok(None);
        }
        let factors = Box::new([a.curve.clone(), b.curve]);
        let mut origin = a.origin.clone();
        origin.extend(b.origin.into_iter().chain(node.origin.clone()));
        origin.dedup();
        let curve = Curve::identity().then(Piece::Product { factors });
        Ok(Some(Known { curve, origin, ..a }))
    }

    /// Both operands as integers with an affine meaning.
    fn operands(&mut self, at: &Location, node: &Node) -> Result<([Known; 2], [Operand; 2]), Diagnostic> {
        let mut both = vec![];
        for index in 0..2 {
            let at = at.clone().at_part(format!("input {index}"));
            let known = self.known(&at, node.inputs[index])?;
            let known = self.integers(&at, known)?;
            let (id, gain, offset, known) = match (&known.source, known.curve.as_affine()) {
                (Source::Integer(id), Some((gain, offset))) => (*id, gain, offset, known),
                _ => {
                    let grid = self.grid(&at, node, known.clone(), 32)?;
                    let gain = vec![grid.gain.clone()];
                    let offset = vec![-grid.gain * exact::from_integer(grid.zero_point)];
                    (grid.id, gain, offset, known)
                }
            };
            let id = self.broadcast(node, id);
            let ranges = self.ranges(id).ok_or_else(|| {
                Diagnostic::new(
                    Code::AccumulatorTooWide,
                    at.clone(),
                    "an unbounded operand",
                    "bounded integers",
                )
            })?;
            let largest = largest(&ranges).unwrap_or(0);
            both.push((known, Operand { id, gain, offset, largest }));
        }
        let (second, first) = (both.pop().expect("two operands"), both.pop().expect("two operands"));
        Ok(([first.0, second.0], [first.1, second.1]))
    }

    /// Operand `id` of `node` with as many axes as the result: whole, one element for each channel, or one for all.
    /// Other operands are repeated.
    fn broadcast(&mut self, node: &Node, id: ValueId) -> ValueId {
        let target = self.from.value(node.output).shape.clone();
        let name = self.to.value(id).name.clone();
        let mut shape = self.to.value(id).shape.clone();
        let step = |op: Op, shape: &[usize]| Move {
            op,
            shape: shape.to_vec(),
            name: name.clone(),
            result: name.clone(),
            value: None,
            origin: vec![],
        };
        let mut moves = vec![];
        if shape.len() < target.len() {
            shape = [vec![1; target.len() - shape.len()], shape].concat();
            moves.push(step(Op::Reshape, &shape));
        }
        let one_each = target.len() > 2 && (0..shape.len()).all(|axis| axis == 1 || shape[axis] == 1);
        let for_channels = one_each && shape[1] == target[1];
        if shape != target && shape.iter().any(|size| *size != 1) && !for_channels {
            let factors = shape.iter().zip(&target).map(|(from, to)| to / (*from).max(1)).collect();
            moves.push(step(Op::Repeat { factors }, &target));
        }
        self.replay(id, &moves)
    }

    /// Puts the operand that has all elements first.
    fn wider_first(&self, operands: &mut [Operand; 2]) {
        let elems = |operand: &Operand| self.to.value(operand.id).elems();
        let swap = elems(&operands[0]) < elems(&operands[1]);
        if swap {
            operands.swap(0, 1);
        }
    }

    fn sum(
        &mut self,
        node: &Node,
        known: &[Known],
        values: [ValueId; 2],
        multipliers: Vec<[i64; 2]>,
        meaning: &Meaning,
        shape: Vec<usize>,
    ) -> ValueId {
        let ty = Type::Accumulators { meaning: Some(meaning.clone()), bounds: vec![] };
        let name = self.from.value(node.output).name.clone();
        let output = self.to.add(crate::graph::Value::new(name, shape, ty));
        let origin: Vec<String> = known.iter().flat_map(|known| known.origin.clone()).collect();
        self.push(node, &origin, Op::Sum { multipliers }, values.to_vec(), output);
        output
    }

    /// The sum `pair` as accumulators, and the real value of one of their units, in all channels or in each.
    pub(super) fn exact_sum(
        &mut self,
        at: &Location,
        pair: &Pair,
    ) -> Result<(ValueId, Vec<Rational>), Diagnostic> {
        let operand = |index: usize| {
            let ranges = self.ranges(pair.values[index]).unwrap_or_default();
            Operand {
                id: pair.values[index],
                gain: pair.gains[index].clone(),
                offset: vec![Rational::zero()],
                largest: largest(&ranges).unwrap_or(i64::MAX),
            }
        };
        let operands = [operand(0), operand(1)];
        let Some((multipliers, gain)) = exact_multipliers(&operands[0], &operands[1], WIDEST) else {
            let found = format!("`{}`, a sum of values whose scales have no small common unit", pair.name);
            return Err(Diagnostic::new(
                Code::MissingScale,
                at.clone(),
                found,
                "an activation quantizer after the sum, or one scale for both operands",
            ));
        };
        let meaning = Meaning { gain: gain.clone(), offset: vec![Rational::zero()], channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning), bounds: vec![] };
        let output = self.to.add(crate::graph::Value::new(pair.name.clone(), pair.shape.clone(), ty));
        self.to.nodes.push(Node {
            name: pair.name.clone(),
            origin: vec![pair.name.clone()],
            op: Op::Sum { multipliers },
            inputs: pair.values.to_vec(),
            output,
        });
        Ok((output, gain))
    }
}

/// The largest magnitude in `ranges`; `None` if there are none.
fn largest(ranges: &[IntRange]) -> Option<i64> {
    ranges.iter().map(|range| range.lo.saturating_abs().max(range.hi.saturating_abs())).max()
}

/// Whole factors that bring both operands to one unit, and that unit, in all channels or in each; `None` if there are no
/// small ones, or sums may be larger than `largest`.
fn exact_multipliers(a: &Operand, b: &Operand, largest: i64) -> Option<(Vec<[i64; 2]>, Vec<Rational>)> {
    if a.gain.iter().chain(&b.gain).any(Zero::is_zero) {
        return None;
    }
    let ratio = |ratio: &Rational| {
        let (p, q) = (ratio.numer().to_i64()?, ratio.denom().to_i64()?);
        let fits = |factor: i64| i32::try_from(factor).is_ok();
        let multipliers = [p, q];
        let suits = fits(p) && fits(q) && reach(&multipliers, [a.largest, b.largest]) <= largest;
        suits.then_some(multipliers)
    };
    let ratios = zip(&a.gain, &b.gain, |a, b| a / b);
    let mut multipliers = ratios.iter().map(ratio).collect::<Option<Vec<_>>>()?;
    // a : b = p : q, so one unit is a / p = b / q; the sign of p carries that of the ratio.
    let whole: Vec<Rational> = multipliers.iter().map(|[p, _]| exact::from_integer(*p)).collect();
    let unit = zip(&a.gain, &whole, |gain, p| gain / p);
    if multipliers.iter().all(|pair| *pair == multipliers[0]) {
        multipliers.truncate(1);
    }
    Some((multipliers, unit))
}

/// The largest magnitude that a sum can have.
fn reach(multipliers: &[i64; 2], largest: [i64; 2]) -> i64 {
    let term = |index: usize| multipliers[index].saturating_abs().saturating_mul(largest[index]);
    term(0).saturating_add(term(1))
}

/// Combines lists of one element for all channels or one for each.
fn zip(a: &[Rational], b: &[Rational], f: impl Fn(&Rational, &Rational) -> Rational) -> Vec<Rational> {
    let pick =
        |values: &'_ [Rational], channel: usize| values[if values.len() == 1 { 0 } else { channel }].clone();
    (0..a.len().max(b.len())).map(|channel| f(&pick(a, channel), &pick(b, channel))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_factors_of_two_gains() {
        let ratio = |a: i64, b: i64| Rational::new(a.into(), b.into());
        let operand = |gain| Operand { id: ValueId::new(0), gain, offset: vec![ratio(0, 1)], largest: 127 };
        let (first, second) = (operand(vec![ratio(3, 8)]), operand(vec![ratio(-1, 4)]));
        let (multipliers, unit) = exact_multipliers(&first, &second, 635).unwrap();
        assert_eq!((&*multipliers, &*unit), (&[[-3, 2]][..], &[ratio(-1, 8)][..]));
        assert!(exact_multipliers(&first, &second, 634).is_none());
        // Gains of channels may be in different proportions.
        let each = operand(vec![ratio(3, 8), ratio(1, 2)]);
        let (multipliers, unit) = exact_multipliers(&each, &second, 1000).unwrap();
        assert_eq!((&*multipliers, &*unit), (&[[-3, 2], [-2, 1]][..], &[ratio(-1, 8), ratio(-1, 4)][..]));
        assert!(exact_multipliers(&each, &operand(vec![ratio(0, 1)]), 1000).is_none());
    }
}
