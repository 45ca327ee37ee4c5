//! What the caller gets: outputs, and operators that only make sense there.

use exactum_runtime::num::{IntRange, IntType};
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use super::Quantizer;
use super::known::{Known, Source, native, of_meaning};
use super::pool::direction;
use crate::diagnostic::{Code, Diagnostic, Location};
use crate::exact::{Curve, Piece, Rational};
use crate::graph::{ChannelMap, Codes, Dequantize, Meaning, Node, Op, Softmax, Type, Value, ValueId, joined};

impl Quantizer<'_> {
    /// A softmax is left to the caller: the integers before it order the classes in the same way.
    pub(super) fn softmax(&mut self, at: &Location, node: &Node, axis: usize) -> Result<(), Diagnostic> {
        let mut known = self.known(at, node.inputs[0])?;
        if known.softmax.is_some() {
            let found = "a softmax of a softmax";
            return Err(Diagnostic::new(Code::UnsupportedForm, at.clone(), found, "one softmax at the end"));
        }
        known.softmax = Some(Softmax { axis, then: Curve::identity() });
        known.origin.extend(node.origin.iter().cloned());
        self.known.insert(node.output, known);
        Ok(())
    }

    pub(super) fn top_k(
        &mut self,
        at: &Location,
        node: &Node,
        k: usize,
        largest: bool,
    ) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        // A softmax keeps the order of its elements; what follows it may make some equal.
        let softmax = known.softmax.clone().filter(|softmax| !softmax.then.is_identity());
        let known = self.moved(at, Known { softmax, ..known })?;
        let affine = known.curve.as_affine();
        // A function that rises everywhere has the order of its integers.
        let rising = || rises_strictly(&known.curve).then(|| (vec![Rational::one()], vec![Rational::zero()]));
        let order = affine.or_else(rising);
        let (Source::Integer(x), Some((gain, offset))) = (&known.source, order) else {
            let found = "the order of values that a function may have made equal";
            return Err(Diagnostic::new(
                Code::MissingScale,
                at.clone(),
                found,
                "a quantizer before the comparison",
            ));
        };
        let x = *x;
        let shape = self.to.value(x).shape.clone();
        let (multipliers, offsets) = match compared(&shape, known.channels.as_ref(), &gain, &offset) {
            Some(Compared::Integers) => (vec![], vec![]),
            Some(Compared::Reals { gain, offset }) => self.scores(at, x, &gain, &offset)?,
            None => {
                let found = "a comparison of elements whose scales differ along other axes too";
                let needed = "one scale for all elements, or for each index along the compared axis";
                return Err(Diagnostic::new(Code::BadChannels, at.clone(), found, needed));
            }
        };
        let elems = shape.last().copied().unwrap_or(1) as i64;
        let range = IntRange { lo: 0, hi: elems.max(1) - 1 };
        let ty =
            Type::Codes(Codes { int: IntType::INT32, range, zero_point: 0, scale: vec![1.0], axis: None });
        let output = self.result(node.output, ty.clone());
        let op = Op::TopK { k, largest, values: false, multipliers, offsets };
        self.push(node, &known.origin, op, vec![x], output);
        let curve = self.native(output);
        self.known.insert(node.output, Known::integer(output, curve));
        Ok(())
    }

    /// The best elements themselves. Which of equal ones is taken does not matter, so any function will do that rises
    /// or falls.
    pub(super) fn top_values(
        &mut self,
        at: &Location,
        node: &Node,
        k: usize,
        largest: bool,
    ) -> Result<(), Diagnostic> {
        let known = self.known(at, node.inputs[0])?;
        let known = self.integers(at, known)?;
        let direction = if known.curve.channels() == 1 { direction(&known.curve) } else { None };
        let (Source::Integer(x), Some(rises)) = (&known.source, direction) else {
            let found = "the values of elements with scales of their own";
            let needed = "one scale for all elements, or a quantizer before the comparison";
            return Err(Diagnostic::new(Code::BadChannels, at.clone(), found, needed));
        };
        let x = *x;
        let output = self.result(node.output, self.to.value(x).ty.clone());
        let op =
            Op::TopK { k, largest: largest == rises, values: true, multipliers: vec![], offsets: vec![] };
        self.push(node, &known.origin, op, vec![x], output);
        self.known.insert(node.output, Known { source: Source::Integer(output), ..known });
        Ok(())
    }

    /// Whole numbers in the order of `gain * x + offset`.
    fn scores(
        &self,
        at: &Location,
        x: ValueId,
        gain: &[Rational],
        offset: &[Rational],
    ) -> Result<(Vec<i64>, Vec<i64>), Diagnostic> {
        let all = || gain.iter().chain(offset);
        let denom = all().fold(num_bigint::BigInt::from(1), |denom, value| denom.lcm(value.denom()));
        let whole = |value: &Rational| value.numer() * (&denom / value.denom());
        let common = all().map(&whole).fold(num_bigint::BigInt::zero(), |a, b| a.gcd(&b));
        let count = |value: &Rational| (whole(value) / &common).to_i64();
        let multipliers: Option<Vec<i64>> = gain.iter().map(count).collect();
        let offsets: Option<Vec<i64>> = offset.iter().map(count).collect();
        let ranges = self.ranges(x).unwrap_or_default();
        let fits = |multipliers: &[i64], offsets: &[i64]| {
            let most = ranges
                .iter()
                .map(|range| range.lo.unsigned_abs().max(range.hi.unsigned_abs()))
                .max()
                .unwrap_or(0);
            multipliers.iter().all(|m| {
                let product = i128::from(*m).abs() * i128::from(most);
                let sum = offsets.iter().map(|o| i128::from(*o).abs()).max().unwrap_or(0) + product;
                sum <= i128::from(i64::MAX)
            })
        };
        let plain = multipliers.zip(offsets);
        let held = [plain, ranked(gain, offset)]
            .into_iter()
            .flatten()
            .find(|(multipliers, offsets)| fits(multipliers, offsets));
        match held {
            Some(held) => Ok(held),
            None => {
                let found = "scales and offsets whose exact comparison leaves 64 bits";
                Err(Diagnostic::new(
                    Code::AccumulatorTooWide,
                    at.clone(),
                    found,
                    "an output quantizer, or one weight scale for all outputs that are compared",
                ))
            }
        }
    }

    /// Makes `id` an output, which the file calls `name`.
    pub(super) fn output(&mut self, id: ValueId, name: &str) -> Result<(), Diagnostic> {
        let at = Location::part(format!("output `{name}`"));
        let known = self.known(&at, id)?;
        let softmax = known.softmax.clone();
        let known = Known { softmax: None, ..known };
        let mut known = self.moved(&at, known)?;
        self.check_domain(&at, &known, &known.curve)?;
        let mut value = source(&known);
        let finite = |value: &Rational| value.to_f64().is_some_and(f64::is_finite);
        let affine = known.curve.pieces().first().is_none_or(|piece| match piece {
            Piece::Affine { gain, offset } => gain.iter().chain(offset).all(finite),
            _ => true,
        });
        if !affine {
            let found = "a scale or offset that no 64-bit float holds";
            return Err(Diagnostic::new(Code::BadScale, at, found, "finite scales and constants"));
        }
        if softmax.is_none() {
            if self.means(value, &known) {
                self.hand_out(value, id);
                return Ok(());
            }
            // A ReLU of whole units is a clamp of integers.
            if known.curve.as_affine().is_none() && known.curve.is_piecewise_linear() {
                let node = self.edge_node(id);
                if let Ok(grid) = self.grid(&at, &node, known.clone(), 32) {
                    let gain = grid.gain;
                    let offset = -&gain * crate::exact::from_integer(grid.zero_point);
                    known = Known::integer(
                        grid.id,
                        of_meaning(&Meaning { gain: vec![gain], offset: vec![offset], channels: None }),
                    );
                    value = source(&known);
                    if self.means(value, &known) {
                        self.hand_out(value, id);
                        return Ok(());
                    }
                }
            }
        }
        let Value { name, shape, .. } = self.from.value(id).clone();
        let output = self.to.add(Value::new(name.clone(), shape, Type::Float));
        let Known { curve, channels, .. } = known.clone();
        let op = Op::Dequantize(Dequantize { curve, channels, softmax });
        let origin = joined(&self.origin, &known.origin);
        self.to.nodes.push(Node::new(name, origin, op, vec![value], output));
        self.to.outputs.push(output);
        Ok(())
    }

    /// Makes `value` the output `id`, by whose name the caller knows it.
    fn hand_out(&mut self, value: ValueId, id: ValueId) {
        if self.to.consumers(value).next().is_none() && !self.to.outputs.contains(&value) {
            let name = self.from.value(id).name.clone();
            self.to.value_mut(value).name = name;
        }
        self.to.outputs.push(value);
    }

    /// Whether `known` is what the type of its integers says, or can say: accumulators that nobody else reads take
    /// over a new scale.
    fn means(&mut self, value: ValueId, known: &Known) -> bool {
        let unread = self.to.consumers(value).next().is_none() && !self.to.outputs.contains(&value);
        let affine = known.curve.as_affine();
        let value = self.to.value_mut(value);
        match &mut value.ty {
            Type::Codes(codes) => {
                let axis = codes.axis.filter(|axis| *axis != 1);
                let channels = axis.map(|axis| ChannelMap::along(&value.shape, axis));
                native(codes) == known.curve && channels == known.channels
            }
            Type::Accumulators { meaning: Some(meaning), .. } => {
                if of_meaning(meaning) == known.curve && meaning.channels == known.channels {
                    return true;
                }
                match affine {
                    Some((gain, offset)) if unread && !gain.iter().any(Zero::is_zero) => {
                        *meaning = Meaning { gain, offset, channels: known.channels.clone() };
                        true
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// A node that stands for output `id`.
    fn edge_node(&self, id: ValueId) -> Node {
        let name = self.from.value(id).name.clone();
        Node::new(name, self.origin.clone(), Op::Identity, vec![], id)
    }
}

/// Whole numbers in the order of `gain * x + offset` with one gain: whole parts of `x + offset / gain`, and between equal ones
/// the places of their fractions among all fractions.
fn ranked(gain: &[Rational], offset: &[Rational]) -> Option<(Vec<i64>, Vec<i64>)> {
    let first = gain.first().filter(|first| !first.is_zero() && gain.iter().all(|gain| gain == *first))?;
    let shifts: Vec<Rational> = offset.iter().map(|offset| offset / first.abs()).collect();
    let mut fractions: Vec<Rational> = shifts.iter().map(|shift| shift - shift.floor()).collect();
    fractions.sort();
    fractions.dedup();
    let count = i64::try_from(fractions.len().max(1)).ok()?;
    let score = |shift: &Rational| {
        let whole = shift.floor();
        let place = fractions.binary_search(&(shift - &whole)).ok()?;
        whole.to_integer().to_i64()?.checked_mul(count)?.checked_add(i64::try_from(place).ok()?)
    };
    let multiplier = if first.is_negative() { -count } else { count };
    Some((vec![multiplier], shifts.iter().map(score).collect::<Option<_>>()?))
}

/// Whether larger integers give larger reals, by one function for all channels.
fn rises_strictly(curve: &Curve) -> bool {
    curve.channels() == 1
        && curve.pieces().iter().all(|piece| match piece {
            Piece::Affine { gain, .. } => gain[0].is_positive(),
            Piece::LeakyRelu { slope } => slope[0].is_positive(),
            Piece::Power { exponent } => exponent.is_odd(),
            _ => false,
        })
}

/// What the order of elements along the last axis is the order of.
enum Compared {
    /// Their integers.
    Integers,
    /// `gain * integer + offset`, for all indices along the axis or for each.
    Reals { gain: Vec<Rational>, offset: Vec<Rational> },
}

/// What to compare along the last axis of integers of `shape` with gains and offsets of channels; `None` if one list of
/// them does not do for all comparisons.
fn compared(
    shape: &[usize],
    channels: Option<&ChannelMap>,
    gain: &[Rational],
    offset: &[Rational],
) -> Option<Compared> {
    let one = |gain: &Rational| match gain.is_positive() {
        true => Compared::Integers,
        false => Compared::Reals { gain: vec![gain.clone()], offset: vec![] },
    };
    if gain.len() == 1 && offset.len() == 1 {
        return Some(one(&gain[0]));
    }
    let along = ChannelMap::along(shape, 1);
    let channels = channels.unwrap_or(&along);
    let last = shape.len().checked_sub(1)?;
    if let Some(chosen) = channels.indices(shape, last) {
        let of = |values: &[Rational]| match values.len() {
            1 => values.to_vec(),
            _ => chosen.iter().map(|channel| values[*channel as usize].clone()).collect(),
        };
        return Some(Compared::Reals { gain: of(gain), offset: of(offset) });
    }
    // Elements that are compared share a channel, so its function only has to rise, or to fall in all of them.
    let elems: usize = shape.iter().product();
    let shared = (0..elems).all(|at| channels.channel(at) == channels.channel(at - at % shape[last]));
    let sign = |gain: &Rational| gain.is_positive();
    let alike = gain.iter().all(|other| sign(other) == sign(&gain[0]) && !other.is_zero());
    let ones = Rational::from_integer(if sign(&gain[0]) { 1.into() } else { (-1).into() });
    (shared && alike).then(|| one(&ones))
}

fn source(known: &Known) -> ValueId {
    match &known.source {
        Source::Integer(id) | Source::Float(id) => *id,
        Source::Sum(terms) => terms.values[0],
    }
}
