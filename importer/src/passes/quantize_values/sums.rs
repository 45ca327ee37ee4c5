//! Sums of computed values: of two or more, in any nesting, each with a scale of its own.
//!
//! A sum stays a list of terms until a quantizer takes it. Terms with a small common unit are added as integers; the
//! function of two terms has a form of its own; more terms are added exactly in 32 bits, or in two words, a high and a
//! low one, which are two terms again.

use exactum_runtime::num::{IntRange, Rounding};
use num_integer::Integer;
use num_traits::{One, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Move, Source, Terms, of_meaning};
use super::quantizers::smallest_type;
use super::regrid::common;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{self, Curve, Piece, Quantizer as Rule, Rational, zip};
use crate::graph::{
    Codes, FileNodeId, Meaning, Node, Op, Requantize, RequantizePair, Tail, Type, Value, ValueId, joined,
};

/// Sums whose reachable integers are this many or fewer are made exactly, whatever follows.
const NARROW: i64 = 1 << 20;
/// Largest sum that a 32-bit accumulator holds.
const WIDEST: i64 = i32::MAX as i64;
/// Largest sum of two words.
const WIDEST_PAIR: i64 = 1 << 61;

/// Whole multipliers of each term, for all channels or for each, and the real value of one unit of the sum.
struct Common {
    multipliers: Vec<Vec<i64>>,
    unit: Vec<Rational>,
}

/// What a value adds to a sum: `gain * integer + offset`, for all channels or for each.
struct Term {
    id: ValueId,
    gain: Vec<Rational>,
    offset: Vec<Rational>,
}

/// Multipliers as a high word and a low one of `shift` bits.
struct Words {
    shift: u32,
    high: Vec<Vec<i64>>,
    low: Vec<Vec<i64>>,
}

impl Quantizer<'_> {
    pub(super) fn add(&mut self, at: &Location, node: &Node) -> Result<(), Diagnostic> {
        let mut both = vec![];
        for (index, id) in node.inputs.iter().enumerate() {
            let at = at.clone().at_part(format!("input {index}"));
            let known = self.known(&at, *id)?;
            let negative = index == 1 && matches!(node.op, Op::Sub);
            both.push(if negative { Known { curve: known.curve.negated(), ..known } } else { known });
        }
        let sum = self.sum_of(at, node, both)?;
        self.known.insert(node.output, sum);
        Ok(())
    }

    /// The sum of `known`, the value that `node` computes.
    pub(super) fn sum_of(
        &mut self,
        at: &Location,
        node: &Node,
        known: Vec<Known>,
    ) -> Result<Known, Diagnostic> {
        let known = self.aligned(known);
        if let Some(sum) = of_one_source(node, &known, |a, b| a.plus(b)) {
            return Ok(sum);
        }
        let mut terms: Vec<(ValueId, Vec<Rational>)> = vec![];
        let mut offset = vec![Rational::zero()];
        let mut origin = vec![];
        for (index, known) in known.into_iter().enumerate() {
            let at = at.clone().at_part(format!("input {index}"));
            origin.extend(known.origin.clone());
            for Term { id, gain, offset: own } in self.terms(&at, node, known)? {
                let id = self.broadcast(node, id);
                offset = zip(&offset, &own, |a, b| a + b);
                match terms.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, known)) => *known = zip(known, &gain, |a, b| a + b),
                    None => terms.push((id, gain)),
                }
            }
        }
        // The operand that has all elements first.
        terms.sort_by_key(|(id, _)| std::cmp::Reverse(self.to.value(*id).elems()));
        let Value { name, shape, .. } = self.from.value(node.output).clone();
        let (values, gains) = terms.into_iter().unzip();
        let terms =
            Terms { values, gains, name, shape, node: node.name.clone(), origin: node.origin.clone() };
        if let [value] = terms.values[..] {
            let curve = Curve::affine(terms.gains[0].clone(), offset);
            return Ok(Known { origin, ..Known::integer(value, curve) });
        }
        if let Some(common) = self.common(&terms, NARROW) {
            let origin = joined(&node.origin, &origin);
            let meaning = Meaning { gain: common.unit.clone(), offset, channels: None };
            let id = self.whole_sum(&terms, &common.multipliers, Some(meaning.clone()), &origin);
            return Ok(Known::integer(id, of_meaning(&meaning)));
        }
        let origin = joined(&node.origin, &origin);
        Ok(Known { origin, ..Known::sum(terms, offset) })
    }

    /// What `known` adds to a sum: integers with a gain and an offset each.
    fn terms(&mut self, at: &Location, node: &Node, known: Known) -> Result<Vec<Term>, Diagnostic> {
        if let (Source::Sum(terms), Some((gain, offset)), None) =
            (&known.source, known.curve.as_affine(), &known.softmax)
        {
            let channels = gain.len().max(terms.gains.iter().map(Vec::len).max().unwrap_or(1));
            if known.moves.is_empty() && known.channels.is_none()
                || channels.max(offset.len()) == 1
                || self.keeps_channels(&known)
            {
                let mut offset = Some(offset);
                let scaled = terms.values.iter().zip(&terms.gains);
                let scaled: Vec<(ValueId, Vec<Rational>)> =
                    scaled.map(|(id, own)| (*id, zip(own, &gain, |a, b| a * b))).collect();
                let shape = terms.shape.clone();
                let moves = known.moves.clone();
                let mut result = vec![];
                for (id, gain) in scaled {
                    let whole = if moves.is_empty() { id } else { self.repeated(id, &shape) };
                    let own = offset.take().unwrap_or_else(|| vec![Rational::zero()]);
                    result.push(Term { id: self.replay(whole, &moves), gain, offset: own });
                }
                return Ok(result);
            }
        }
        let known = self.integers(at, known)?;
        if let (Source::Integer(id), Some((gain, offset))) = (&known.source, known.curve.as_affine()) {
            return Ok(vec![Term { id: *id, gain, offset }]);
        }
        let grid = self.grid(at, node, known, 32)?;
        let offset = vec![-&grid.gain * exact::from_integer(grid.zero_point)];
        Ok(vec![Term { id: grid.id, gain: vec![grid.gain], offset }])
    }

    /// Whole multipliers that bring all terms to one unit; `None` if sums may be larger than `largest`.
    fn common(&self, terms: &Terms, largest: i64) -> Option<Common> {
        let channels = terms.gains.iter().map(Vec::len).max()?;
        let reach = self.reach(terms)?;
        let mut multipliers = vec![vec![]; terms.values.len()];
        let mut units = vec![];
        for channel in 0..channels {
            let gains: Vec<&Rational> =
                terms.gains.iter().map(|gain| &gain[if gain.len() == 1 { 0 } else { channel }]).collect();
            let unit = gains.iter().fold(Rational::zero(), |unit, gain| common(&unit, gain));
            let unit = if unit.is_zero() { Rational::one() } else { unit };
            let mut sum = 0i64;
            for ((gain, reach), multipliers) in gains.into_iter().zip(&reach).zip(&mut multipliers) {
                let multiplier = (gain / &unit).to_integer().to_i64()?;
                sum = sum.checked_add(multiplier.checked_abs()?.checked_mul(*reach)?)?;
                multipliers.push(multiplier);
            }
            if sum > largest {
                return None;
            }
            units.push(unit);
        }
        Some(Common { multipliers, unit: units })
    }

    /// The largest magnitude of each term's integers.
    fn reach(&self, terms: &Terms) -> Option<Vec<i64>> {
        let one = |id: &ValueId| {
            let ranges = self.ranges(*id)?;
            ranges
                .iter()
                .map(|range: &IntRange| range.lo.saturating_abs().max(range.hi.saturating_abs()))
                .max()
        };
        terms.values.iter().map(one).collect()
    }

    /// Emits the integer sum of `terms` times `multipliers`, term after term.
    fn whole_sum(
        &mut self,
        terms: &Terms,
        multipliers: &[Vec<i64>],
        meaning: Option<Meaning>,
        origin: &[FileNodeId],
    ) -> ValueId {
        let (mut sum, mut factors) = (terms.values[0], multipliers[0].clone());
        for (index, (value, own)) in terms.values.iter().zip(multipliers).enumerate().skip(1) {
            let last = index + 1 == terms.values.len();
            let mut pairs: Vec<[i64; 2]> = factors.iter().zip(own).map(|(a, b)| [*a, *b]).collect();
            if pairs.iter().all(|pair| *pair == pairs[0]) {
                pairs.truncate(1);
            }
            let stated = meaning.clone().filter(|_| last);
            let stated = stated.unwrap_or(Meaning {
                gain: vec![Rational::one()],
                offset: vec![Rational::zero()],
                channels: None,
            });
            let ty = Type::Accumulators { meaning: Some(stated), bounds: vec![] };
            let part = if last { String::new() } else { format!(".part{index}") };
            let output = self.to.add(Value::new(format!("{}{part}", terms.name), terms.shape.clone(), ty));
            self.to.nodes.push(Node::new(
                format!("{}{part}", terms.node),
                origin.to_vec(),
                Op::Sum { multipliers: pairs },
                vec![sum, *value],
                output,
            ));
            (sum, factors) = (output, vec![1; factors.len()]);
        }
        sum
    }

    /// The sum of `terms` as accumulators, and the real value of one of their units, in all channels or in each.
    pub(super) fn exact_sum(
        &mut self,
        at: &Location,
        terms: &Terms,
    ) -> Result<(ValueId, Vec<Rational>), Diagnostic> {
        let Some(common) = self.common(terms, WIDEST) else {
            let found = format!("`{}`, a sum of values whose scales have no small common unit", terms.node);
            let needed = "an activation quantizer after the sum, or one scale for all operands";
            return Err(Diagnostic::new(Code::MissingScale, at.clone(), found, needed));
        };
        let meaning = Meaning { gain: common.unit.clone(), offset: vec![Rational::zero()], channels: None };
        let id = self.whole_sum(terms, &common.multipliers, Some(meaning), &terms.origin);
        Ok((id, common.unit))
    }

    /// The codes that `tail` makes of the sum of more than two `terms`.
    ///
    /// A wide sum meets ties, of which every other one is rounded up, and no line does that. So the codes are the sum
    /// of two counts of steps: `round_half_even(v) = floor((v + 1/2) / 2) + ceil((v - 1/2) / 2)`.
    pub(super) fn codes_of_many(
        &mut self,
        at: &Location,
        node: &Node,
        terms: Terms,
        tail: Tail,
    ) -> Result<(Op, Vec<ValueId>), Diagnostic> {
        let Terms { values, gains, shape, name, .. } = self.words_of(at, terms)?;
        let pair = |tail: Tail| Op::RequantizePair(RequantizePair::Exact { gains: gains.clone(), tail });
        let Rule::Uniform { scale, zero_point, after, range, rounding: Rounding::HalfEven } = &tail.quantizer
        else {
            return Ok((pair(tail), values));
        };
        let (inside, behind) = (*zero_point, *after);
        let number = exact::from_integer;
        let half = Rational::new(1.into(), 2.into());
        let two = number(2);
        // What is rounded is limited before, so that both counts are.
        let line =
            |gain: Rational, offset: Rational| Piece::Affine { gain: vec![gain], offset: vec![offset] };
        let ends = [range.lo, range.hi].map(|end| number(end - behind));
        let limited = tail
            .curve
            .clone()
            .then(line(scale.recip(), number(inside)))
            .then(Piece::Clip { lo: Some(ends[0].clone()), hi: Some(ends[1].clone()) });
        let mut counts = vec![];
        for (part, shift, rounding) in
            [("upper", half.clone(), Rounding::Floor), ("lower", -half, Rounding::Ceil)]
        {
            let curve = limited.clone().then(line(Rational::one(), shift.clone()));
            let count = |end: &Rational| exact::round(&((end + &shift) / &two), rounding).to_i64();
            let counted = count(&ends[0]).zip(count(&ends[1])).and_then(|(lo, hi)| IntRange::new(lo, hi));
            let counted =
                counted.and_then(|range| Some((range, smallest_type(range.union(IntRange::point(-1)))?)));
            let Some((range, int)) = counted else {
                let found = format!("codes {range}");
                return Err(Diagnostic::new(Code::BadBitWidth, at.clone(), found, "codes that fit 32 bits"));
            };
            let quantizer = Rule::Uniform { scale: two.clone(), zero_point: 0, after: 0, range, rounding };
            let codes = Codes { int, range, zero_point: 0, scale: vec![1.0], axis: None };
            let value = Value::new(format!("{name}.{part}"), shape.clone(), Type::Codes(codes));
            let output = self.to.add(value);
            let op = pair(Tail { curve, quantizer, int });
            self.push(node, &[], op, values.clone(), output);
            counts.push(output);
        }
        let meaning = Meaning { gain: vec![Rational::one()], offset: vec![number(behind)], channels: None };
        let ty = Type::Accumulators { meaning: Some(meaning), bounds: vec![] };
        let sum = self.to.add(Value::new(format!("{name}.steps"), shape, ty));
        self.push(node, &[], Op::Sum { multipliers: vec![[1, 1]] }, counts, sum);
        let quantizer = Rule::multiples(Rational::one(), *range);
        let curve = Curve::affine(vec![Rational::one()], vec![number(behind)]);
        let op = Op::Requantize(Requantize::Exact(Tail { curve, quantizer, int: tail.int }));
        Ok((op, vec![sum]))
    }

    /// The sum of `terms` in two words.
    fn words_of(&mut self, at: &Location, terms: Terms) -> Result<Terms, Diagnostic> {
        let common = self.common(&terms, WIDEST_PAIR);
        let words = common.and_then(|common| Some((self.words(&terms, &common)?, common.unit)));
        let Some((Words { shift, high, low }, unit)) = words else {
            let found = format!("`{}`, a sum of more than 62 bits in a common unit", terms.node);
            let needed = "an activation quantizer on one of the operands";
            return Err(Diagnostic::new(Code::AccumulatorTooWide, at.clone(), found, needed));
        };
        let part = |name: &str| Terms {
            name: format!("{}.{name}", terms.name),
            node: format!("{}.{name}", terms.node),
            ..terms.clone()
        };
        let (above, below) = (part("high"), part("low"));
        let origin = &terms.origin;
        let values =
            vec![self.whole_sum(&above, &high, None, origin), self.whole_sum(&below, &low, None, origin)];
        let scale = exact::from_integer(1 << shift);
        let gains = vec![unit.iter().map(|unit| unit * &scale).collect(), unit];
        Ok(Terms { values, gains, ..terms })
    }

    /// The multipliers as a high and a low word, and the bits of the low one; both sums fit 32 bits.
    fn words(&self, terms: &Terms, common: &Common) -> Option<Words> {
        let reach = self.reach(terms)?;
        let fits = |multipliers: &[Vec<i64>]| {
            let channels = multipliers.first().map_or(0, Vec::len);
            (0..channels).all(|channel| {
                let size = |(own, reach): (&Vec<i64>, &i64)| own[channel].checked_abs()?.checked_mul(*reach);
                let sizes = multipliers.iter().zip(&reach).map(size);
                let sum = sizes.reduce(|a, b| a?.checked_add(b?)).flatten();
                let factors = multipliers.iter().all(|own| i32::try_from(own[channel]).is_ok());
                factors && sum.is_some_and(|sum| sum <= WIDEST)
            })
        };
        // A long low word leaves few values of the high one.
        (1..=30u32).rev().find_map(|shift| {
            let unit = 1i64 << shift;
            let low_of = |m: &i64| (m + unit / 2).mod_floor(&unit) - unit / 2;
            let word = |f: &dyn Fn(&i64) -> i64| -> Vec<Vec<i64>> {
                common.multipliers.iter().map(|own| own.iter().map(f).collect()).collect()
            };
            let (high, low) = (word(&|m| (m - low_of(m)) >> shift), word(&low_of));
            (fits(&high) && fits(&low)).then_some(Words { shift, high, low })
        })
    }

    /// `id` in the shape `shape`: fewer elements are repeated.
    fn repeated(&mut self, id: ValueId, shape: &[usize]) -> ValueId {
        let from = self.to.value(id).shape.clone();
        if from == shape {
            return id;
        }
        let factors = from.iter().zip(shape).map(|(from, to)| to / (*from).max(1)).collect();
        let step = Move::of(Op::Repeat { factors }, shape.to_vec(), &self.to.value(id).name);
        self.replay(id, &[step])
    }
}

/// `combine` of the functions of two values that are functions of the same integers or floats.
pub(super) fn of_one_source(
    node: &Node,
    known: &[Known],
    combine: impl Fn(Curve, Curve) -> Curve,
) -> Option<Known> {
    let (first, rest) = known.split_first()?;
    if !rest.iter().all(|other| first.shares_source(other)) {
        return None;
    }
    let curve = rest.iter().fold(first.curve.clone(), |curve, other| combine(curve, other.curve.clone()));
    let mut origin: Vec<FileNodeId> = known.iter().flat_map(|known| known.origin.clone()).collect();
    origin.extend(node.origin.clone());
    let origin = joined(&origin, &[]);
    Some(Known { curve, origin, ..first.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Graph, Level};
    use exactum_runtime::num::IntType;

    fn ratio(a: i64, b: i64) -> Rational {
        Rational::new(a.into(), b.into())
    }

    /// Terms of codes of 8 bits.
    fn terms(to: &mut Graph, gains: &[&[Rational]]) -> Terms {
        let codes = Codes {
            int: IntType::INT8,
            range: IntRange { lo: -127, hi: 127 },
            zero_point: 0,
            scale: vec![1.0],
            axis: None,
        };
        let shape = vec![1, 4];
        let values = gains
            .iter()
            .map(|_| to.add(Value::new("x", shape.clone(), Type::Codes(codes.clone()))))
            .collect();
        let gains = gains.iter().map(|gains| gains.to_vec()).collect();
        Terms { values, gains, name: "y".to_owned(), shape, node: "sum".to_owned(), origin: vec![] }
    }

    #[test]
    fn whole_multipliers_of_gains() {
        let from = Graph::new("", Level::Imported);
        let mut quantizer = Quantizer::new(&from);
        let two = terms(&mut quantizer.to, &[&[ratio(3, 8)], &[ratio(-1, 4)]]);
        let found = quantizer.common(&two, 635).unwrap();
        assert_eq!((found.multipliers, found.unit), (vec![vec![3], vec![-2]], vec![ratio(1, 8)]));
        assert!(quantizer.common(&two, 634).is_none());
        // Gains of channels may be in different proportions, and some may be zero.
        let each = terms(&mut quantizer.to, &[&[ratio(3, 8), ratio(0, 1)], &[ratio(-1, 4)], &[ratio(1, 2)]]);
        let found = quantizer.common(&each, 1 << 20).unwrap();
        assert_eq!(found.multipliers, [vec![3, 0], vec![-2, -1], vec![4, 2]]);
        assert_eq!(found.unit, [ratio(1, 8), ratio(1, 4)]);
    }

    #[test]
    fn words_add_up_to_multipliers() {
        let from = Graph::new("", Level::Imported);
        let mut quantizer = Quantizer::new(&from);
        let gains = [0.123_f32, -0.0457, 0.911, 0.031].map(|gain| vec![exact::from_f32(gain).unwrap()]);
        let gains: Vec<&[Rational]> = gains.iter().map(Vec::as_slice).collect();
        let all = terms(&mut quantizer.to, &gains);
        assert!(quantizer.common(&all, WIDEST).is_none());
        let common = quantizer.common(&all, WIDEST_PAIR).unwrap();
        let Words { shift, high, low } = quantizer.words(&all, &common).unwrap();
        for ((high, low), whole) in high.iter().zip(&low).zip(&common.multipliers) {
            assert_eq!((high[0] << shift) + low[0], whole[0]);
        }
        assert_eq!(quantizer.words_of(&Location::part(""), all).unwrap().values.len(), 2);
    }
}
